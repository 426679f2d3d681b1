import { z } from 'zod';
import {
  answers,
  type BenefitRuleInput,
  type BenefitRuleOutput,
  benefitRule,
  definePlugin,
  growthRead,
  type MemberCreateInput,
  type MemberCreateOutput,
  memberCreate,
  memberRead,
  type PointsRuleInput,
  type PointsRuleOutput,
  pointsChange,
  pointsExpire,
  pointsHold,
  pointsRead,
  pointsRedeem,
  pointsRelease,
  pointsReverse,
  pointsRule,
} from '../../src/extension/index.ts';
import { customerOf, type Known, keptAccount, knownOf } from './accounts.ts';
import { ask, type Context, isAsked, isGated, mayAct } from './endpoint.ts';
import { hold, redeem, release, result, reverse } from './points-acts.ts';
import { tellExpired } from './points-expired.ts';
import { readProfiles } from './profiles.ts';
import { readGrowth, readPoints } from './record-reads.ts';
import { changeRecord } from './records.ts';
import {
  branchOf,
  configuration,
  EVENT,
  type Method,
  OPERATION,
  type Settings,
  toAmount,
} from './settings.ts';

/** Longer than most: two endpoints may be asked, one after the other. */
const DEADLINE_MS = 3_000;

const created = z.object({ success: z.boolean() });
const coreBenefit = z.object({ postageFreeFlag: z.boolean() });

/** Codes of the platform. */
const GENDERS: Readonly<Record<string, number>> = { MALE: 1, FEMALE: 2 };
const UNKNOWN_GENDER = 0;
const OPERATIONS: Readonly<Record<string, number>> = OPERATION;

/** Enrols at the enterprise first: whom it refuses doesn't become a member here. */
async function enrol(input: MemberCreateInput, context: Context): Promise<MemberCreateOutput> {
  const { configuration: settings } = context;
  const methods = (['CreateCustomerExtPoint.execute', 'CreateMemberExtPoint.execute'] as const).filter(
    (method) => isAsked(settings, method),
  );
  const known = knownOf(input.identities, settings);
  if (known === null && methods.length > 0)
    throw new Error(`None of the identities is one of ${settings.accounts.join(', ')}.`);
  if (known === null || Object.keys(settings.paths).length === 0) return { decision: 'APPROVE' };
  for (const method of methods.filter((one) => mayAct(context, one))) {
    const reply = await ask(context, method, toCreation(method, input, known, settings), created);
    if ('refusal' in reply) return { decision: 'REFUSE', reason: reply.refusal };
    if (!reply.data.success) return { decision: 'REFUSE' };
  }
  return { decision: 'APPROVE', attributes: { [settings.attribute]: known.account } };
}

function toCreation(
  method: Method,
  { profile, source }: MemberCreateInput,
  { account, mobile, countryCode, yzOpenId, email }: Known,
  settings: Settings,
): Record<string, unknown> {
  const { kdtId } = settings;
  const branch = branchOf(settings, source.store);
  const told = {
    registerMobile: mobile,
    name: profile.displayName ?? undefined,
    gender: GENDERS[profile.gender ?? ''] ?? UNKNOWN_GENDER,
    birthday: profile.birthday ?? undefined,
    email,
    ascriptionKdtId: branch,
  };
  const customerIdentifyDTO = { ...account, kdtId, mobile, yzOpenId, nodeKdtId: branch };
  if (method === 'CreateCustomerExtPoint.execute')
    return { customerIdentifyDTO, customerProfileCreateDTO: told };
  const memberProfileCreateDTO = { ...told, countryCode, memberSourceKdtId: branch };
  return { customerIdentifyDTO, memberProfileCreateDTO };
}

/** Asks before points are given: the enterprise may have all dropped that the rules propose. */
async function increase(
  { activity, member, proposed }: PointsRuleInput,
  context: Context,
): Promise<PointsRuleOutput> {
  const method = 'IncreasePointsExtPoint.invoke';
  const { configuration: settings, idempotencyKey } = context;
  if (!isAsked(settings, method)) return { postings: [] };
  const amount = proposed
    .filter(({ asset }) => isGated(settings, asset))
    .reduce((sum, one) => sum + BigInt(one.amount), 0n);
  if (amount <= 0n || !mayAct(context, method)) return { postings: [] };
  const request = {
    extCustomerInfoDTO: customerOf(member.attributes, settings),
    amount: toAmount(amount),
    description: activity.type,
    eventType: activity.order === null ? EVENT.activity : EVENT.trade,
    bizValue: idempotencyKey,
    extraInfo: activity.order === null ? {} : { orderNumber: activity.order.number },
    kdtId: settings.kdtId,
    nodeId: branchOf(settings, activity.source.store),
    operationType: OPERATIONS[activity.type],
  };
  const reply = await ask(context, method, request, result);
  const isRefused = 'refusal' in reply || !reply.data.data;
  return isRefused ? { postings: [], replace: true } : { postings: [] };
}

/** Asks whether somebody has the right that the enterprise decides about: free shipping. */
async function decide(
  { benefit, member, grant }: BenefitRuleInput,
  context: Context,
): Promise<BenefitRuleOutput> {
  const method = 'BenefitPluginExtPoint.getCoreBenefit';
  const { configuration: settings } = context;
  const { benefits, kdtId } = settings;
  const isDecided =
    benefits.length === 0 ? benefit.kind === 'FREE_SHIPPING' : benefits.includes(benefit.code);
  if (!isDecided || !isAsked(settings, method)) return { eligible: true };
  const account = keptAccount(member.attributes, settings);
  const reply = await ask(context, method, { kdtId, ...account }, coreBenefit);
  if ('refusal' in reply) return { eligible: false, reason: reply.refusal };
  if (!reply.data.postageFreeFlag) {
    const reason = member.locale?.startsWith('zh') ? '该会员不享受包邮。' : 'This member ships at a price.';
    return { eligible: false, reason };
  }
  if (grant === null || grant === undefined) return { eligible: true };
  const value = benefit.kind === 'FREE_SHIPPING' ? (benefit.value ?? '') : '';
  return { eligible: true, effect: { kind: 'FREE_SHIPPING', value } };
}

/** Keeps in use what an enterprise wrote for the extension points of Youzan Cloud's SCRM. */
export const plugin = definePlugin({
  id: 'youzan-adapter',
  version: 3,
  description:
    'Answers questions about new members, points and benefits by asking endpoints that were written for ' +
    'the extension points of Youzan Cloud’s SCRM.',
  configuration,
  deadlineMs: DEADLINE_MS,
  answers: [
    answers(memberCreate, enrol),
    answers(memberRead, readProfiles),
    answers(pointsRule, increase),
    answers(pointsRedeem, redeem),
    answers(pointsHold, hold),
    answers(pointsRelease, release),
    answers(pointsReverse, reverse),
    answers(pointsExpire, tellExpired),
    answers(pointsChange, changeRecord),
    answers(pointsRead, readPoints),
    answers(growthRead, readGrowth),
    answers(benefitRule, decide),
  ],
});
