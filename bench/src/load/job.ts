/** What a contender is asked, over and over, by the load process. */
export interface LoadJob {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * A request's JSON: `{{member}}` becomes a member's id at random, `{{key}}` a key that was never used. Where
   * either stands again, it is another one.
   */
  readonly body: string;
  readonly members: readonly string[];
  /** Each member is asked about once, in their order, until there are no more. */
  readonly inOrder?: boolean;
  /** How many requests there are; as many as the time allows when missing. */
  readonly requests?: number | undefined;
  readonly connections: number;
  readonly seconds: number;
  /** A right answer contains it; `{{member}}` is the first one of the request. */
  readonly proof: string;
}

export interface LoadResult {
  readonly completed: number;
  /** From the first request to the last answer that counts; less than asked for when all was asked. */
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that weren't 200, had GraphQL errors or user errors, or lacked the proof. */
  readonly failed: number;
  /** The first of them. */
  readonly failure: string | null;
}

/** The value below which a share of the sorted numbers lies. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
