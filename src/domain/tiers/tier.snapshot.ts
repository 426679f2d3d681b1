import { fromMetricUnits, type ProgramDefinition } from '../programs/index.ts';
import { isBase, type Ladder, laddersOf, rankOf } from './ladder.policy.ts';
import type { StandingRow } from './standing.repository.ts';
import {
  type Tier,
  type TierLadder,
  type TierQualification,
  type TierRetentionRule,
  type TierStatus,
  TierWindow,
} from './tier.entity.ts';
import { bestOf, rankReached } from './tier.policy.ts';
import { type Distance, statusFigures } from './tier-status.policy.ts';

/** The tier of a rank as GraphQL shows it; null for 0. */
export function toTier(ladder: Ladder, rank: number, { currency }: ProgramDefinition): Tier | null {
  const step = ladder.steps[rank - 1];
  return step === undefined ? null : { names: step.definition.name, ladder, currency, code: step.code, rank };
}

/** A tier by code, which the program in force may have no longer. */
export function tierNamed(definition: ProgramDefinition, ladderCode: string, code: string): Tier {
  const ladder = laddersOf(definition).all.find((one) => one.code === ladderCode);
  const rank = ladder === undefined ? null : rankOf(ladder, code);
  const tier = ladder === undefined || rank === null ? null : toTier(ladder, rank, definition);
  return tier ?? { names: { en: code }, ladder: null, currency: definition.currency, code, rank: 0 };
}

/** A ladder as GraphQL shows it. */
export function toTierLadder(
  ladder: Ladder,
  definition: ProgramDefinition,
  showsHidden: boolean,
): TierLadder {
  return {
    names: ladder.definition.name,
    code: ladder.code,
    tiers: ladder.steps.flatMap((step, index) =>
      step.definition.hidden && !showsHidden ? [] : (toTier(ladder, index + 1, definition) ?? []),
    ),
  };
}

/** The rank held; where the program dropped the tier, what was reached, as the next review will say. */
function rankHeld(ladder: Ladder, standing: StandingRow): number {
  return rankOf(ladder, standing.tier) ?? rankReached(ladder, bestOf(standing));
}

/** How somebody stands who is not stored: who would be enrolled by a dry run. */
export function newcomersStanding(
  definition: ProgramDefinition,
  { memberKey, enrolledAt }: Pick<StandingRow, 'memberKey' | 'enrolledAt'>,
): StandingRow | null {
  const [ladder] = laddersOf(definition).all;
  if (ladder === undefined) return null;
  const [lowest] = ladder.steps;
  return {
    memberKey,
    enrolledAt,
    now: enrolledAt,
    tier: lowest !== undefined && isBase(lowest) ? lowest.code : null,
    since: enrolledAt,
    belowSince: null,
    warnedAt: null,
    hand: null,
    handUntil: null,
    current: 0n,
    previous: 0n,
  };
}

/** A tier of the primary ladder by its stored code; null where the program has none of that code. */
export function storedTier(definition: ProgramDefinition, code: string | null | undefined): Tier | null {
  const [ladder] = laddersOf(definition).all;
  const rank = ladder === undefined || code === null || code === undefined ? null : rankOf(ladder, code);
  return ladder === undefined || rank === null ? null : toTier(ladder, rank, definition);
}

/** The tier that a member holds in the primary ladder; null without one. */
export function heldTier(definition: ProgramDefinition, standing: StandingRow | null): Tier | null {
  const [ladder] = laddersOf(definition).all;
  if (ladder === undefined || standing === null) return null;
  return toTier(ladder, rankHeld(ladder, standing), definition);
}

/** How a member holds their tier in the primary ladder; null without one. */
export function heldStatus(definition: ProgramDefinition, standing: StandingRow | null): TierStatus | null {
  const [ladder] = laddersOf(definition).all;
  if (ladder === undefined || standing === null) return null;
  const figures = statusFigures(ladder, rankHeld(ladder, standing), standing, definition.timeZone);
  if (figures === null) return null;
  const told = (distance: Distance) => ({
    metric: ladder.definition.metric,
    current: amountOf(ladder, distance.current, definition),
    required: amountOf(ladder, distance.required, definition),
    remaining: amountOf(ladder, distance.remaining, definition),
    by: distance.by,
  });
  const { since, until, progress, retention } = figures;
  const nextTier = progress === null ? null : toTier(ladder, progress.nextRank, definition);
  return {
    since,
    until,
    progress: progress === null || nextTier === null ? null : { nextTier, ...told(progress) },
    retention: retention === null ? null : { ...told(retention), atRisk: retention.atRisk },
  };
}

function amountOf({ metric }: Ladder, amount: bigint, { currency }: ProgramDefinition): string {
  return fromMetricUnits(metric, amount, currency);
}

/** What reaches a tier; nothing does where it is for everybody. */
export function qualificationOf({ ladder, rank, currency }: Tier): TierQualification[] {
  const step = ladder?.steps[rank - 1];
  if (ladder === null || step === undefined || isBase(step)) return [];
  return [{ ...countedBy(ladder), threshold: fromMetricUnits(ladder.metric, step.threshold, currency) }];
}

/** What keeps a tier; null without such a rule, and where it is for everybody. */
export function retentionOf({ ladder, rank, currency }: Tier): TierRetentionRule | null {
  const step = ladder?.steps[rank - 1];
  if (ladder?.definition.retention === undefined || step === undefined || isBase(step)) return null;
  const { monthsBelow, graceMonths } = ladder;
  const threshold = fromMetricUnits(ladder.metric, step.keeps, currency);
  return { ...countedBy(ladder), threshold, monthsBelow, graceMonths };
}

function countedBy({ definition }: Ladder): Omit<TierQualification, 'threshold'> {
  const { metric, window, windowDays = null } = definition;
  return { metric, window: TierWindow[window], windowDays };
}
