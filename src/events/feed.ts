/** The kinds of things that a tenant's feed holds, each followed by a subscription of its own. */
export const STREAMS = ['points', 'tiers', 'grants', 'members', 'extensions'] as const;
export type Stream = (typeof STREAMS)[number];
/** The streams whose items are rows of `feed_event`. */
export type EventStream = Exclude<Stream, 'points'>;

/** What each of those streams tells. */
export interface EventTypes {
  readonly members:
    | 'ENROLLED'
    /** The profile, identities, consents or attributes; `changed` names which. */
    | 'UPDATED'
    | 'TAGS_CHANGED'
    /** By hand: blocked, closed or active again. */
    | 'STATUS_CHANGED'
    /** Ended: they live on in `other`. */
    | 'MERGED'
    /** Who stayed, of the two. */
    | 'TOOK_OVER';
  readonly tiers:
    | 'RAISED'
    | 'LOWERED'
    /** Neither: set by hand to the tier that was held, or the one before is none of the program any more. */
    | 'SET';
  readonly grants:
    | 'GRANTED'
    | 'USED'
    | 'USE_UNDONE'
    | 'REVOKED'
    /** It moved along from a member who was merged into this one. */
    | 'MERGED';
  readonly extensions:
    | 'REGISTERED'
    | 'UPDATED'
    | 'STAGED'
    | 'ROLLED_BACK'
    | 'STEPPED_BACK'
    | 'SECRET_ROTATED';
}

/** Told after a commit that took positions of a tenant's feed; a hint only, what was written is the truth. */
export interface FeedListener {
  posted(tenantKey: string): void;
}

/** What happened at one position of a tenant's feed: an entry of a ledger, or a row of `feed_event`. */
export interface FeedItem<Event = unknown> {
  /** 1, 2, 3 … without a gap, in the order of the commits. */
  readonly position: bigint;
  readonly stream: Stream;
  /** Whom it is about; null where that is nobody, as with extensions. */
  readonly memberKey: string | null;
  /** What subscribers are shown: the root value of their selections. */
  readonly event: Event;
}

/** Which part of a tenant's feed is read. */
export interface FeedRange {
  /** Behind this position. */
  readonly after: bigint;
  /** At most so many items. */
  readonly limit: number;
  /** One stream alone; null = all of them. */
  readonly stream: Stream | null;
  /** Whose items alone; null = everybody's. */
  readonly memberKey: string | null;
}

/** What was read of a feed: nothing is missing up to `upTo`. */
export interface FeedPage {
  readonly items: readonly FeedItem[];
  readonly upTo: bigint;
}

/** Reads feeds; the domain knows where their items are. */
export interface FeedReads {
  /** The position of what was committed last. */
  position(tenantKey: string): Promise<bigint>;
  read(tenantKey: string, range: FeedRange): Promise<FeedPage>;
}

/** What somebody follows of a tenant's feed. */
export interface Following {
  readonly tenantKey: string;
  readonly stream: Stream;
  /** Whose items alone matter; null for everybody's. */
  readonly memberKey: string | null;
  /** The rest of its filter: the same for the same item, whenever it is asked. */
  readonly accepts: (item: FeedItem) => boolean;
  /** Goes on behind this position; null = from the moment of subscribing. */
  readonly after: bigint | null;
}
