import { ageOn, daysBetween, isBirthdayOn, localParts } from '../../kernel/calendar.ts';
import type { ExpressionFacts } from './facts.policy.ts';

/** A member, as far as rules may look at them. */
export interface AskedMember {
  readonly memberKey: string;
  readonly birthday: string | null;
  readonly gender: string | null;
  readonly locale: string | null;
  readonly region: string | null;
  readonly channel: string | null;
  readonly store: string | null;
  readonly tagCodes: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Null for who is just enrolling. */
  readonly enrolledAt: Date | null;
}

/** What a member did, as far as rules may look at it; amounts in minor units. */
export interface Happening {
  /** The activity type: `enrolment`, `purchase`… */
  readonly trigger: string;
  readonly amount: bigint | null;
  /** Business time when null. */
  readonly occurredAt: Date | null;
  readonly channel: string | null;
  readonly store: string | null;
  readonly orderNumber: string | null;
  readonly lines: readonly HappeningLine[];
}

export interface HappeningLine {
  readonly sku: string;
  readonly category: string | null;
  readonly quantity: number;
  readonly amount: bigint;
}

export interface AskedTier {
  readonly code: string;
  readonly rank: number;
}

/** What expressions look at. `publicId` is the member's. */
export function toFacts(
  {
    member,
    publicId,
    happening,
    tier,
  }: {
    readonly member: AskedMember;
    readonly publicId: string;
    readonly happening: Happening;
    readonly tier: AskedTier | null;
  },
  now: Date,
  timeZone: string,
): ExpressionFacts {
  const occurredAt = happening.occurredAt ?? now;
  const local = localParts(occurredAt, timeZone);
  const enrolledAt = member.enrolledAt ?? now;
  const { birthday } = member;
  const amount = happening.amount ?? 0n;
  return {
    member: {
      id: publicId,
      enrolledAt,
      daysEnrolled: BigInt(daysBetween(enrolledAt, now, timeZone)),
      birthday: birthday ?? '',
      age: birthday === null ? -1n : BigInt(ageOn(birthday, local.date)),
      isBirthday: birthday !== null && isBirthdayOn(birthday, local.date),
      isBirthMonth: birthday !== null && birthday.slice(5, 7) === local.date.slice(5, 7),
      gender: member.gender ?? '',
      tags: member.tagCodes,
      channel: member.channel ?? '',
      store: member.store ?? '',
      region: member.region ?? '',
      locale: member.locale ?? '',
      attributes: member.attributes,
    },
    activity: {
      type: happening.trigger,
      occurredAt,
      localDate: local.date,
      localHour: BigInt(local.hour),
      localWeekday: BigInt(local.weekday),
      channel: happening.channel ?? '',
      store: happening.store ?? '',
      amount,
    },
    order: toOrderFacts(happening.orderNumber, amount, happening.lines),
    tier: { code: tier?.code ?? '', rank: BigInt(tier?.rank ?? 0) },
    now,
  };
}

export function toOrderFacts(
  number: string | null,
  total: bigint,
  lines: readonly HappeningLine[],
): ExpressionFacts['order'] {
  return {
    number: number ?? '',
    total,
    quantity: BigInt(lines.reduce((sum, { quantity }) => sum + quantity, 0)),
    lines: lines.map(({ sku, category, quantity, amount }) => ({
      sku,
      category: category ?? '',
      quantity: BigInt(quantity),
      amount,
    })),
  };
}
