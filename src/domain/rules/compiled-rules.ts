import { toMinorUnits } from '../../kernel/money.ts';
import { type CompiledExpression, compileAmount, compileCondition } from '../expressions/index.ts';
import type { ProgramDefinition, RuleDefinition } from '../programs/index.ts';

export type PostingDefinition = RuleDefinition['postings'][number];

/** A rule with its expressions compiled. */
export interface CompiledRule {
  readonly definition: RuleDefinition;
  readonly when: CompiledExpression<boolean> | null;
  readonly postings: readonly CompiledPosting[];
}

export interface CompiledPosting {
  readonly definition: PostingDefinition;
  readonly amount: CompiledAmount;
}

/** A fixed amount; so much for each so many minor units; or what an expression comes to. */
export type CompiledAmount =
  | { readonly fixed: bigint }
  | { readonly each: bigint; readonly gives: bigint }
  | { readonly expression: CompiledExpression<bigint> };

/** The rules of one trigger, in the order in which they are asked. */
export interface RuleSet {
  readonly rules: readonly CompiledRule[];
  readonly hasExpressions: boolean;
  /** What their expressions look at. */
  readonly reads: ReadonlySet<string>;
}

const NO_RULES: RuleSet = { rules: [], hasExpressions: false, reads: new Set() };
const compiled = new WeakMap<ProgramDefinition, Map<string, RuleSet>>();

/** The rules of a program that answer to a trigger; compiled once a definition. */
export function rulesFor(definition: ProgramDefinition, trigger: string): RuleSet {
  let sets = compiled.get(definition);
  if (sets === undefined) {
    sets = compileAll(definition);
    compiled.set(definition, sets);
  }
  return sets.get(trigger) ?? NO_RULES;
}

function compileAll({ rules, currency }: ProgramDefinition): Map<string, RuleSet> {
  // Equal orders stay in the order of the file: sorting is stable.
  const byTrigger = Map.groupBy(
    rules.toSorted((a, b) => a.order - b.order),
    ({ trigger }) => trigger,
  );
  const sets = new Map<string, RuleSet>();
  for (const [trigger, own] of byTrigger) {
    const all = own.map((rule) => compile(rule, currency));
    const expressions = all.flatMap(({ when, postings }) => {
      const amounts = postings.flatMap(({ amount }) => ('expression' in amount ? amount.expression : []));
      return when === null ? amounts : [when, ...amounts];
    });
    sets.set(trigger, {
      rules: all,
      hasExpressions: expressions.length > 0,
      reads: new Set(expressions.flatMap(({ reads }) => [...reads])),
    });
  }
  return sets;
}

function compile(definition: RuleDefinition, currency: string): CompiledRule {
  const { when, rounding } = definition;
  return {
    definition,
    when: when === undefined ? null : compileCondition(when),
    postings: definition.postings.map((posting) => {
      return { definition: posting, amount: compileRuleAmount(posting.amount, rounding, currency) };
    }),
  };
}

function compileRuleAmount(
  amount: PostingDefinition['amount'],
  rounding: RuleDefinition['rounding'],
  currency: string,
): CompiledAmount {
  if (typeof amount === 'string') return { fixed: BigInt(amount) };
  if ('expression' in amount) return { expression: compileAmount(amount.expression, rounding) };
  const each = toMinorUnits(amount.each, currency);
  if (each === null) throw new Error(`"${amount.each}" is no amount of ${currency}.`);
  return { each, gives: BigInt(amount.gives) };
}
