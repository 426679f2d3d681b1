/** What the process of the listeners is told, one order at a time. */
export type Order =
  | ({ readonly do: 'open' } & Opening)
  | { readonly do: 'watch'; readonly crowd: string; readonly watch: Watch; readonly messages: number }
  | { readonly do: 'await'; readonly crowd: string; readonly withinMs: number }
  | { readonly do: 'cut'; readonly crowd: string }
  | { readonly do: 'reopen'; readonly crowd: string; readonly delay: Delay };

export interface Opening {
  /** What these listeners are called together. */
  readonly crowd: string;
  readonly url: string;
  /** The document that they subscribe to. */
  readonly query: string;
  readonly listeners: readonly ListenerOptions[];
  /** They read nothing once they have subscribed. */
  readonly stalls?: boolean;
  /** Since when they want to hear; what they last heard, when they come back. */
  readonly after: string | null;
}

export interface ListenerOptions {
  /** The payload of `connection_init`. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * What is taken from each message: nothing, its text (so that all can be compared), or when the posting
 * arrived that its `reason` numbers. What is asked of thousands has to be cheap, or they measure themselves.
 */
export type Watch = 'count' | 'text' | 'stamp';

/** How long a listener waits before it comes back: not at all, or as graphql-ws does for the first time. */
export type Delay = 'none' | 'graphql-ws';

/** A posting that was heard. */
export interface Stamp {
  /** Which one, by its `reason`. */
  readonly posting: number;
  /** Who heard it, by the order in which they were opened. */
  readonly listener: number;
  /** Of the machine's monotonic clock, which all processes share. */
  readonly atNs: bigint;
}

/** What a crowd has heard since it was told to watch. */
export interface Heard {
  readonly messages: number;
  /** Of the one who heard least, and of the one who heard most. */
  readonly fewest: number;
  readonly most: number;
  readonly startedNs: bigint;
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  /** How many cores the listeners' process kept busy: near one, it may be what limits. */
  readonly cores: number;
  /** Why sockets were closed or streams ended that should have gone on, and how often. */
  readonly failures: number;
  readonly failure: string | null;
  /** When watching texts: the first listener's messages, and in how many ways listeners heard them. */
  readonly texts: readonly string[];
  readonly ways: number;
  readonly stamps: readonly Stamp[];
}
