import { activityValidate } from './activity-validate.ts';
import { benefitRule } from './benefit-rule.ts';
import { benefitUse } from './benefit-use.ts';
import type { ExtensionPoint } from './extension-point.ts';
import { growthRead } from './growth-read.ts';
import { growthRule } from './growth-rule.ts';
import { memberCode } from './member-code.ts';
import { memberCreate } from './member-create.ts';
import { memberRead } from './member-read.ts';
import { memberUpdate } from './member-update.ts';
import { pointsChange } from './points-change.ts';
import { pointsExpire } from './points-expire.ts';
import { pointsHold } from './points-hold.ts';
import { pointsRead } from './points-read.ts';
import { pointsRedeem } from './points-redeem.ts';
import { pointsRelease } from './points-release.ts';
import { pointsReverse } from './points-reverse.ts';
import { pointsRule } from './points-rule.ts';
import { storedValueTopUp } from './storedvalue-topup.ts';
import { tierEvaluate } from './tier-evaluate.ts';
import { tierList } from './tier-list.ts';
import { tierSet } from './tier-set.ts';

/** Every extension point that there is, each in its newest version; older ones hang on them. */
export const extensionPoints: readonly ExtensionPoint[] = [
  memberCreate,
  memberUpdate,
  memberCode,
  memberRead,
  activityValidate,
  pointsRule,
  growthRule,
  benefitRule,
  pointsRedeem,
  pointsHold,
  pointsRelease,
  pointsReverse,
  pointsExpire,
  pointsChange,
  benefitUse,
  storedValueTopUp,
  tierEvaluate,
  tierSet,
  tierList,
  pointsRead,
  growthRead,
];
