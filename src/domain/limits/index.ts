export { type ClaimedLimit, type Limit, leftOf } from './limit.policy.ts';
export { claimLimits, claimLimitsOfMany, countLimits, mergeLimits } from './limit.repository.ts';
