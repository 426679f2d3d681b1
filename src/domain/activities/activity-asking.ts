import {
  type ActivityValidateInput,
  type ActivityValidateOutput,
  type Answerers,
  type Asker,
  activityValidate,
  type GrowthRuleInput,
  type GrowthRuleOutput,
  growthRule,
  type PointsRuleInput,
  type PointsRuleOutput,
  pointsRule,
} from '../../extension/index.ts';
import { type ExpressionFacts, refuseWhereRefused } from '../expressions/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { type Proposal, proposedTogether, toProposal } from '../rules/index.ts';
import {
  type AskedActivity,
  type ProposedActivity,
  toPointsInput,
  toPointsQuestion,
  toQuestion,
  toValidateInput,
} from './activity-question.policy.ts';

/** Who answers what is asked about activities; each null where nobody does. */
export interface ActivityAnswerers {
  readonly validate: Answerers<ExpressionFacts, ActivityValidateInput, ActivityValidateOutput> | null;
  readonly points: Answerers<ExpressionFacts, PointsRuleInput, PointsRuleOutput> | null;
  readonly growth: Answerers<ExpressionFacts, GrowthRuleInput, GrowthRuleOutput> | null;
}

/** What activities are asked upon. */
interface Asked {
  readonly extensions: ActivityAnswerers | null;
  readonly now: Date;
}

/**
 * Null where nobody answers anything.
 * @param isOwn whether the product itself records them: then there is nothing to validate
 */
export async function findAnswerers(
  asker: Asker<ExpressionFacts>,
  tenantKey: string,
  isOwn: boolean,
): Promise<ActivityAnswerers | null> {
  const [validate, points, growth] = await Promise.all([
    isOwn ? null : asker.find(tenantKey, activityValidate),
    asker.find(tenantKey, pointsRule),
    asker.find(tenantKey, growthRule),
  ]);
  return validate === null && points === null && growth === null ? null : { validate, points, growth };
}

/**
 * Asks `activity.validate`.
 * @throws Refusal EXTENSION_REFUSED, EXTENSION_UNAVAILABLE
 */
export async function refuseInvalid(
  program: PinnedProgram,
  asked: AskedActivity,
  { extensions, now }: Asked,
): Promise<void> {
  const validate = extensions?.validate ?? null;
  if (validate === null) return;
  const question = { ...toQuestion(asked, now), enough: isRefusal };
  refuseWhereRefused(await validate.ask(toValidateInput(program, asked, now), question));
}

function isRefusal({ decision }: ActivityValidateOutput): boolean {
  return decision === 'REFUSE';
}

/**
 * What rules and extensions propose for an activity; where nobody answers, what the rules do.
 * @throws Refusal EXTENSION_UNAVAILABLE
 */
export async function withExtensions(
  program: PinnedProgram,
  asked: ProposedActivity,
  { extensions, now }: Asked,
): Promise<readonly Proposal[]> {
  if (extensions === null) return asked.proposals;
  const ofPoints = await proposed(program, asked, { by: extensions.points, now, inGrowth: null });
  const inGrowth = growthAssets(program);
  // After the others: uploaded code of one tenant runs one call at a time.
  const ofGrowth =
    inGrowth.length === 0 ? [] : await proposed(program, asked, { by: extensions.growth, now, inGrowth });
  return proposedTogether(asked.proposals, [...ofPoints, ...ofGrowth]);
}

/** What those who answer one of the two points propose. */
async function proposed(
  program: PinnedProgram,
  asked: ProposedActivity,
  {
    by,
    now,
    inGrowth,
  }: {
    readonly by: ActivityAnswerers['points' | 'growth'];
    readonly now: Date;
    /** The assets that `growth.rule` is about; null for `points.rule`. */
    readonly inGrowth: readonly string[] | null;
  },
): Promise<Proposal[]> {
  if (by === null) return [];
  const kind = inGrowth === null ? undefined : 'GROWTH';
  const question = toPointsQuestion(program, asked, { now, kind });
  const answers = await by.ask(toPointsInput(program, asked, { now, assets: inGrowth }), question);
  return answers.map(({ extension, isFallback, output: { postings, replace = false } }) => {
    const given = { extension, isFallback, postings, replaces: replace && (inGrowth ?? true) };
    return toProposal(program, given, asked.member.memberKey);
  });
}

function growthAssets({ definition: { assets } }: PinnedProgram): string[] {
  return assets.filter(({ kind }) => kind === 'GROWTH').map(({ code }) => code);
}
