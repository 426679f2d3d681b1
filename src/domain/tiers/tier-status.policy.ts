import { dayPlus, localDate, startOfDay } from '../../kernel/calendar.ts';
import { isBase, type Ladder, type Step } from './ladder.policy.ts';
import { bestOf, type HeldTier, type Sums } from './tier.policy.ts';
import { yearEnds } from './tier-window.policy.ts';

/** What is missing to something, in metric units. */
export interface Distance {
  readonly current: bigint;
  readonly required: bigint;
  readonly remaining: bigint;
  readonly by: Date | null;
}

/** The figures of a member who holds a tier. */
export interface StatusFigures {
  readonly since: Date;
  readonly until: Date | null;
  readonly progress: (Distance & { readonly nextRank: number }) | null;
  readonly retention: (Distance & { readonly atRisk: boolean }) | null;
}

export type Standing = HeldTier & Sums & { readonly enrolledAt: Date; readonly now: Date };

/** How a member holds the tier of a rank; null without one. */
export function statusFigures(
  ladder: Ladder,
  rank: number,
  standing: Standing,
  timeZone: string,
): StatusFigures | null {
  const step = ladder.steps[rank - 1];
  if (step === undefined) return null;
  const by = yearEnds(ladder.window, { ...standing, timeZone })?.thisYear ?? null;
  const distance = (required: bigint): Distance => {
    const { current } = standing;
    return { current, required, remaining: required > current ? required - current : 0n, by };
  };
  const next = ladder.steps.findIndex(({ definition }, index) => index >= rank && !definition.hidden);
  const above = ladder.steps[next];
  const hasRetention = ladder.definition.retention !== undefined && !isBase(step);
  const isForEver = standing.hand === 'RAISED' && standing.handUntil === null;
  return {
    since: standing.since,
    until: heldUntil(ladder, step, standing, timeZone),
    progress: above === undefined ? null : { ...distance(above.threshold), nextRank: next + 1 },
    retention: hasRetention
      ? { ...distance(step.keeps), atRisk: standing.current < step.keeps && !isForEver }
      : null,
  };
}

/** Until when the tier is held at least, if nothing more is counted; null = open. */
function heldUntil(ladder: Ladder, step: Step, standing: Standing, timeZone: string): Date | null {
  if (standing.hand !== null) return standing.handUntil;
  if (isBase(step)) return null;
  const ends = yearEnds(ladder.window, { ...standing, timeZone });
  if (bestOf(standing) < step.keeps) return lowestAt(ladder, standing, timeZone);
  if (ends === null) return null;
  return standing.current >= step.keeps ? ends.nextYear : ends.thisYear;
}

/** The day on which a review would step down, counted from what reviews have found so far. */
function lowestAt(ladder: Ladder, standing: Standing, timeZone: string): Date {
  const { belowSince, warnedAt, now } = standing;
  const { monthsBelow, graceMonths } = ladder;
  if (warnedAt !== null) {
    return startOfDay(dayPlus(localDate(warnedAt, timeZone), { months: graceMonths }), timeZone);
  }
  const found = belowSince === null ? nextDay(now, timeZone) : localDate(belowSince, timeZone);
  const warned = dayPlus(found, { months: monthsBelow });
  return startOfDay(dayPlus(warned, { months: graceMonths }), timeZone);
}

function nextDay(now: Date, timeZone: string): string {
  return dayPlus(localDate(now, timeZone), { days: 1 });
}
