export {
  type AssetDefinition,
  dailyLimit,
  type ExpiryDefinition,
  isExternal,
  moneyOf,
  PORTIONS,
  type Portion,
  rateOf,
  type StoredValueDefinition,
  storedValueOf,
} from './asset.schema.ts';
export { type Effect, effectFault } from './effect.policy.ts';
export { fromMetricUnits, type Metric, parseMetric, toMetricUnits } from './metric.policy.ts';
export { Asset, Program, ProgramVersion } from './program.entity.ts';
export { programErrors } from './program.errors.ts';
export { formatProgram, parseProgram } from './program.file.ts';
export { AssetResolver, ProgramResolver } from './program.resolver.ts';
export type {
  BenefitDefinition,
  LadderDefinition,
  LimitWindow,
  ProgramDefinition,
  RuleDefinition,
  TierDefinition,
} from './program.schema.ts';
export { TIER_WINDOWS } from './program.schema.ts';
export {
  assetOf,
  type PinnedProgram,
  type ProgramListener,
  ProgramService,
  toAsset,
} from './program.service.ts';
export { type CommitFacts, type CommitListener, type UseCase, UseCaseRunner } from './use-case.ts';
