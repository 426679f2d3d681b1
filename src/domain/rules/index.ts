export { rulesFor } from './compiled-rules.ts';
export { decide } from './decision.policy.ts';
export { type AskedMember, type AskedTier, type Happening, toFacts, toOrderFacts } from './facts.policy.ts';
export { askRules, type RuleProposal } from './rule.policy.ts';
export {
  type AnsweredOccasion,
  operationKeysOf,
  RuleEffects,
  type RuleResults,
  type StoredOperations,
  storedOperations,
  whenKnown,
} from './rule-effects.ts';
