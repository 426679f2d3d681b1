export { askRules } from './rule.policy.ts';
