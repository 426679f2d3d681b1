export {
  type AskedMember,
  type AskedTier,
  type Happening,
  toFacts,
  toOrderFacts,
} from './asked-facts.policy.ts';
export {
  type CompiledExpression,
  checkAmount,
  checkCondition,
  compileAmount,
  compileCondition,
} from './expression.policy.ts';
export type { Rounding } from './expression-environment.ts';
export type { ExpressionFinding } from './expression-findings.ts';
export { type ExpressionScope, scopeOf } from './expression-scope.ts';
export { type ExpressionFacts, restoreFacts, type StoredFacts, storeFacts } from './facts.policy.ts';
export { refuseWhereRefused } from './refusing-answer.policy.ts';
export { toldMember } from './told-member.policy.ts';
