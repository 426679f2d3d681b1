import type { Environment, ParseResult } from '@marcbachmann/cel-js';
import { isInRange } from '../../kernel/points.ts';
import { type Purpose, withinBounds } from './expression-bounds.policy.ts';
import { amounts, conditions, type Rounding } from './expression-environment.ts';
import { SOURCE_LENGTH } from './expression-estimate.ts';
import { type ExpressionFinding, failureOf, findingOf, Refusal } from './expression-findings.ts';
import { forbiddenCall } from './expression-functions.ts';
import type { ExpressionScope, FactName } from './expression-scope.ts';

/** A value, or one sentence on why there is none, e.g. that an attribute is missing. */
export type Outcome<T> = { readonly value: T } | { readonly failure: string };

/** An expression that was checked once and can be asked about any number of happenings. */
export interface CompiledExpression<T> {
  readonly source: string;
  /** The variables that it reads. */
  readonly reads: ReadonlySet<FactName>;
  /** The most units of work that it may take, of at most some 50 ns each. */
  readonly work: number;
  /** Pure, and never throws. */
  evaluate(scope: ExpressionScope): Outcome<T>;
}

const TYPE = { condition: 'bool', amount: 'int' } as const;
const ASKED = {
  condition: 'A condition must be of type bool',
  amount: 'An amount must be of type int',
} as const;

/** What is wrong in a condition; null when nothing is. */
export function checkCondition(source: string): ExpressionFinding | null {
  return check(source, 'condition', conditions);
}

/** What is wrong in an amount; null when nothing is. */
export function checkAmount(source: string): ExpressionFinding | null {
  return check(source, 'amount', amounts.DOWN);
}

/** Throws an Error for what `checkCondition` refuses. */
export function compileCondition(source: string): CompiledExpression<boolean> {
  return compile(source, 'condition', conditions, (value): value is boolean => typeof value === 'boolean');
}

/** Throws an Error for what `checkAmount` refuses. `rounding` is how `mulDiv` rounds. */
export function compileAmount(source: string, rounding: Rounding): CompiledExpression<bigint> {
  return compile(
    source,
    'amount',
    amounts[rounding],
    (value): value is bigint => typeof value === 'bigint' && isInRange(value),
  );
}

function check(source: string, purpose: Purpose, environment: Environment): ExpressionFinding | null {
  try {
    parse(source, purpose, environment);
    return null;
  } catch (error) {
    return findingOf(error, source);
  }
}

function compile<T extends boolean | bigint>(
  source: string,
  purpose: Purpose,
  environment: Environment,
  isValue: (value: boolean | bigint) => value is T,
): CompiledExpression<T> {
  const finding = check(source, purpose, environment);
  if (finding !== null) throw new Error(`${finding.message} (at ${finding.offset})`);
  const { evaluate, reads, work } = parse(source, purpose, environment);
  return {
    source,
    reads,
    work,
    evaluate({ variables, excess }) {
      for (const [name, failure] of excess) if (reads.has(name)) return { failure };
      // Errors are values here, and a stack trace is most of what one costs.
      const { stackTraceLimit } = Error;
      Error.stackTraceLimit = 0;
      try {
        const value: boolean | bigint = evaluate(variables);
        return isValue(value) ? { value } : { failure: 'The result needs more than 64 bits.' };
      } catch (error) {
        return { failure: failureOf(error) };
      } finally {
        Error.stackTraceLimit = stackTraceLimit;
      }
    },
  };
}

/** Throws a Refusal or an error of the library for what is wrong. */
function parse(
  source: string,
  purpose: Purpose,
  environment: Environment,
): { readonly evaluate: ParseResult; readonly reads: ReadonlySet<FactName>; readonly work: number } {
  if (source.length > SOURCE_LENGTH) {
    throw new Refusal(`An expression has at most ${SOURCE_LENGTH} characters.`, SOURCE_LENGTH);
  }
  const forbidden = forbiddenCall(source);
  if (forbidden !== null) {
    throw new Refusal(`There is no function ${forbidden.name} here.`, forbidden.offset);
  }
  const evaluate = environment.parse(source);
  const { reads, work } = withinBounds(evaluate.ast, purpose);
  const { type, error } = evaluate.check();
  if (error !== undefined) throw error;
  if (type !== TYPE[purpose]) {
    throw new Refusal(`${ASKED[purpose]}, and this is of type ${type}.`, evaluate.ast.start);
  }
  return { evaluate, reads, work };
}
