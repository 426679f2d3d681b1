export { Tier, TierStatus } from './tier.entity.ts';
export { tierReached } from './tier.policy.ts';
export { TierResolver } from './tier.resolver.ts';
