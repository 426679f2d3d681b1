export { AuditService, type Breaches } from './audit.service.ts';
export { describeBreach } from './breach.ts';
export type { BreachRow } from './law.ts';
export { LAWS } from './laws.ts';
export { LegDay, LegRollUp } from './leg-day.entity.ts';
export type { Liability } from './liability.repository.ts';
export { ChainedOperation } from './operation-chain.entity.ts';
export { ProofKeeper } from './proof-keeper.ts';
export type { AssetTotals } from './rebuild.repository.ts';
