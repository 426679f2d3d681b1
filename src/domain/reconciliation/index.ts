export { MirrorCheck, MirrorPlace } from './mirror-check.entity.ts';
export { MirrorDifference } from './mirror-difference.entity.ts';
export { type MirrorOutcome, Reconciler, type ReconcilerParts } from './reconciler.ts';
export {
  MirrorDifferenceResolver,
  ProgramReconciliationResolver,
  ReconciliationResolver,
} from './reconciliation.resolver.ts';
export { ReconciliationService } from './reconciliation.service.ts';
