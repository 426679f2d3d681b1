import type { LocalizedText } from '../../kernel/localized.ts';
import { ExplanationOutcome, type StoredExplanation } from '../ledgers/index.ts';
import { type ClaimedLimit, leftOf } from '../limits/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import type { AnsweredExtension, Proposal, ProposedCredit, ProposedLimit, Proposer } from './rule.policy.ts';

/** What a rule or an extension gives, now that its limits are known. */
export type Decision = Proposer & {
  readonly outcome: ExplanationOutcome;
  readonly credits: readonly ProposedCredit[];
  /** Whether its tags and grants are due. */
  readonly applies: boolean;
  /** Why it gives nothing, or less than it would. */
  readonly remark: LocalizedText | null;
};

export interface Decisions {
  readonly decisions: readonly Decision[];
  /** What is to be counted of the limits. */
  readonly taken: readonly { readonly limit: ClaimedLimit; readonly amount: bigint }[];
}

type Claimed = ReadonlyMap<string, ClaimedLimit>;

/**
 * Decides what is given, in the order of the proposals: of each exclusive group of rules the first that gives
 * something, and of each proposal no more than its limits leave. Pure; `claimed` are the proposals' limits,
 * locked.
 */
export function decide(proposals: readonly Proposal[], claimed: readonly ClaimedLimit[]): Decisions {
  const bySubject: Claimed = new Map(claimed.map((limit) => [limit.subject, limit]));
  const taken = new Map<ClaimedLimit, bigint>();
  const groups = new Set<string>();
  const decisions = proposals.map((proposal): Decision => {
    const exclusive = proposal.rule?.exclusive;
    if (proposal.miss !== null) return missed(proposal);
    if (exclusive !== undefined && groups.has(exclusive)) return outgone(proposal, exclusive);
    const decision = limited(proposal, bySubject, taken);
    if (decision.applies && exclusive !== undefined) groups.add(exclusive);
    return decision;
  });
  return { decisions, taken: [...taken].map(([limit, amount]) => ({ limit, amount })) };
}

/** Who it is that gives nothing. */
function without(proposer: Proposer): Proposer & Pick<Decision, 'credits' | 'applies'> {
  const nothing = { credits: [], applies: false };
  return proposer.rule === null
    ? { rule: null, extension: proposer.extension, ...nothing }
    : { rule: proposer.rule, extension: null, ...nothing };
}

function missed(proposal: Proposal): Decision {
  const { NOT_MATCHED, ZERO, FALLBACK, EXTENSION_REFUSED } = ExplanationOutcome;
  const nothing = without(proposal);
  const { miss, extension } = proposal;
  const because = proposal.because ?? '';
  if (extension !== null) {
    const outcome = extension.isFallback ? FALLBACK : ZERO;
    return { ...nothing, outcome, remark: extension.isFallback ? REMARKS.fallback : REMARKS.nothing };
  }
  if (miss === 'CONDITION') return { ...nothing, outcome: NOT_MATCHED, remark: REMARKS.condition };
  if (miss === 'ZERO') return { ...nothing, outcome: ZERO, remark: REMARKS.zero };
  if (miss === 'REPLACED') {
    const remark = {
      en: `the extension "${because}" put its own in its place`,
      'zh-CN': `已由扩展“${because}”替代`,
    };
    return { ...nothing, outcome: EXTENSION_REFUSED, remark };
  }
  const why = because.replace(/\.$/, '');
  const remark = { en: `it could not be worked out (${why})`, 'zh-CN': `无法计算（${why}）` };
  return { ...nothing, outcome: NOT_MATCHED, remark };
}

function outgone(proposal: Proposal, group: string): Decision {
  const remark = {
    en: `another rule of the group "${group}" went first`,
    'zh-CN': `同组“${group}”中的其他规则已优先生效`,
  };
  return { ...without(proposal), outcome: ExplanationOutcome.NOT_MATCHED, remark };
}

function limited(proposal: Proposal, claimed: Claimed, taken: Map<ClaimedLimit, bigint>): Decision {
  const { credits, limits } = proposal;
  const isCut = credits.some((credit) => credit.isCut);
  if (limits.length === 0 && credits.every(({ amount }) => amount > 0n)) {
    return given(proposal, credits, isCut);
  }
  const nothing = without(proposal);
  const once = limits.find(({ asset }) => asset === null);
  const occasion = once === undefined ? undefined : claimed.get(once.subject);
  const left = (limit: ClaimedLimit): bigint => leftOf(limit) - (taken.get(limit) ?? 0n);
  if (occasion !== undefined && left(occasion) <= 0n) {
    return { ...nothing, outcome: ExplanationOutcome.CAPPED, remark: REMARKS.once };
  }
  let isBudget = false;
  let isCapped = isCut;
  const allowed = credits.flatMap((credit): ProposedCredit[] => {
    const caps = capsOf(limits, credit.asset, claimed);
    let amount = credit.amount;
    for (const cap of caps) {
      const rest = left(cap);
      if (rest >= amount) continue;
      amount = rest;
      isCapped = true;
      isBudget ||= cap.memberKey === null && rest <= 0n;
    }
    for (const cap of caps) taken.set(cap, (taken.get(cap) ?? 0n) + amount);
    return amount > 0n ? [{ ...credit, amount }] : [];
  });
  if (credits.length > 0 && allowed.length === 0) {
    const { BUDGET_EXHAUSTED, CAPPED } = ExplanationOutcome;
    return isBudget
      ? { ...nothing, outcome: BUDGET_EXHAUSTED, remark: REMARKS.budget }
      : { ...nothing, outcome: CAPPED, remark: REMARKS.cap };
  }
  if (occasion !== undefined) taken.set(occasion, (taken.get(occasion) ?? 0n) + 1n);
  return given(proposal, allowed, isCapped);
}

/** What gives something: all of what was proposed, or what limits leave of it. */
function given(proposal: Proposal, credits: readonly ProposedCredit[], isCapped: boolean): Decision {
  const { APPLIED, CAPPED, FALLBACK } = ExplanationOutcome;
  const whole = proposal.extension?.isFallback === true ? FALLBACK : APPLIED;
  const outcome = isCapped ? CAPPED : whole;
  return {
    ...without(proposal),
    ...{ outcome, credits, applies: true, remark: isCapped ? REMARKS.less : null },
  };
}

function capsOf(limits: readonly ProposedLimit[], asset: string, claimed: Claimed): ClaimedLimit[] {
  return limits.flatMap((limit) => (limit.asset === asset ? (claimed.get(limit.subject) ?? []) : []));
}

const REMARKS = {
  condition: { en: 'its condition does not hold', 'zh-CN': '不满足条件' },
  zero: { en: 'the amount is too small', 'zh-CN': '金额未达到要求' },
  once: { en: 'it was given already', 'zh-CN': '本周期内已发放' },
  cap: { en: 'its cap is reached', 'zh-CN': '已达上限' },
  less: { en: 'less, because its cap is reached', 'zh-CN': '已达上限，部分发放' },
  budget: { en: 'its budget is spent', 'zh-CN': '预算已用完' },
  nothing: { en: 'it gives nothing', 'zh-CN': '未给予任何奖励' },
  fallback: {
    en: 'it could not answer, and nothing is given for that case',
    'zh-CN': '未能响应，按约定不给予',
  },
  refused: { en: 'no more of the benefit can be granted', 'zh-CN': '权益已达发放上限' },
} satisfies Record<string, LocalizedText>;

/** The decision of a rule whose benefits could not all be granted. */
export function withRefusedGrants(decision: Decision, grantedSome: boolean): Decision {
  const applies = grantedSome || decision.credits.length > 0;
  return { ...decision, outcome: ExplanationOutcome.CAPPED, applies, remark: REMARKS.refused };
}

/** Why a rule or an extension gave what it gave, in every language. */
export function explain(
  program: PinnedProgram,
  decision: Decision,
  credits: readonly ProposedCredit[],
): StoredExplanation {
  const { rule, extension, outcome } = decision;
  const nameIn = (language: 'en' | 'zh-CN'): string =>
    rule === null ? extension.name : (rule.name[language] ?? rule.code);
  const summary = {
    en: `${nameIn('en')}: ${words(program, decision, credits, 'en')}`,
    'zh-CN': `${nameIn('zh-CN')}：${words(program, decision, credits, 'zh-CN')}`,
  };
  if (rule === null) return { rule: null, ...referenceOf(extension), outcome, summary };
  return { rule: { code: rule.code, version: program.version }, extension: null, outcome, summary };
}

function referenceOf({
  name,
  version,
  replaces,
}: AnsweredExtension): Pick<StoredExplanation, 'extension' | 'replaces'> {
  return { extension: { name, version }, ...(replaces === false ? {} : { replaces }) };
}

function words(
  { assets, definition }: PinnedProgram,
  { rule, remark }: Decision,
  credits: readonly ProposedCredit[],
  language: 'en' | 'zh-CN',
): string {
  const parts = credits.map(
    ({ asset, amount }) => `+${amount} ${assets.get(asset)?.name[language] ?? asset}`,
  );
  if (remark !== null) parts.push(remark[language] ?? '');
  else if (rule !== null) {
    const nameOf = (code: string): string =>
      definition.benefits.find((benefit) => benefit.code === code)?.name[language] ?? code;
    for (const code of rule.grants ?? []) parts.push(nameOf(code));
    for (const code of rule.tags?.add ?? []) parts.push(`#${code}`);
    for (const code of rule.tags?.remove ?? []) parts.push(`−#${code}`);
  }
  return parts.join(language === 'en' ? ', ' : '，');
}
