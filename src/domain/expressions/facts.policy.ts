/** What an expression may look at. Amounts of money are minor units of the program's currency. */
export interface ExpressionFacts {
  readonly member: {
    readonly id: string;
    readonly enrolledAt: Date;
    readonly daysEnrolled: bigint;
    /** `YYYY-MM-DD`, or empty when it is not known. */
    readonly birthday: string;
    /** In whole years; -1 when the birthday is not known. */
    readonly age: bigint;
    readonly isBirthday: boolean;
    readonly isBirthMonth: boolean;
    /** Empty when it is not known. */
    readonly gender: string;
    readonly tags: readonly string[];
    readonly channel: string;
    readonly store: string;
    readonly region: string;
    readonly locale: string;
    /** The tenant's own JSON. */
    readonly attributes: Readonly<Record<string, unknown>>;
  };
  readonly activity: {
    readonly type: string;
    readonly occurredAt: Date;
    /** `YYYY-MM-DD` in the program's time zone. */
    readonly localDate: string;
    readonly localHour: bigint;
    /** 1 is Monday, 7 is Sunday. */
    readonly localWeekday: bigint;
    readonly channel: string;
    readonly store: string;
    /** 0 without one. */
    readonly amount: bigint;
  };
  readonly order: {
    readonly number: string;
    readonly total: bigint;
    readonly quantity: bigint;
    readonly lines: readonly ExpressionLine[];
  };
  readonly tier: {
    /** Empty without a tier. */
    readonly code: string;
    /** 0 without a tier. */
    readonly rank: bigint;
  };
  readonly now: Date;
}

interface ExpressionLine {
  readonly sku: string;
  readonly category: string;
  readonly quantity: bigint;
  readonly amount: bigint;
}

type Stored<T> = unknown extends T
  ? T
  : T extends bigint | Date
    ? string
    : T extends string | boolean
      ? T
      : T extends readonly (infer Item)[]
        ? readonly Stored<Item>[]
        : { readonly [Key in keyof T]: Stored<T[Key]> };

/** Facts as JSON: whole numbers as decimal strings, moments in ISO 8601. */
export type StoredFacts = Stored<ExpressionFacts>;

/** Facts as PostgreSQL keeps them, so that a refund can ask again with what was known then. */
export function storeFacts({ member, activity, order, tier, now }: ExpressionFacts): StoredFacts {
  return {
    member: {
      ...member,
      enrolledAt: member.enrolledAt.toISOString(),
      daysEnrolled: String(member.daysEnrolled),
      age: String(member.age),
    },
    activity: {
      ...activity,
      occurredAt: activity.occurredAt.toISOString(),
      localHour: String(activity.localHour),
      localWeekday: String(activity.localWeekday),
      amount: String(activity.amount),
    },
    order: {
      ...order,
      total: String(order.total),
      quantity: String(order.quantity),
      lines: order.lines.map((line) => ({
        ...line,
        quantity: String(line.quantity),
        amount: String(line.amount),
      })),
    },
    tier: { ...tier, rank: String(tier.rank) },
    now: now.toISOString(),
  };
}

/** What `storeFacts` was given. */
export function restoreFacts({ member, activity, order, tier, now }: StoredFacts): ExpressionFacts {
  return {
    member: {
      ...member,
      enrolledAt: new Date(member.enrolledAt),
      daysEnrolled: BigInt(member.daysEnrolled),
      age: BigInt(member.age),
    },
    activity: {
      ...activity,
      occurredAt: new Date(activity.occurredAt),
      localHour: BigInt(activity.localHour),
      localWeekday: BigInt(activity.localWeekday),
      amount: BigInt(activity.amount),
    },
    order: {
      ...order,
      total: BigInt(order.total),
      quantity: BigInt(order.quantity),
      lines: order.lines.map((line) => ({
        ...line,
        quantity: BigInt(line.quantity),
        amount: BigInt(line.amount),
      })),
    },
    tier: { ...tier, rank: BigInt(tier.rank) },
    now: new Date(now),
  };
}
