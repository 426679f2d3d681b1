/** What is wrong in an expression, and where: `offset` counts UTF-16 units from its start. */
export interface ExpressionFinding {
  readonly message: string;
  readonly offset: number;
}

/** Thrown where an expression is refused; caught where it is checked. */
export class Refusal extends Error {
  readonly finding: ExpressionFinding;

  constructor(message: string, offset: number) {
    super(message);
    this.finding = { message: plain(message), offset };
  }
}

/** What the library's errors have, of all its three classes. */
interface LibraryError {
  readonly code: string;
  readonly summary: string;
  readonly range?: { readonly start: number };
}

const LONGEST_MESSAGE = 200;

/** Says a parser's or type checker's error as a finding. */
export function findingOf(error: unknown, source: string): ExpressionFinding {
  if (error instanceof Refusal) return error.finding;
  if (!isLibraryError(error)) throw error;
  const offset = error.range?.start ?? 0;
  return { message: plain(staticMessage(error, source, offset)), offset };
}

/** Says why an evaluation has no result, in one sentence. */
export function failureOf(error: unknown): string {
  if (!isLibraryError(error)) return 'The expression has no result.';
  const { code, summary } = error;
  switch (code) {
    case 'no_such_key':
      return plain(`There is no value under "${afterColon(summary)}".`);
    case 'index_out_of_bounds':
      return 'The list has no item at this index.';
    case 'index_out_of_range':
      return 'The text does not reach that far.';
    case 'numeric_overflow':
      return 'A result needs more than 64 bits.';
    case 'division_by_zero':
    case 'modulo_by_zero':
      return 'It divides by zero.';
    case 'int_conversion_error':
      return 'A value is no whole number of 64 bits.';
    case 'bool_conversion_error':
      return 'A value is neither true nor false.';
    default:
      return plain(typeMessage(summary));
  }
}

function isLibraryError(error: unknown): error is LibraryError {
  return error instanceof Error && 'code' in error && 'summary' in error;
}

function staticMessage({ code, summary }: LibraryError, source: string, offset: number): string {
  switch (code) {
    case 'no_such_key':
      return `There is no field "${afterColon(summary)}".`;
    case 'limit_exceeded':
      return 'The expression is too large, or too much of it lies inside each other.';
    case 'unexpected_character':
    case 'unexpected_token':
    case 'expected_token': {
      const found = /^(\w+|.)/u.exec(source.slice(offset))?.[0];
      return found === undefined ? 'The expression ends too early.' : `"${found}" is not expected here.`;
    }
    default:
      return typeMessage(summary);
  }
}

function typeMessage(summary: string): string {
  const text = summary
    .replace(/dyn<(\w+)>/g, '$1')
    .replace(/^no such overload: (.*)$/s, 'There is no operation $1')
    .replace(/^found no matching overload for '(.*)'$/s, 'There is no function $1');
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
}

function afterColon(summary: string): string {
  return summary.slice(summary.indexOf(':') + 2);
}

/** Without what PostgreSQL or a terminal would choke on: it may repeat what a tenant wrote. */
function plain(message: string): string {
  const text = message.replace(/\p{Cc}/gu, ' ').replaceAll('google.protobuf.', '');
  const short = text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE - 1)}…` : text;
  return short.toWellFormed();
}
