import type { Ladder } from './ladder.policy.ts';
import type { StandingRow } from './standing.repository.ts';
import { bestOf, type HeldTier, isHeldByHand, moved, raised, reviewed } from './tier.policy.ts';
import { TierChangeCause } from './tier-change.entity.ts';
import type { DueTier } from './tier-due.repository.ts';

/** What the program itself makes of a member. */
export interface OwnDecision {
  readonly next: HeldTier;
  /** Why the tier is another one; null when it isn't. */
  readonly cause: TierChangeCause | null;
}

/** What was counted only raises; a review may lower, too. */
export function ownDecision(
  ladder: Ladder,
  standing: StandingRow,
  why: DueTier['cause'],
  at: { readonly now: Date; readonly timeZone: string },
): OwnDecision {
  const sum = bestOf(standing);
  if (why === 'REACHED') {
    const next = raised(ladder, standing, sum, at.now) ?? standing;
    return { next, cause: next.tier === standing.tier ? null : TierChangeCause.REACHED };
  }
  const { next, cause } = reviewed(ladder, standing, sum, at);
  return { next, cause: cause === null ? null : TierChangeCause[cause === 'REVIEWED' ? why : cause] };
}

/** Whether extensions have a say: what a person set holds before its end. */
export function isOpen(standing: StandingRow): boolean {
  return !isHeldByHand(standing, standing.now);
}

/** How a member stands after an answer: as the program says where that comes to the same tier. */
export function evaluated(
  held: HeldTier,
  { next }: OwnDecision,
  tier: string | null | undefined,
  now: Date,
): HeldTier {
  if (tier === undefined || tier === next.tier) return next;
  // What has been noticed of how it is kept goes on being noticed.
  return tier === held.tier ? held : moved(held, tier, now);
}

/** Whether an answer to the one is an answer to the other. */
export function isSameStanding(one: StandingRow, other: StandingRow): boolean {
  return (
    one.current === other.current &&
    one.previous === other.previous &&
    one.tier === other.tier &&
    one.hand === other.hand &&
    one.handUntil?.getTime() === other.handUntil?.getTime()
  );
}

export function isSameHeld(one: HeldTier, other: HeldTier): boolean {
  return (
    one.tier === other.tier &&
    one.hand === other.hand &&
    (['since', 'belowSince', 'warnedAt', 'handUntil'] as const).every(
      (mark) => one[mark]?.getTime() === other[mark]?.getTime(),
    )
  );
}
