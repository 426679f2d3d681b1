export { MemberTier, MetricDay } from './member-tier.entity.ts';
export { Tier, TierStatus } from './tier.entity.ts';
export { tierErrors } from './tier.errors.ts';
export { createTierLoaders, findTierAt, findTiers, type TierLoaders } from './tier.loaders.ts';
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
export { TierPreparation } from './tier-preparation.ts';
export { TierReview } from './tier-review.ts';
export { TierTracker } from './tier-tracker.ts';
export { TrackingLedgerWriter } from './tracking-ledger-writer.ts';
