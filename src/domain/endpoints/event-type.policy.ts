import { type EventStream, type EventTypes, STREAMS, type Stream } from '../../events/index.ts';
import { PointEventType } from '../live/index.ts';

/** What each stream tells, in the words of its subscription. */
const OF_EVENTS: { readonly [Of in EventStream]: readonly EventTypes[Of][] } = {
  tiers: ['RAISED', 'LOWERED', 'SET'],
  grants: ['GRANTED', 'USED', 'USE_UNDONE', 'REVOKED', 'MERGED'],
  members: ['ENROLLED', 'UPDATED', 'TAGS_CHANGED', 'STATUS_CHANGED', 'MERGED', 'TOOK_OVER'],
  extensions: ['REGISTERED', 'UPDATED', 'STAGED', 'ROLLED_BACK', 'STEPPED_BACK', 'SECRET_ROTATED'],
};

const TYPES: Readonly<Record<Stream, readonly string[]>> = {
  ...OF_EVENTS,
  points: Object.values(PointEventType),
};

/** As an endpoint is told: `points.earned`. */
export function typeName(stream: Stream, type: string): string {
  return `${stream}.${type.toLowerCase()}`;
}

/** The types of a stream as endpoints are told them. */
export function typesOf(stream: Stream): readonly string[] {
  return TYPES[stream].map((type) => typeName(stream, type));
}

export const ALL_TYPES: readonly string[] = STREAMS.flatMap(typesOf);

/** What of an event decides who is told. */
export interface FeedFact {
  readonly position: bigint;
  readonly stream: Stream;
  /** As endpoints are told it. */
  readonly type: string;
  readonly memberKey: string | null;
  /** Of points alone. */
  readonly asset: string | null;
}

export interface EndpointFilter {
  readonly streams: readonly Stream[] | null;
  readonly types: readonly string[] | null;
  /** Of points alone: other streams have none. */
  readonly assets: readonly string[] | null;
}

/** Whether an endpoint wants to be told. */
export function accepts({ streams, types, assets }: EndpointFilter, fact: FeedFact): boolean {
  return (
    (streams === null || streams.includes(fact.stream)) &&
    (types === null || types.includes(fact.type)) &&
    (assets === null || fact.asset === null || assets.includes(fact.asset))
  );
}
