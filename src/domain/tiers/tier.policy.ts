import { dayPlus, localDate } from '../../kernel/calendar.ts';
import { type Ladder, rankOf, tierAt } from './ladder.policy.ts';

/** How a member stands in a ladder, as it is stored. */
export interface HeldTier {
  readonly tier: string | null;
  readonly since: Date;
  /** Since when reviews have found too little to keep it. */
  readonly belowSince: Date | null;
  readonly warnedAt: Date | null;
  /** Set by hand, above or below what was reached. */
  readonly hand: 'RAISED' | 'LOWERED' | null;
  readonly handUntil: Date | null;
}

/** What a ladder counts: in the window around now and, in windows of years, in the one before. */
export interface Sums {
  readonly current: bigint;
  readonly previous: bigint;
}

export type ReviewCause = 'REVIEWED' | 'HAND_ENDED' | 'PROGRAM';

export interface ReviewDecision {
  readonly next: HeldTier;
  /** Why the tier is another one; null when it isn't. */
  readonly cause: ReviewCause | null;
}

/** What counts to reach and to keep a tier: what was reached in a year counts in the following one, too. */
export function bestOf({ current, previous }: Sums): bigint {
  return current > previous ? current : previous;
}

/** The rank that a sum reaches: the highest whose threshold it meets; 0 below all. */
export function rankReached({ steps }: Ladder, sum: bigint): number {
  return steps.findLastIndex(({ threshold }) => sum >= threshold || threshold === 0n) + 1;
}

/** The highest rank, up to `rank`, that a sum keeps. */
export function rankKept({ steps }: Ladder, rank: number, sum: bigint): number {
  return steps.findLastIndex(({ keeps }, index) => index < rank && (sum >= keeps || keeps === 0n)) + 1;
}

function isOver({ hand, handUntil }: HeldTier, now: Date): boolean {
  return hand !== null && handUntil !== null && handUntil <= now;
}

/** Whether a person set it, until later than now. */
export function isHeldByHand(held: HeldTier, now: Date): boolean {
  return held.hand !== null && !isOver(held, now);
}

function ordinary(held: HeldTier): HeldTier {
  return { ...held, belowSince: null, warnedAt: null, hand: null, handUntil: null };
}

/** How a member stands who is moved to a tier. */
export function moved(held: HeldTier, tier: string | null, now: Date): HeldTier {
  return { ...ordinary(held), tier, since: tier === held.tier ? held.since : now };
}

/** How a member stands who has just reached this sum; null when that changes nothing. Never lower. */
export function raised(ladder: Ladder, held: HeldTier, sum: bigint, now: Date): HeldTier | null {
  const rank = rankOf(ladder, held.tier);
  const isBarred = held.hand === 'LOWERED' && !isOver(held, now);
  // A tier that the program dropped is the review's to replace.
  if (rank === null || isBarred) return null;
  const reached = rankReached(ladder, sum);
  if (reached > rank) return moved(held, tierAt(ladder, reached), now);
  return reached === rank && held.hand === 'RAISED' ? ordinary(held) : null;
}

/** How a member stands whom a person gave a tier: what they have reached anyway is an ordinary one. */
export function setByHand(
  ladder: Ladder,
  held: HeldTier,
  { rank, sum, until, now }: { rank: number; sum: bigint; until: Date | null; now: Date },
): HeldTier {
  const reached = rankReached(ladder, sum);
  const next = moved(held, tierAt(ladder, rank), now);
  const hand = handOf(rank, reached);
  return hand === null ? next : { ...next, hand, handUntil: until };
}

/** What a rank that somebody gives is, beside the one that was reached. */
export function handOf(rank: number, reached: number): HeldTier['hand'] {
  if (rank === reached) return null;
  return rank > reached ? 'RAISED' : 'LOWERED';
}

/**
 * What a review makes of a member at a moment. It raises to what was reached, keeps what is kept, and lowers
 * what has not been kept for long enough; asked again at the same moment, it changes nothing.
 */
export function reviewed(
  ladder: Ladder,
  held: HeldTier,
  sum: bigint,
  at: { readonly now: Date; readonly timeZone: string },
): ReviewDecision {
  const { now } = at;
  const rank = rankOf(ladder, held.tier);
  const reached = rankReached(ladder, sum);
  const to = (next: number, cause: ReviewCause): ReviewDecision => ({
    next: moved(held, tierAt(ladder, next), now),
    cause: next === rank ? null : cause,
  });
  if (rank === null) return to(reached, 'PROGRAM');
  const isEnded = isOver(held, now);
  const isLowered = held.hand === 'LOWERED' && !isEnded;
  if (reached > rank && !isLowered) return to(reached, isEnded ? 'HAND_ENDED' : 'REVIEWED');
  if (held.hand === 'RAISED') {
    if (isEnded) return to(rankKept(ladder, rank, sum), 'HAND_ENDED');
    const kept = { ...held, belowSince: null, warnedAt: null };
    return { next: reached === rank ? ordinary(held) : kept, cause: null };
  }
  const { next, cause } = retained(ladder, held, { rank, sum }, at);
  return { next: isLowered ? { ...next, hand: held.hand, handUntil: held.handUntil } : next, cause };
}

/** Retention: below what keeps the tier, a warning after some months, and a step down some months later. */
function retained(
  ladder: Ladder,
  held: HeldTier,
  { rank, sum }: { readonly rank: number; readonly sum: bigint },
  { now, timeZone }: { readonly now: Date; readonly timeZone: string },
): ReviewDecision {
  const { monthsBelow, graceMonths } = ladder;
  const kept = rankKept(ladder, rank, sum);
  if (kept === rank) return { next: ordinary(held), cause: null };
  if (monthsBelow + graceMonths === 0) {
    return { next: moved(held, tierAt(ladder, kept), now), cause: 'REVIEWED' };
  }
  const isDue = (since: Date, months: number): boolean =>
    localDate(now, timeZone) >= dayPlus(localDate(since, timeZone), { months });
  const belowSince = held.belowSince ?? now;
  const warnedAt = held.warnedAt ?? (isDue(belowSince, monthsBelow) ? now : null);
  if (warnedAt === null || !isDue(warnedAt, graceMonths)) {
    return { next: { ...ordinary(held), belowSince, warnedAt }, cause: null };
  }
  const isBelow = kept < rank - 1;
  const next = moved(held, tierAt(ladder, rank - 1), now);
  const begun = { belowSince: isBelow ? now : null, warnedAt: isBelow && monthsBelow === 0 ? now : null };
  return { next: { ...next, ...begun }, cause: 'REVIEWED' };
}
