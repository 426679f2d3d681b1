export { type ClaimedLimit, type Limit, leftOf } from './limit.policy.ts';
export { claimLimits, countLimits } from './limit.repository.ts';
