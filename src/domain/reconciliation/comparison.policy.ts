/** What a mirror and its record said at a moment. */
export interface Compared {
  readonly mirror: bigint;
  readonly record: bigint;
  /** The mirror's. */
  readonly version: bigint;
}

/** A difference that was seen before and isn't settled. */
export interface OpenDifference extends Compared {
  readonly isConfirmed: boolean;
}

/**
 * What a look at a mirror comes to, with nothing on its way to the record:
 * - AGREES: they are the same;
 * - SEEN: they differ, maybe since something is on its way to us;
 * - CONFIRMED: they differ as they did before, or still do though nothing happened here.
 */
export function outcomeOf(before: OpenDifference | null, now: Compared): 'AGREES' | 'SEEN' | 'CONFIRMED' {
  if (now.mirror === now.record) return 'AGREES';
  if (before === null) return 'SEEN';
  const isSame = now.record - now.mirror === before.record - before.mirror;
  return before.isConfirmed || isSame || now.version === before.version ? 'CONFIRMED' : 'SEEN';
}
