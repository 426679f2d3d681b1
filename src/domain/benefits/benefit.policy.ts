import { refuse } from '../../kernel/errors.ts';
import { toMinorUnits } from '../../kernel/money.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { refuseLong, refuseLongSource } from '../shared/index.ts';
import type { BenefitOrderInput, GrantBenefitInput, UseBenefitInput } from './benefit.inputs.ts';
import { GrantStatus } from './grant.entity.ts';
import { type Shortage, statusAt, validityOf } from './grant.policy.ts';
import type { StoredGrant } from './grant.repository.ts';

const LONGEST_REASON = 500;
const LONGEST_NUMBER = 100;

/** @throws Refusal TEXT_TOO_LONG */
export function refuseLongReason(reason: string | null | undefined): void {
  refuseLong(reason, LONGEST_REASON, ['reason']);
}

/** @throws Refusal MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE */
export function refuseInactive(status: string | null, field: readonly string[]): void {
  if (status === null) throw refuse('MEMBER_NOT_FOUND', field);
  if (status !== 'ACTIVE') throw refuse('MEMBER_NOT_ACTIVE', field, { status });
}

/** @throws Refusal GRANT_LIMIT, with the limit that leaves nothing */
export function refuseShort({ benefit, name, most }: Shortage, field: readonly string[]): void {
  throw refuse('GRANT_LIMIT', field, { benefit, limit: name, most: String(most) });
}

/** @throws Refusal VALIDITY_INVALID when the grant would have ended already, or before it begins */
export function refuseBadValidity(
  { benefit, validFrom, validUntil }: GrantBenefitInput,
  { definition: { benefits, timeZone } }: PinnedProgram,
  now: Date,
): void {
  const definition = benefits.find(({ code }) => code === benefit);
  if (definition === undefined) throw refuse('BENEFIT_NOT_FOUND', ['benefit'], { benefit });
  const span = validityOf(definition, { validFrom, validUntil }, now, timeZone);
  if (span.validUntil === null || (span.validUntil > span.validFrom && span.validUntil > now)) return;
  const isGiven = validUntil !== null && validUntil !== undefined;
  throw refuse('VALIDITY_INVALID', [isGiven ? 'validUntil' : 'validFrom']);
}

/** @throws Refusal GRANT_NOT_AVAILABLE, GRANT_EXPIRED, NO_USES_LEFT */
export function refuseUnusable(grant: StoredGrant, now: Date): void {
  const status = statusAt(grant, now);
  if (status === GrantStatus.AVAILABLE) return;
  if (status === GrantStatus.USED_UP) throw refuse('NO_USES_LEFT', ['grantId']);
  if (status === GrantStatus.EXPIRED) {
    throw refuse('GRANT_EXPIRED', ['grantId'], { until: grant.validUntil?.toISOString() ?? '' });
  }
  throw refuse('GRANT_NOT_AVAILABLE', ['grantId'], { status });
}

/** Where a use happens and what for, as it is kept. */
export interface Occasion {
  readonly channel: string | null;
  readonly store: string | null;
  readonly orderNumber: string | null;
  readonly orderAmountMinor: bigint | null;
  readonly currency: string | null;
}

/** @throws Refusal TEXT_TOO_LONG, ORDER_INVALID, CURRENCY_MISMATCH, MONEY_INVALID */
export function toOccasion({ source, order }: UseBenefitInput, program: PinnedProgram): Occasion {
  refuseLongSource(source);
  const number = order?.number ?? null;
  if (number !== null && (number.length < 1 || number.length > LONGEST_NUMBER)) {
    throw refuse('ORDER_INVALID', ['order', 'number']);
  }
  const amount = toAmount(order?.amount, program);
  return {
    channel: source?.channel ?? null,
    store: source?.store ?? null,
    orderNumber: number,
    orderAmountMinor: amount,
    currency: amount === null ? null : program.definition.currency,
  };
}

function toAmount(
  money: BenefitOrderInput['amount'],
  { definition: { currency } }: PinnedProgram,
): bigint | null {
  if (money === null || money === undefined) return null;
  const field = ['order', 'amount'];
  if (money.currency !== currency) throw refuse('CURRENCY_MISMATCH', [...field, 'currency'], { currency });
  const minor = toMinorUnits(money.value, currency);
  if (minor === null || minor < 0n) throw refuse('MONEY_INVALID', [...field, 'value'], { currency });
  return minor;
}
