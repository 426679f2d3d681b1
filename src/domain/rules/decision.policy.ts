import type { LocalizedText } from '../../kernel/localized.ts';
import { ExplanationOutcome, type StoredExplanation } from '../ledgers/index.ts';
import { type ClaimedLimit, leftOf } from '../limits/index.ts';
import type { PinnedProgram, RuleDefinition } from '../programs/index.ts';
import type { ProposedCredit, RuleLimit, RuleProposal } from './rule.policy.ts';

/** What a rule gives, now that its limits are known. */
export interface RuleDecision {
  readonly rule: RuleDefinition;
  readonly outcome: ExplanationOutcome;
  readonly credits: readonly ProposedCredit[];
  /** Whether its tags and grants are due. */
  readonly applies: boolean;
  /** Why it gives nothing, or less than it would. */
  readonly remark: LocalizedText | null;
}

export interface Decisions {
  readonly decisions: readonly RuleDecision[];
  /** What is to be counted of the limits. */
  readonly taken: readonly { readonly limit: ClaimedLimit; readonly amount: bigint }[];
}

type Claimed = ReadonlyMap<string, ClaimedLimit>;

/**
 * Decides what rules give: in their order, of each exclusive group the first that gives something, and of
 * each no more than its limits leave. Pure; `claimed` are the limits of the proposals, locked.
 */
export function decide(proposals: readonly RuleProposal[], claimed: readonly ClaimedLimit[]): Decisions {
  const bySubject: Claimed = new Map(claimed.map((limit) => [limit.subject, limit]));
  const taken = new Map<ClaimedLimit, bigint>();
  const groups = new Set<string>();
  const decisions = proposals.map((proposal): RuleDecision => {
    const { exclusive } = proposal.rule;
    if (proposal.miss !== null) return missed(proposal);
    if (exclusive !== undefined && groups.has(exclusive)) return outgone(proposal.rule, exclusive);
    const decision = limited(proposal, bySubject, taken);
    if (decision.applies && exclusive !== undefined) groups.add(exclusive);
    return decision;
  });
  return { decisions, taken: [...taken].map(([limit, amount]) => ({ limit, amount })) };
}

function missed({ rule, miss, failure }: RuleProposal): RuleDecision {
  const { NOT_MATCHED, ZERO } = ExplanationOutcome;
  const nothing = { rule, credits: [], applies: false };
  if (miss === 'CONDITION') return { ...nothing, outcome: NOT_MATCHED, remark: REMARKS.condition };
  if (miss === 'ZERO') return { ...nothing, outcome: ZERO, remark: REMARKS.zero };
  const why = (failure ?? '').replace(/\.$/, '');
  const remark = { en: `it could not be worked out (${why})`, 'zh-CN': `无法计算（${why}）` };
  return { ...nothing, outcome: NOT_MATCHED, remark };
}

function outgone(rule: RuleDefinition, group: string): RuleDecision {
  const remark = {
    en: `another rule of the group "${group}" went first`,
    'zh-CN': `同组“${group}”中的其他规则已优先生效`,
  };
  return { rule, outcome: ExplanationOutcome.NOT_MATCHED, credits: [], applies: false, remark };
}

function limited(
  { rule, credits, limits }: RuleProposal,
  claimed: Claimed,
  taken: Map<ClaimedLimit, bigint>,
): RuleDecision {
  const nothing = { rule, credits: [], applies: false };
  const once = limits.find(({ asset }) => asset === null);
  const occasion = once === undefined ? undefined : claimed.get(once.subject);
  const left = (limit: ClaimedLimit): bigint => leftOf(limit) - (taken.get(limit) ?? 0n);
  if (occasion !== undefined && left(occasion) <= 0n) {
    return { ...nothing, outcome: ExplanationOutcome.CAPPED, remark: REMARKS.once };
  }
  let isBudget = false;
  let isCapped = credits.some(({ isCut }) => isCut);
  const given = credits.flatMap((credit): ProposedCredit[] => {
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
  if (credits.length > 0 && given.length === 0) {
    const { BUDGET_EXHAUSTED, CAPPED } = ExplanationOutcome;
    return isBudget
      ? { ...nothing, outcome: BUDGET_EXHAUSTED, remark: REMARKS.budget }
      : { ...nothing, outcome: CAPPED, remark: REMARKS.cap };
  }
  if (occasion !== undefined) taken.set(occasion, (taken.get(occasion) ?? 0n) + 1n);
  const outcome = isCapped ? ExplanationOutcome.CAPPED : ExplanationOutcome.APPLIED;
  return { rule, outcome, credits: given, applies: true, remark: isCapped ? REMARKS.less : null };
}

function capsOf(limits: readonly RuleLimit[], asset: string, claimed: Claimed): ClaimedLimit[] {
  return limits.flatMap((limit) => (limit.asset === asset ? (claimed.get(limit.subject) ?? []) : []));
}

const REMARKS = {
  condition: { en: 'its condition does not hold', 'zh-CN': '不满足条件' },
  zero: { en: 'the amount is too small', 'zh-CN': '金额未达到要求' },
  once: { en: 'it was given already', 'zh-CN': '本周期内已发放' },
  cap: { en: 'its cap is reached', 'zh-CN': '已达上限' },
  less: { en: 'less, because its cap is reached', 'zh-CN': '已达上限，部分发放' },
  budget: { en: 'its budget is spent', 'zh-CN': '预算已用完' },
  refused: { en: 'no more of the benefit can be granted', 'zh-CN': '权益已达发放上限' },
} satisfies Record<string, LocalizedText>;

/** The decision of a rule whose benefits could not all be granted. */
export function withRefusedGrants(decision: RuleDecision, grantedSome: boolean): RuleDecision {
  const applies = grantedSome || decision.credits.length > 0;
  return { ...decision, outcome: ExplanationOutcome.CAPPED, applies, remark: REMARKS.refused };
}

/** Why a rule gave what it gave, in every language. */
export function explain(
  program: PinnedProgram,
  { rule, outcome, remark }: RuleDecision,
  credits: readonly ProposedCredit[],
): StoredExplanation {
  const summary = {
    en: `${rule.name.en ?? rule.code}: ${words(program, rule, credits, remark, 'en')}`,
    'zh-CN': `${rule.name['zh-CN'] ?? rule.code}：${words(program, rule, credits, remark, 'zh-CN')}`,
  };
  return { rule: { code: rule.code, version: program.version }, extension: null, outcome, summary };
}

function words(
  { assets, definition }: PinnedProgram,
  rule: RuleDefinition,
  credits: readonly ProposedCredit[],
  remark: LocalizedText | null,
  language: 'en' | 'zh-CN',
): string {
  const isOwn = remark === null || credits.length > 0;
  const amounts = credits.map(
    ({ asset, amount }) => `+${amount} ${assets.get(asset)?.name[language] ?? asset}`,
  );
  const benefits = (remark === null ? rule.grants : []).map(
    (code) => definition.benefits.find((benefit) => benefit.code === code)?.name[language] ?? code,
  );
  const tags = remark === null && isOwn ? (rule.tags?.add ?? []).map((code) => `#${code}`) : [];
  const untagged = remark === null && isOwn ? (rule.tags?.remove ?? []).map((code) => `−#${code}`) : [];
  const parts = [...amounts, ...benefits, ...tags, ...untagged];
  if (remark !== null) parts.push(remark[language] ?? '');
  return parts.join(language === 'en' ? ', ' : '，');
}
