export type { ActOutput, ToldAct } from './act-shapes.ts';
export {
  type ActivityValidateInput,
  type ActivityValidateOutput,
  activityValidate,
} from './activity-validate.ts';
export type { Answer, Answerers, Asker, Question } from './asking.ts';
export { type BenefitRuleInput, type BenefitRuleOutput, benefitRule } from './benefit-rule.ts';
export { type BenefitUseInput, type BenefitUseOutput, benefitUse } from './benefit-use.ts';
export {
  DEADLINE_MS,
  defineExtensionPoint,
  type ExtensionPoint,
  type FailurePolicy,
  FIRST_VERSION,
  type PointKind,
} from './extension-point.ts';
export { type GrowthReadInput, type GrowthReadOutput, growthRead } from './growth-read.ts';
export { type GrowthRuleInput, type GrowthRuleOutput, growthRule } from './growth-rule.ts';
export { impliedRegistrations } from './implied.ts';
export { type MemberCodeInput, type MemberCodeOutput, memberCode } from './member-code.ts';
export { type MemberCreateInput, type MemberCreateOutput, memberCreate } from './member-create.ts';
export {
  type MemberReadInput,
  type MemberReadOutput,
  MOST_MEMBERS_READ,
  memberRead,
  type SuppliedProfile,
} from './member-read.ts';
export { type MemberUpdateInput, type MemberUpdateOutput, memberUpdate } from './member-update.ts';
export {
  type Answerer,
  answers,
  type CallContext,
  definePlugin,
  type Message,
  type Plugin,
} from './plugin.ts';
export {
  EXTENDABLE_ROOTS,
  EXTENDABLE_TYPES,
  type FieldContext,
  type JobContext,
  type ObjectField,
  type PartContext,
  type PluginEvent,
  type PluginJob,
  type PluginListener,
  type PluginMigration,
  type PluginSchema,
  type PluginSql,
  type PluginTables,
  type RootField,
} from './plugin-parts.ts';
export { extensionPoints } from './points.ts';
export { type PointsChangeInput, type PointsChangeOutput, pointsChange } from './points-change.ts';
export { type PointsExpireInput, type PointsExpireOutput, pointsExpire } from './points-expire.ts';
export { type PointsHoldInput, type PointsHoldOutput, pointsHold } from './points-hold.ts';
export { type PointsReadInput, type PointsReadOutput, pointsRead } from './points-read.ts';
export { type PointsRedeemInput, type PointsRedeemOutput, pointsRedeem } from './points-redeem.ts';
export { type PointsReleaseInput, type PointsReleaseOutput, pointsRelease } from './points-release.ts';
export { type PointsReverseInput, type PointsReverseOutput, pointsReverse } from './points-reverse.ts';
export { type PointsRuleInput, type PointsRuleOutput, pointsRule } from './points-rule.ts';
export type {
  CallMode,
  CallOutcome,
  CallRecord,
  CallRecorder,
  CheckedDraft,
  CodeDraft,
  Difference,
  Fault,
  PostingLimit,
  Registration,
  Registrations,
  Revision,
  RevisionCode,
  Secrets,
  Stage,
  Workbench,
} from './registration.ts';
export {
  type StoredValueTopUpInput,
  type StoredValueTopUpOutput,
  storedValueTopUp,
} from './storedvalue-topup.ts';
export { type TierEvaluateInput, type TierEvaluateOutput, tierEvaluate } from './tier-evaluate.ts';
export { type TierListInput, type TierListOutput, tierList } from './tier-list.ts';
export { type TierSetInput, type TierSetOutput, tierSet } from './tier-set.ts';
