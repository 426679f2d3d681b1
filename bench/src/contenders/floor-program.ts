/** The definition of a tenant's program, which the floor reads once, when it starts. */
export interface Program {
  readonly timeZone: string;
  readonly assets: readonly { readonly code: string; readonly kind: string; readonly name: Named }[];
  readonly ladders: readonly Ladder[];
  readonly benefits: readonly {
    readonly code: string;
    readonly kind: string;
    readonly level: string;
    readonly name: Named;
  }[];
}
interface Ladder {
  readonly code: string;
  readonly metric: string;
  readonly windowDays: number;
  readonly retention: { readonly percent: number };
  readonly tiers: readonly { readonly code: string; readonly name: Named; readonly threshold: string }[];
}
interface Named {
  readonly en: string;
}

interface Step {
  /** As the schema shows it. */
  readonly tier: { readonly code: string; readonly name: string; readonly rank: number };
  readonly threshold: bigint;
  readonly keeps: bigint;
}

/** How a member holds a tier, as read. */
export interface StandingRow {
  tier: string;
  since: string;
  hand: string | null;
  hand_until: string | null;
  current: string;
  /** When a review steps down whoever has too little to keep the tier. */
  lapses_at: string;
}

/** The primary ladder: one that counts by a rolling window, and grants no months of grace. */
export class FloorLadder {
  readonly code: string;
  readonly metric: string;
  readonly windowDays: number;
  readonly timeZone: string;
  readonly #steps: readonly Step[];
  readonly #byCode: ReadonlyMap<string, Step>;

  constructor({ ladders, timeZone }: Program) {
    const [ladder] = ladders;
    if (ladder === undefined) throw new Error('The program has no ladder.');
    this.code = ladder.code;
    this.metric = ladder.metric;
    this.windowDays = ladder.windowDays;
    this.timeZone = timeZone;
    const percent = BigInt(ladder.retention.percent);
    this.#steps = ladder.tiers.map(({ code, name, threshold }, index) => ({
      tier: { code, name: name.en, rank: index + 1 },
      threshold: BigInt(threshold),
      keeps: (BigInt(threshold) * percent + 99n) / 100n,
    }));
    this.#byCode = new Map(this.#steps.map((step) => [step.tier.code, step]));
  }

  tier(code: string): unknown {
    return this.#byCode.get(code)?.tier ?? null;
  }

  status({ tier, since, hand, hand_until, current: counted, lapses_at }: StandingRow): unknown {
    const step = this.#byCode.get(tier);
    if (step === undefined) return null;
    const current = BigInt(counted);
    const next = this.#steps[step.tier.rank];
    const isBase = step.threshold === 0n;
    const isBelow = !isBase && current < step.keeps;
    const distance = (required: bigint) => ({
      metric: this.metric,
      current: counted,
      required: String(required),
      remaining: String(required > current ? required - current : 0n),
      by: null,
    });
    return {
      since,
      until: hand === null ? (isBelow ? lapses_at : null) : hand_until,
      progress: next === undefined ? null : { nextTier: next.tier, ...distance(next.threshold) },
      retention: isBase
        ? null
        : { ...distance(step.keeps), atRisk: isBelow && !(hand === 'RAISED' && hand_until === null) },
    };
  }
}
