import { expiresAt, parseDuration } from '../../kernel/calendar.ts';
import { type ClaimedLimit, type Limit, leftOf } from '../limits/index.ts';
import type { BenefitDefinition } from '../programs/index.ts';
import { GrantStatus } from './grant.entity.ts';
import type { StoredGrant } from './grant.repository.ts';

/** A limit, with the place in the program's file that says so. */
export interface NamedLimit extends Limit {
  readonly benefit: string;
  readonly name: string;
}

/** What a limit left to nobody: told when something is refused for it. */
export type Shortage = Pick<NamedLimit, 'benefit' | 'name' | 'most'>;

/** What of a limit is taken (below zero: given back). */
export interface Taken {
  readonly limit: ClaimedLimit;
  readonly amount: bigint;
}

/** Whether a grant can be used at a moment; the same as the statements work out at business time. */
export function statusAt(
  { revokedAt, validFrom, validUntil, usesLeft }: StoredGrant,
  moment: Date,
): GrantStatus {
  if (revokedAt !== null) return GrantStatus.REVOKED;
  if (validUntil !== null && validUntil <= moment) return GrantStatus.EXPIRED;
  if (usesLeft === 0) return GrantStatus.USED_UP;
  return validFrom > moment ? GrantStatus.SCHEDULED : GrantStatus.AVAILABLE;
}

/** From when until when a grant is valid: as asked for, else from now and as long as its benefit says. */
export function validityOf(
  { validity }: BenefitDefinition,
  asked: { readonly validFrom?: Date | null; readonly validUntil?: Date | null },
  now: Date,
  timeZone: string,
): { validFrom: Date; validUntil: Date | null } {
  const validFrom = asked.validFrom ?? now;
  const lifetime = parseDuration(validity?.after ?? '');
  const end =
    validity === undefined || lifetime === null
      ? null
      : expiresAt(validFrom, lifetime, validity.until, timeZone);
  return { validFrom, validUntil: asked.validUntil ?? end };
}

/** What bounds one more grant of a benefit by rule or hand. */
export function grantLimits(
  { code, limits, stock }: BenefitDefinition,
  memberKey: string,
): readonly NamedLimit[] {
  const subject = `benefit:${code}:grants`;
  const bounds: [
    name: string,
    memberKey: string | null,
    window: Limit['window'],
    most: number | undefined,
  ][] = [
    ['limits.perMember', memberKey, 'lifetime', limits?.perMember],
    ['limits.perDay', null, 'day', limits?.perDay],
    ['limits.total', null, 'lifetime', limits?.total],
  ];
  const named = bounds.flatMap(([name, whose, window, most]): NamedLimit[] =>
    most === undefined
      ? []
      : [{ subject, memberKey: whose, window, most: BigInt(most), benefit: code, name }],
  );
  return stock === undefined ? named : [...named, stockOf(code, BigInt(stock))];
}

/** The pieces that a benefit has. */
export function stockOf(benefit: string, most: bigint): NamedLimit {
  const subject = `benefit:${benefit}:stock`;
  return { subject, memberKey: null, window: 'lifetime', most, benefit, name: 'stock' };
}

/** What bounds one more use: a member's on one local day, everybody's together. */
export function useLimits({ code, uses }: BenefitDefinition, memberKey: string): readonly NamedLimit[] {
  const perDay = uses?.perDay === undefined ? [] : [dailyUses(code, memberKey, BigInt(uses.perDay))];
  return uses?.total === undefined ? perDay : [...perDay, totalUses(code, BigInt(uses.total))];
}

export function dailyUses(benefit: string, memberKey: string, most: bigint): NamedLimit {
  const subject = `benefit:${benefit}:uses`;
  return { subject, memberKey, window: 'day', most, benefit, name: 'uses.perDay' };
}

export function totalUses(benefit: string, most: bigint): NamedLimit {
  const subject = `benefit:${benefit}:uses`;
  return { subject, memberKey: null, window: 'lifetime', most, benefit, name: 'uses.total' };
}

function keyOf({ subject, memberKey, window }: Limit): string {
  return `${subject}|${memberKey ?? ''}|${window}`;
}

/** Limits without those that are named twice. */
export function distinct(limits: readonly NamedLimit[]): NamedLimit[] {
  return [...new Map(limits.map((limit) => [keyOf(limit), limit])).values()];
}

/**
 * Hands out what limits leave, first come first served: whoever finds one of their limits used up takes
 * nothing of the others.
 * @param claimed the limits that `boundsOf` names, locked
 */
export function allot<Asked>(
  asked: readonly Asked[],
  boundsOf: (one: Asked) => readonly NamedLimit[],
  claimed: readonly ClaimedLimit[],
): { given: Asked[]; refused: { readonly one: Asked; readonly short: Shortage }[]; taken: Taken[] } {
  const left = new Map(claimed.map((limit) => [keyOf(limit), { limit, left: leftOf(limit), amount: 0n }]));
  const given: Asked[] = [];
  const refused: { one: Asked; short: Shortage }[] = [];
  for (const one of asked) {
    const bounds = boundsOf(one);
    const short = bounds.find((limit) => (left.get(keyOf(limit))?.left ?? 0n) <= 0n);
    if (short !== undefined) {
      refused.push({ one, short });
      continue;
    }
    for (const bound of bounds) {
      const counter = left.get(keyOf(bound));
      if (counter === undefined) continue;
      counter.left -= 1n;
      counter.amount += 1n;
    }
    given.push(one);
  }
  return { given, refused, taken: [...left.values()].filter(({ amount }) => amount > 0n) };
}

/** The moment of the next act on a grant: now, but strictly after the last one. */
export function nextMoment({ changedAt, createdAt }: StoredGrant, now: Date): Date {
  const earliest = new Date((changedAt ?? createdAt).getTime() + 1);
  return earliest > now ? earliest : now;
}

/** A grant after one more use. */
export function used(grant: StoredGrant, at: Date): StoredGrant {
  const usesLeft = grant.usesLeft === null ? null : grant.usesLeft - 1;
  return { ...grant, usesLeft, timesUsed: grant.timesUsed + 1, changedAt: at };
}

/** A grant after one of its uses was undone. */
export function unused(grant: StoredGrant, at: Date): StoredGrant {
  const usesLeft = grant.usesLeft === null ? null : grant.usesLeft + 1;
  return { ...grant, usesLeft, timesUsed: grant.timesUsed - 1, changedAt: at };
}

/** A grant that was taken back. */
export function revoked(
  grant: StoredGrant,
  at: Date,
  { reason, by }: { readonly reason: string; readonly by: string | null },
): StoredGrant {
  return { ...grant, revokedAt: at, revokeReason: reason, revokedBy: by, changedAt: at };
}

/** A revoked grant of which no use counts gives its piece back; any other one stays as it is. */
export function withoutStock(grant: StoredGrant): StoredGrant {
  const isFree = grant.takesStock && grant.revokedAt !== null && grant.timesUsed === 0;
  return isFree ? { ...grant, takesStock: false } : grant;
}

/** A grant as it was just after an act on it, when so many of its uses counted. */
export function grantThen(grant: StoredGrant, moment: Date, timesUsed: number): StoredGrant {
  const wasRevoked = grant.revokedAt !== null && grant.revokedAt <= moment;
  return {
    ...grant,
    timesUsed,
    usesLeft: grant.usesLeft === null ? null : grant.usesLeft + grant.timesUsed - timesUsed,
    revokedAt: wasRevoked ? grant.revokedAt : null,
    revokeReason: wasRevoked ? grant.revokeReason : null,
    revokedBy: wasRevoked ? grant.revokedBy : null,
  };
}
