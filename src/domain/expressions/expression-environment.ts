import { Environment, EvaluationError } from '@marcbachmann/cel-js';
import { isInRange } from '../../kernel/points.ts';
import { ActivityRecord, LineRecord, MemberRecord, OrderRecord, TierRecord } from './expression-scope.ts';

/**
 * How `mulDiv` rounds what is not whole: DOWN towards zero, UP away from zero, HALF_UP to the nearest and an
 * exact half away from zero. A negative amount is thus the mirror of the positive one, and a refund takes
 * back what the purchase gave.
 */
export type Rounding = 'DOWN' | 'HALF_UP' | 'UP';

/** The parts of an expression, and how deep they may lie in each other: parentheses, arguments and dots. */
export const SYNTAX_LIMITS = { maxAstNodes: 500, maxDepth: 32 };

const TIMESTAMP = 'google.protobuf.Timestamp';
// Otherwise the library would look for a promise after each call.
const SYNCHRONOUS = { async: false };

/** `a * b / c`, exact before it is rounded. Throws when `c` is zero or the result needs more than 64 bits. */
function mulDiv(a: bigint, b: bigint, c: bigint, rounding: Rounding): bigint {
  if (c === 0n) throw new EvaluationError({ code: 'division_by_zero', message: 'division by zero' });
  const product = a * b;
  const whole = product / c;
  const rest = absolute(product % c);
  const isRounded = rounding === 'UP' ? rest > 0n : rounding === 'HALF_UP' && rest * 2n >= absolute(c);
  const away = product < 0n === c < 0n ? 1n : -1n;
  return inRange(isRounded ? whole + away : whole);
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function inRange(value: bigint): bigint {
  if (isInRange(value)) return value;
  throw new EvaluationError({ code: 'numeric_overflow', message: 'integer overflow' });
}

/** The items may be anything: of a list in the attributes, the library looks at the first only. */
function sum(items: readonly unknown[]): bigint {
  let total = 0n;
  for (const item of items) {
    if (typeof item !== 'bigint') {
      throw new EvaluationError({ code: 'int_conversion_error', message: 'not an int' });
    }
    total = inRange(total + item);
  }
  return total;
}

function declareTypes(environment: Environment): Environment {
  return environment
    .registerType('Member', {
      ctor: MemberRecord,
      fields: {
        id: 'string',
        enrolledAt: TIMESTAMP,
        daysEnrolled: 'int',
        birthday: 'string',
        age: 'int',
        isBirthday: 'bool',
        isBirthMonth: 'bool',
        gender: 'string',
        tags: 'list<string>',
        channel: 'string',
        store: 'string',
        region: 'string',
        locale: 'string',
        attributes: 'map<string, dyn>',
      },
    })
    .registerType('Activity', {
      ctor: ActivityRecord,
      fields: {
        type: 'string',
        occurredAt: TIMESTAMP,
        localDate: 'string',
        localHour: 'int',
        localWeekday: 'int',
        channel: 'string',
        store: 'string',
        amount: 'int',
      },
    })
    .registerType('OrderLine', {
      ctor: LineRecord,
      fields: { sku: 'string', category: 'string', quantity: 'int', amount: 'int' },
    })
    .registerType('Order', {
      ctor: OrderRecord,
      fields: { number: 'string', total: 'int', quantity: 'int', lines: 'list<OrderLine>' },
    })
    .registerType('Tier', { ctor: TierRecord, fields: { code: 'string', rank: 'int' } });
}

const base = declareTypes(new Environment({ limits: SYNTAX_LIMITS }))
  .registerVariable('member', 'Member')
  .registerVariable('activity', 'Activity')
  .registerVariable('order', 'Order')
  .registerVariable('tier', 'Tier')
  .registerVariable('now', TIMESTAMP)
  .registerFunction('min(int, int): int', (a: bigint, b: bigint) => (a < b ? a : b), SYNCHRONOUS)
  .registerFunction('max(int, int): int', (a: bigint, b: bigint) => (a > b ? a : b), SYNCHRONOUS)
  .registerFunction('sum(list<int>): int', sum, SYNCHRONOUS);

function rounded(rounding: Rounding): Environment {
  return base
    .clone()
    .registerFunction(
      'mulDiv(int, int, int): int',
      (a: bigint, b: bigint, c: bigint) => mulDiv(a, b, c, rounding),
      SYNCHRONOUS,
    );
}

/** For conditions: they have no rounding, and so no `mulDiv`. */
export const conditions: Environment = base.clone();

/** For amounts, one for each rounding. */
export const amounts: Readonly<Record<Rounding, Environment>> = {
  DOWN: rounded('DOWN'),
  HALF_UP: rounded('HALF_UP'),
  UP: rounded('UP'),
};
