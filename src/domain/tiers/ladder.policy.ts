import {
  type LadderDefinition,
  type Metric,
  type ProgramDefinition,
  parseMetric,
  type TierDefinition,
  toMetricUnits,
} from '../programs/index.ts';

/** How a ladder's metric is summed up; tags are counted as they are now. */
export type SumWindow = LadderDefinition['window'] | 'TAGS';

/** A tier with what reaches and what keeps it, in the units of its ladder's metric. */
export interface Step {
  readonly definition: TierDefinition;
  readonly code: string;
  readonly threshold: bigint;
  readonly keeps: bigint;
}

/** A ladder, ready to be asked. */
export interface Ladder {
  readonly definition: LadderDefinition;
  readonly code: string;
  readonly metric: Metric;
  readonly window: SumWindow;
  readonly windowDays: number;
  /** From the lowest; the rank of `steps[0]` is 1. */
  readonly steps: readonly Step[];
  readonly monthsBelow: number;
  readonly graceMonths: number;
  /** Whether extensions say which tier a member holds. */
  readonly isEvaluated: boolean;
}

/** What the ladders of one program count. */
export interface Ladders {
  readonly all: readonly Ladder[];
  /** By the metric's text, as postings and measures name it; tags aside. */
  readonly byMetric: ReadonlyMap<string, readonly Ladder[]>;
  readonly ofTags: readonly Ladder[];
  /** Whether rules answer to a change of tier. */
  readonly announces: boolean;
}

const known = new WeakMap<ProgramDefinition, Ladders>();

/** The ladders of a definition; worked out once for each. */
export function laddersOf(definition: ProgramDefinition): Ladders {
  const found = known.get(definition);
  if (found !== undefined) return found;
  const all = definition.ladders.map((ladder) => toLadder(ladder, definition));
  const ladders: Ladders = {
    all,
    byMetric: Map.groupBy(
      all.filter(({ metric }) => metric.of !== 'TAGS'),
      (ladder) => ladder.definition.metric,
    ),
    ofTags: all.filter(({ metric }) => metric.of === 'TAGS'),
    announces: definition.rules.some(({ trigger }) => trigger === 'tier_change'),
  };
  known.set(definition, ladders);
  return ladders;
}

function toLadder(ladder: LadderDefinition, program: ProgramDefinition): Ladder {
  const metric = parseMetric(ladder.metric, program);
  if (metric === null) throw new Error(`The ladder "${ladder.code}" counts what the program doesn't know.`);
  const percent = BigInt(ladder.retention?.percent ?? 100);
  return {
    definition: ladder,
    code: ladder.code,
    metric,
    window: metric.of === 'TAGS' ? 'TAGS' : ladder.window,
    windowDays: ladder.windowDays ?? 0,
    steps: ladder.tiers.map((definition) => {
      const threshold = toMetricUnits(metric, definition.threshold, program.currency) ?? 0n;
      return { definition, code: definition.code, threshold, keeps: (threshold * percent + 99n) / 100n };
    }),
    monthsBelow: ladder.retention?.monthsBelow ?? 0,
    graceMonths: ladder.retention?.graceMonths ?? 0,
    isEvaluated: ladder.evaluation === 'EXTENSION',
  };
}

/** The ranks of its tiers begin with 1; 0 is no tier, null one that the ladder lacks. */
export function rankOf({ steps }: Ladder, tier: string | null): number | null {
  if (tier === null) return 0;
  const index = steps.findIndex(({ code }) => code === tier);
  return index === -1 ? null : index + 1;
}

/** Whether the primary ladder has a tier. */
export function isPrimaryTier(definition: ProgramDefinition, tier: string): boolean {
  const [primary] = laddersOf(definition).all;
  return primary !== undefined && rankOf(primary, tier) !== null;
}

/** The tier of a rank; null for 0. */
export function tierAt({ steps }: Ladder, rank: number): string | null {
  return steps[rank - 1]?.code ?? null;
}

/** Whether a tier is there for everybody: nothing reaches or keeps it. */
export function isBase({ threshold }: Step): boolean {
  return threshold === 0n;
}
