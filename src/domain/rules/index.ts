export { rulesFor } from './compiled-rules.ts';
export { decide } from './decision.policy.ts';
export { proposedTogether, toProposal } from './extension.policy.ts';
export { ruleErrors } from './rule.errors.ts';
export { askRules, type Proposal } from './rule.policy.ts';
export {
  type AnsweredOccasion,
  operationKeysOf,
  RuleEffects,
  type RuleResults,
  type StoredOperations,
  storedOperations,
  whenKnown,
} from './rule-effects.ts';
