export { askRules, type Happening, type ProposedCredit } from './rule.policy.ts';
