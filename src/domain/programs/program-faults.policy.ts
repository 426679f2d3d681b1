import { toMinorUnits } from '../../kernel/money.ts';
import {
  checkAmount,
  checkCondition,
  compileAmount,
  compileCondition,
  type ExpressionFinding,
} from '../expressions/index.ts';
import { assetFaults, awaitingFaults, dueElsewhereFaults } from './asset-faults.policy.ts';
import { effectFault } from './effect.policy.ts';
import { OWN_METRICS, parseMetric, toMetricUnits } from './metric.policy.ts';
import type {
  BenefitDefinition,
  LadderDefinition,
  ProgramDefinition,
  RuleDefinition,
} from './program.schema.ts';
import type { ProgramFault } from './program-fault.ts';

type Path = (string | number)[];

/** Every fault of a definition: codes that repeat or mean nothing, amounts and expressions that can't be. */
export function findFaults(program: ProgramDefinition): ProgramFault[] {
  return [
    ...repeatedCodes(program.assets, ['assets']),
    ...repeatedCodes(program.benefits, ['benefits']),
    ...repeatedCodes(program.tags, ['tags']),
    ...repeatedCodes(program.rules, ['rules']),
    ...repeatedCodes(program.ladders, ['ladders']),
    ...ambiguousAssets(program),
    ...program.assets.flatMap((asset, index) => assetFaults(asset, program.currency, ['assets', index])),
    ...program.ladders.flatMap((ladder, index) => ladderFaults(program, ladder, ['ladders', index])),
    ...program.rules.flatMap((_rule, index) => ruleFaults(program, index)),
    ...slowTriggers(program),
    ...program.benefits.flatMap((benefit, index) => benefitFaults(program, benefit, ['benefits', index])),
  ];
}

function repeatedCodes(list: readonly { code: string }[], path: Path): ProgramFault[] {
  const seen = new Set<string>();
  return list.flatMap(({ code }, index) => {
    const isRepeated = seen.has(code);
    seen.add(code);
    return isRepeated
      ? [{ path: [...path, index, 'code'], message: `the code "${code}" is there already` }]
      : [];
  });
}

function ambiguousAssets({ assets }: ProgramDefinition): ProgramFault[] {
  return assets.flatMap(({ code }, index) =>
    OWN_METRICS.some((metric) => metric === code)
      ? [
          {
            path: ['assets', index, 'code'],
            message: `"${code}" is a metric of ladders: choose another code`,
          },
        ]
      : [],
  );
}

function unknownAsset({ assets }: ProgramDefinition, asset: string, path: Path): ProgramFault[] {
  if (assets.some(({ code }) => code === asset)) return [];
  return [{ path, message: `no asset of this program is called "${asset}"` }];
}

function unknownBenefits(
  { benefits }: ProgramDefinition,
  codes: readonly string[],
  path: Path,
): ProgramFault[] {
  return codes.flatMap((code, index) =>
    benefits.some((benefit) => benefit.code === code)
      ? []
      : [{ path: [...path, index], message: `no benefit of this program is called "${code}"` }],
  );
}

function ladderFaults(program: ProgramDefinition, ladder: LadderDefinition, path: Path): ProgramFault[] {
  const isRolling = ladder.window === 'ROLLING_DAYS';
  const days = [...path, isRolling ? 'window' : 'windowDays'];
  const windowFaults =
    isRolling === (ladder.windowDays !== undefined)
      ? []
      : [{ path: days, message: 'a window of ROLLING_DAYS, and only such a one, has "windowDays"' }];
  const metric = parseMetric(ladder.metric, program);
  const unknown = `no asset of this program is called "${ladder.metric}", nor is it another metric`;
  return [
    ...repeatedCodes(ladder.tiers, [...path, 'tiers']),
    ...windowFaults,
    ...(metric === null ? [{ path: [...path, 'metric'], message: unknown }] : []),
    ...thresholdFaults(program, ladder, [...path, 'tiers']),
    ...ladder.tiers.flatMap((tier, index) =>
      unknownBenefits(program, tier.benefits, [...path, 'tiers', index, 'benefits']),
    ),
  ];
}

function thresholdFaults(program: ProgramDefinition, ladder: LadderDefinition, path: Path): ProgramFault[] {
  const metric = parseMetric(ladder.metric, program) ?? { of: 'ORDERS' };
  const units = ladder.tiers.map(({ threshold }) => toMetricUnits(metric, threshold, program.currency));
  const kind = metric.of === 'SPEND' ? `an amount of ${program.currency}` : 'a whole number';
  return units.flatMap((own, index) => {
    const at = [...path, index, 'threshold'];
    if (own === null || own < 0n) return [{ path: at, message: `${kind} from zero, as a string` }];
    const before = units[index - 1] ?? null;
    return before === null || before < own ? [] : [{ path: at, message: 'more than the tier before asks' }];
  });
}

function ruleFaults(program: ProgramDefinition, index: number): ProgramFault[] {
  const rule = program.rules[index];
  if (rule === undefined) return [];
  const path = ['rules', index];
  const isEmpty = rule.postings.length + rule.grants.length === 0 && rule.tags === undefined;
  const gives = rule.postings.length + rule.grants.length > 0;
  return [
    ...(isEmpty ? [{ path, message: 'a rule has "postings", "tags" or "grants"' }] : []),
    ...(rule.trigger === 'refund' && gives
      ? [{ path: [...path, 'trigger'], message: 'a refund gives nothing: such a rule has "tags" alone' }]
      : []),
    ...(rule.when === undefined ? [] : expressionFaults(checkCondition(rule.when), [...path, 'when'])),
    ...rule.postings.flatMap((posting, p) => [
      ...unknownAsset(program, posting.asset, [...path, 'postings', p, 'asset']),
      ...amountFaults(program, posting.amount, [...path, 'postings', p, 'amount']),
    ]),
    ...awaitingFaults(program, rule, path),
    ...dueElsewhereFaults(program, rule, path),
    ...rule.caps.flatMap((cap, c) =>
      rule.postings.some(({ asset }) => asset === cap.asset)
        ? []
        : [{ path: [...path, 'caps', c, 'asset'], message: `the rule has no posting in "${cap.asset}"` }],
    ),
    ...unknownBenefits(program, rule.grants, [...path, 'grants']),
  ];
}

/** What the expressions of one trigger's rules may take together: some half a second at the very most. */
const MOST_WORK_A_TRIGGER = 10_000_000;

/** The rule with which the rules of a trigger become too slow, should each of them meet its worst order. */
function slowTriggers({ rules }: ProgramDefinition): ProgramFault[] {
  const work = new Map<string, number>();
  return rules.flatMap((rule, index) => {
    const before = work.get(rule.trigger) ?? 0;
    const after = before + workOf(rule);
    work.set(rule.trigger, after);
    if (before > MOST_WORK_A_TRIGGER || after <= MOST_WORK_A_TRIGGER) return [];
    const message = `the rules for "${rule.trigger}" may take too long together: simplify this one`;
    return [{ path: ['rules', index], message }];
  });
}

/** The work of a rule's expressions; of those that are wrong, and told so, none. */
function workOf({ when, postings }: RuleDefinition): number {
  const condition = when === undefined || checkCondition(when) !== null ? 0 : compileCondition(when).work;
  return postings.reduce((sum, { amount }) => {
    const source = typeof amount === 'object' && 'expression' in amount ? amount.expression : null;
    return source === null || checkAmount(source) !== null ? sum : sum + compileAmount(source, 'DOWN').work;
  }, condition);
}

type RuleAmount = ProgramDefinition['rules'][number]['postings'][number]['amount'];

function amountFaults(program: ProgramDefinition, amount: RuleAmount, path: Path): ProgramFault[] {
  if (typeof amount === 'string') return [];
  if ('expression' in amount)
    return expressionFaults(checkAmount(amount.expression), [...path, 'expression']);
  const minor = toMinorUnits(amount.each, program.currency);
  if (minor !== null && minor > 0n) return [];
  const message = `an amount of ${program.currency} above zero, no finer than its minor unit`;
  return [{ path: [...path, 'each'], message }];
}

function expressionFaults(finding: ExpressionFinding | null, path: Path): ProgramFault[] {
  if (finding === null) return [];
  const message = finding.message.replace(/\.$/, '');
  return [{ path, message: `${message} (at character ${finding.offset + 1})` }];
}

function benefitFaults(
  program: ProgramDefinition,
  { kind, value }: BenefitDefinition,
  path: Path,
): ProgramFault[] {
  const message = value === undefined ? null : effectFault({ kind, value }, program.currency);
  return message === null ? [] : [{ path: [...path, 'value'], message }];
}
