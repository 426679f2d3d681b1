import type { Fault, Secrets } from '../../extension/index.ts';

/** Who is told. */
export interface Told {
  /** The endpoint's key: its connections and its breaker go by it. */
  readonly id: string;
  readonly url: string;
  /** What signs, newest first; null where they can't be opened: it isn't told then. */
  readonly secrets: Secrets | null;
}

/** What came of telling. */
export interface Telling {
  /** Null when it was taken. */
  readonly fault: Fault | null;
  /** The HTTP status, when there was one. */
  readonly status: number | null;
  readonly durationMs: number;
  /** Whether it was kept back: nothing was sent. */
  readonly isKeptBack: boolean;
}

/** The way out: what the domain of endpoints needs of whoever sends. It guards against private addresses. */
export interface EventLine {
  /** Why an address may not be registered, its name resolved as of now; null when it may. */
  check(url: string): Promise<Fault | null>;
  /** A first signing secret; with the newest one of before, both. */
  newSecrets(newest?: string): Secrets;
  /**
   * Sends a signed message once. Always answers within its deadline, and never throws.
   * @param anyway past the breaker, which learns nothing from it
   */
  tell(to: Told, message: { readonly id: string; readonly body: string }, anyway?: boolean): Promise<Telling>;
}
