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
  readonly expression: CompiledExpression<bigint> | null;
}

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

function compileAll({ rules }: ProgramDefinition): Map<string, RuleSet> {
  // Equal orders stay in the order of the file: sorting is stable.
  const byTrigger = Map.groupBy(
    rules.toSorted((a, b) => a.order - b.order),
    ({ trigger }) => trigger,
  );
  const sets = new Map<string, RuleSet>();
  for (const [trigger, own] of byTrigger) {
    const all = own.map(compile);
    const expressions = all.flatMap(({ when, postings }) => {
      return [when, ...postings.map(({ expression }) => expression)].filter((one) => one !== null);
    });
    sets.set(trigger, {
      rules: all,
      hasExpressions: expressions.length > 0,
      reads: new Set(expressions.flatMap(({ reads }) => [...reads])),
    });
  }
  return sets;
}

function compile(definition: RuleDefinition): CompiledRule {
  const { when, rounding } = definition;
  return {
    definition,
    when: when === undefined ? null : compileCondition(when),
    postings: definition.postings.map((posting) => {
      const { amount } = posting;
      const isExpression = typeof amount === 'object' && 'expression' in amount;
      return {
        definition: posting,
        expression: isExpression ? compileAmount(amount.expression, rounding) : null,
      };
    }),
  };
}
