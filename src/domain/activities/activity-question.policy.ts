import type {
  ActivityValidateInput,
  PointsRuleInput,
  PointsRuleOutput,
  Question,
} from '../../extension/index.ts';
import { toPublicId } from '../../kernel/ids.ts';
import { fromMinorUnits } from '../../kernel/money.ts';
import { type AskedMember, type AskedTier, type ExpressionFacts, toldMember } from '../expressions/index.ts';
import { judgePostings } from '../ledgers/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import type { Proposal } from '../rules/index.ts';
import type { NewActivity } from './activity.repository.ts';
import { toLines } from './refund.policy.ts';

/** What extensions are asked about: an activity, before it is recorded. */
export interface AskedActivity {
  readonly activity: Omit<NewActivity, 'storedExplanations'>;
  readonly member: AskedMember;
  /** In the primary ladder; null without one. */
  readonly tier: AskedTier | null;
  /** Whom canaries are drawn by. */
  readonly subject: string;
  readonly idempotencyKey: string;
  readonly isDryRun: boolean;
  readonly facts: () => ExpressionFacts;
}

/** The same, once the program's rules were asked about it, and before they are settled. */
export interface ProposedActivity extends AskedActivity {
  readonly proposals: readonly Proposal[];
}

/** An activity, as extensions are told about it. */
function told(
  { definition: { currency } }: PinnedProgram,
  { activity }: AskedActivity,
  now: Date,
): PointsRuleInput['activity'] {
  const moneyOf = (minor: bigint) => ({ value: fromMinorUnits(minor, currency), currency });
  const { amountMinor, orderNumber, channel, store } = activity;
  const lines = toLines(activity.orderLines).map(({ amount, ...line }) => {
    return { ...line, amount: moneyOf(amount) };
  });
  return {
    id: toPublicId('activity', activity.activityKey),
    type: activity.type,
    occurredAt: (activity.occurredAt ?? now).toISOString(),
    amount: amountMinor === null ? null : moneyOf(amountMinor),
    order: orderNumber === null ? null : { number: orderNumber, lines },
    source: { channel, store },
  };
}

export function toValidateInput(
  program: PinnedProgram,
  asked: AskedActivity,
  now: Date,
): ActivityValidateInput {
  const { member, tier } = asked;
  return {
    activity: told(program, asked, now),
    member: toldMember(member, toPublicId('member', member.memberKey), tier),
  };
}

/** @param assets in which what the rules propose is told; null = all of them */
export function toPointsInput(
  program: PinnedProgram,
  asked: ProposedActivity,
  { now, assets }: { readonly now: Date; readonly assets: readonly string[] | null },
): PointsRuleInput {
  return {
    ...toValidateInput(program, asked, now),
    proposed: asked.proposals.flatMap(({ rule, credits }) =>
      credits
        .filter(({ asset }) => assets === null || assets.includes(asset))
        .map(({ asset, amount }) => ({ rule: rule?.code ?? '', asset, amount: String(amount) })),
    ),
  };
}

/** What every question about an activity says. */
export function toQuestion(
  { subject, idempotencyKey, isDryRun, facts }: AskedActivity,
  now: Date,
): Omit<Question<ExpressionFacts, never>, 'judge' | 'enough'> {
  return { mode: isDryRun ? 'DRY_RUN' : 'LIVE', idempotencyKey, subject, now, facts };
}

export function toPointsQuestion(
  program: PinnedProgram,
  asked: ProposedActivity,
  { now, kind }: { readonly now: Date; readonly kind: 'GROWTH' | undefined },
): Question<ExpressionFacts, PointsRuleOutput> {
  const { occurredAt } = asked.activity;
  return {
    ...toQuestion(asked, now),
    judge: ({ postings }, limits) => judgePostings(program, postings, limits, { now, occurredAt, kind }),
  };
}
