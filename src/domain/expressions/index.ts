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
