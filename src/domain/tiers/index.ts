export { isPrimaryTier } from './ladder.policy.ts';
export { MemberTier, MetricDay } from './member-tier.entity.ts';
export { Tier, TierStatus } from './tier.entity.ts';
export { tierErrors } from './tier.errors.ts';
export { createTierLoaders, findTierAt, type TierLoaders, tierFinder } from './tier.loaders.ts';
export { SetTierPayload } from './tier.payloads.types.ts';
export { TierChangeResolver, TierLadderResolver, TierResolver } from './tier.resolver.ts';
export { TierService } from './tier.service.ts';
export { heldStatus, heldTier, newcomersStanding, storedTier } from './tier.snapshot.ts';
export {
  announceChanges,
  findUnannounced,
  type UnannouncedChange,
} from './tier-announcement.repository.ts';
export { TierChange, TierChangeConnection } from './tier-change.entity.ts';
export { TierDue } from './tier-due.entity.ts';
export { TierEvaluation } from './tier-evaluation.ts';
export { TierListResolver } from './tier-list.resolver.ts';
export { TierLists } from './tier-list.service.ts';
export { TierMarks } from './tier-marks.ts';
export { TierPreparation } from './tier-preparation.ts';
export { TierReview } from './tier-review.ts';
export { type GivenTier, TierTracker } from './tier-tracker.ts';
export { TrackingLedgerWriter } from './tracking-ledger-writer.ts';
