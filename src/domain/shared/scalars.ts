import { GraphQLError, GraphQLScalarType, Kind, type ValueNode, valueFromASTUntyped } from 'graphql';
import { isCalendarDate, parseDuration } from '../../kernel/calendar.ts';
import { isDecimal } from '../../kernel/money.ts';
import { parsePoints } from '../../kernel/points.ts';

function invalid(code: string, expected: string): GraphQLError {
  return new GraphQLError(expected, { extensions: { code } });
}

function literalString(node: ValueNode): string | null {
  return node.kind === Kind.STRING ? node.value : null;
}

const pointsExpected = 'Points are a whole number of 64 bits, as a string of ASCII digits, e.g. "500".';

function toPoints(text: unknown): bigint {
  const value = typeof text === 'string' ? parsePoints(text) : null;
  if (value === null) throw invalid('INVALID_POINTS', pointsExpected);
  return value;
}

/** Amounts: bigint inside, a string of digits outside, because JSON numbers lose digits above 2^53. */
export const PointsScalar = new GraphQLScalarType<bigint, string>({
  name: 'Points',
  description:
    'A whole amount of an asset in its smallest unit: a signed 64-bit integer as a string, e.g. `"500"`.',
  serialize: (value) => String(value),
  parseValue: toPoints,
  parseLiteral: (node) => toPoints(node.kind === Kind.INT ? node.value : literalString(node)),
});

const decimalExpected =
  'A decimal is a string of at most 16 digits before the point and 6 after, e.g. "238.00".';

function toDecimal(text: unknown): string {
  if (typeof text !== 'string' || !isDecimal(text)) throw invalid('INVALID_DECIMAL', decimalExpected);
  return text;
}

export const DecimalScalar = new GraphQLScalarType<string, string>({
  name: 'Decimal',
  description: 'A decimal number as a string, never a float, e.g. `"238.00"`.',
  serialize: (value) => String(value),
  parseValue: toDecimal,
  parseLiteral: (node) => toDecimal(literalString(node)),
});

const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
const dateTimeExpected = 'A moment is RFC 3339 with its offset, e.g. "2026-11-21T10:00:00+08:00".';

function toDateTime(text: unknown): Date {
  const value =
    typeof text === 'string' && DATE_TIME.test(text) && isCalendarDate(text.slice(0, 10))
      ? new Date(text)
      : null;
  if (value === null || Number.isNaN(value.getTime())) throw invalid('INVALID_DATE_TIME', dateTimeExpected);
  return value;
}

export const DateTimeScalar = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description: 'A moment: RFC 3339 with any offset in, UTC with milliseconds out.',
  serialize: (value) => (value as Date).toISOString(),
  parseValue: toDateTime,
  parseLiteral: (node) => toDateTime(literalString(node)),
});

const durationExpected = 'A duration is ISO 8601 in whole parts, e.g. "P30D" or "PT15M".';

function toDuration(text: unknown): string {
  if (typeof text !== 'string' || parseDuration(text) === null)
    throw invalid('INVALID_DURATION', durationExpected);
  return text;
}

export const DurationScalar = new GraphQLScalarType<string, string>({
  name: 'Duration',
  description:
    'An ISO 8601 duration. `P1D` is a calendar day of the tenant’s time zone, `PT24H` is 24 hours.',
  serialize: (value) => String(value),
  parseValue: toDuration,
  parseLiteral: (node) => toDuration(literalString(node)),
});

export const JsonScalar = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  description: 'Any JSON value.',
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(node, variables),
});
