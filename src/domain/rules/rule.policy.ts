import type { LocalizedText } from '../../kernel/localized.ts';
import { toMinorUnits } from '../../kernel/money.ts';
import { isInRange } from '../../kernel/points.ts';
import { ExplanationOutcome, type StoredExplanation } from '../ledgers/index.ts';
import type { PinnedProgram, RuleDefinition } from '../programs/index.ts';

/** What rules are asked about. */
export interface Happening {
  /** The activity type: `enrolment`, `purchase`… */
  readonly trigger: string;
  /** The activity's amount in minor units of the program's currency; null when it has none. */
  readonly amount: bigint | null;
}

/** What a rule gives: one posting in one asset. */
export interface ProposedCredit {
  readonly asset: string;
  readonly amount: bigint;
  readonly availableAfter: string | null;
  readonly explanation: StoredExplanation;
}

export interface RuleAnswers {
  readonly credits: readonly ProposedCredit[];
  /** One for every rule asked, also for those that gave nothing. */
  readonly explanations: readonly StoredExplanation[];
}

type PostingDefinition = RuleDefinition['postings'][number];

/** Asks every rule of the program that answers to what happened. Pure: no clock, no data, no I/O. */
export function askRules(program: PinnedProgram, happening: Happening): RuleAnswers {
  const asked = program.definition.rules.filter(({ trigger }) => trigger === happening.trigger);
  const credits: ProposedCredit[] = [];
  const explanations: StoredExplanation[] = [];
  for (const rule of asked) {
    const given = rule.postings
      .map((posting) => ({ posting, amount: amountOf(program, posting, happening.amount) }))
      .filter(({ amount }) => amount > 0n);
    for (const { posting, amount } of given) {
      const explanation = explain(program, rule, [{ posting, amount }]);
      credits.push({
        asset: posting.asset,
        amount,
        availableAfter: posting.availableAfter ?? null,
        explanation,
      });
    }
    explanations.push(explain(program, rule, given));
  }
  return { credits, explanations };
}

/** A fixed amount, or `gives` for each full `each`; zero for what has no amount. */
function amountOf(
  { definition }: PinnedProgram,
  { amount }: PostingDefinition,
  minor: bigint | null,
): bigint {
  if (typeof amount === 'string') return BigInt(amount);
  const each = toMinorUnits(amount.each, definition.currency);
  if (minor === null || minor <= 0n || each === null) return 0n;
  const given = (minor / each) * BigInt(amount.gives);
  return isInRange(given) ? given : 0n;
}

function explain(
  program: PinnedProgram,
  rule: RuleDefinition,
  given: readonly { posting: PostingDefinition; amount: bigint }[],
): StoredExplanation {
  const reference = { code: rule.code, version: program.version };
  if (given.length === 0) {
    return {
      rule: reference,
      extension: null,
      outcome: ExplanationOutcome.ZERO,
      summary: nothing(rule.name),
    };
  }
  const inWords = (language: 'en' | 'zh-CN'): string =>
    given
      .map(({ posting, amount }) => {
        const names = program.assets.get(posting.asset)?.name ?? {};
        return `+${amount} ${names[language] ?? posting.asset}`;
      })
      .join(language === 'en' ? ', ' : '，');
  const summary = {
    en: `${rule.name.en ?? rule.code}: ${inWords('en')}`,
    'zh-CN': `${rule.name['zh-CN'] ?? rule.code}：${inWords('zh-CN')}`,
  };
  return { rule: reference, extension: null, outcome: ExplanationOutcome.APPLIED, summary };
}

function nothing(name: LocalizedText): LocalizedText {
  return {
    en: `${name.en ?? name['zh-CN']}: the amount is too small`,
    'zh-CN': `${name['zh-CN'] ?? name.en}：金额未达到要求`,
  };
}
