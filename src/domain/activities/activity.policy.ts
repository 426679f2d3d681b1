import { minus, parseDuration } from '../../kernel/calendar.ts';
import { refuse } from '../../kernel/errors.ts';
import { fromMinorUnits, toMinorUnits } from '../../kernel/money.ts';
import type { PinnedProgram } from '../programs/index.ts';
import type { MoneyInput } from '../shared/index.ts';
import type { StoredOrderLine } from './activity.entity.ts';
import type { OrderInput, RecordActivityInput } from './activity.inputs.ts';
import { type Line, toLines } from './refund.policy.ts';

/** The type of an activity that takes back what another one gave. */
export const REFUND = 'refund';
const CODE = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** They come of themselves: of enrolling, and of a change of tier. */
const RESERVED_TYPES = ['enrolment', 'tier_change'];
const LONGEST_NUMBER = 100;
const LONGEST_CODE = 100;
const MOST_LINES = 500;
const FUTURE_TOLERANCE_MS = 5 * 60 * 1_000;

/**
 * @param isOwn whether the product itself records it
 * @throws Refusal ACTIVITY_TYPE_INVALID, ACTIVITY_TYPE_RESERVED
 */
export function refuseBadType(type: string, isOwn: boolean): void {
  if (!CODE.test(type)) throw refuse('ACTIVITY_TYPE_INVALID', ['type']);
  if (!isOwn && RESERVED_TYPES.includes(type)) throw refuse('ACTIVITY_TYPE_RESERVED', ['type'], { type });
}

/**
 * An amount in minor units of the program's currency; null when there is none.
 * @throws Refusal CURRENCY_MISMATCH, MONEY_INVALID
 */
export function toAmount(
  money: MoneyInput | null | undefined,
  { definition: { currency } }: PinnedProgram,
  field: readonly string[],
): bigint | null {
  if (money === null || money === undefined) return null;
  if (money.currency !== currency) throw refuse('CURRENCY_MISMATCH', [...field, 'currency'], { currency });
  const minor = toMinorUnits(money.value, currency);
  if (minor === null || minor < 0n) throw refuse('MONEY_INVALID', [...field, 'value'], { currency });
  return minor;
}

/**
 * The lines of an order as they are kept; null when none were sent.
 * @throws Refusal ORDER_INVALID, ORDER_TOTAL_MISMATCH, CURRENCY_MISMATCH, MONEY_INVALID
 */
export function toOrderLines(
  order: OrderInput | null | undefined,
  total: bigint | null,
  program: PinnedProgram,
): StoredOrderLine[] | null {
  if (order === null || order === undefined) return null;
  const { number, lines } = order;
  if (number.length < 1 || number.length > LONGEST_NUMBER) throw refuse('ORDER_INVALID', ['order', 'number']);
  if (lines === null || lines === undefined || lines.length === 0) return null;
  if (lines.length > MOST_LINES) throw refuse('ORDER_INVALID', ['order', 'lines']);
  let sum = 0n;
  const stored = lines.map(({ sku, category = null, quantity, amount }, index): StoredOrderLine => {
    const path = ['order', 'lines', String(index)];
    const isLong = sku.length > LONGEST_CODE || (category?.length ?? 0) > LONGEST_CODE;
    if (quantity < 1 || isLong) throw refuse('ORDER_INVALID', path);
    const minor = toAmount(amount, program, [...path, 'amount']) ?? 0n;
    sum += minor;
    return { sku, category, quantity, amount: String(minor) };
  });
  if (sum !== total) {
    const { currency } = program.definition;
    const details = {
      lines: fromMinorUnits(sum, currency),
      total: total === null ? '-' : fromMinorUnits(total, currency),
    };
    throw refuse('ORDER_TOTAL_MISMATCH', ['order', 'lines'], details);
  }
  return stored;
}

/**
 * The lines that come back of an order; null when none are named. They add up to the amount, if one is sent.
 * @throws Refusal as `toOrderLines`
 */
export function toReturnedLines(
  order: OrderInput | null | undefined,
  amount: bigint | null,
  program: PinnedProgram,
): Line[] | null {
  const { lines } = order ?? {};
  if (order === null || order === undefined || lines === null || lines === undefined) return null;
  const sum = lines.reduce((total, line, index) => {
    const path = ['order', 'lines', String(index), 'amount'];
    return total + (toAmount(line.amount, program, path) ?? 0n);
  }, 0n);
  const stored = toOrderLines(order, amount ?? sum, program);
  return stored === null ? null : toLines(stored);
}

/** @throws Refusal OCCURRED_IN_FUTURE, OCCURRED_TOO_OLD (not for imports of history) */
export function refuseBadMoment(
  { occurredAt }: RecordActivityInput,
  now: Date,
  { definition }: PinnedProgram,
  isImport: boolean,
): void {
  if (occurredAt === null || occurredAt === undefined) return;
  if (occurredAt.getTime() > now.getTime() + FUTURE_TOLERANCE_MS)
    throw refuse('OCCURRED_IN_FUTURE', ['occurredAt']);
  if (isImport) return;
  const limit = parseDuration(definition.backdating);
  if (limit === null || occurredAt >= minus(now, limit, definition.timeZone)) return;
  throw refuse('OCCURRED_TOO_OLD', ['occurredAt'], { limit: definition.backdating });
}
