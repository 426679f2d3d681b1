import type { PointsRuleInput } from '../../extension/index.ts';
import type { AskedMember, AskedTier } from './asked-facts.policy.ts';

/** A member as extensions are told about them. `publicId` is the member's, `tier` the primary ladder's. */
export function toldMember(
  { enrolledAt, tagCodes, birthday, gender, locale, region, channel, store, attributes }: AskedMember,
  publicId: string,
  tier: AskedTier | null,
): PointsRuleInput['member'] {
  return {
    id: publicId,
    enrolledAt: enrolledAt?.toISOString() ?? null,
    tier: { code: tier?.code ?? null, rank: tier?.rank ?? 0 },
    tags: [...tagCodes],
    ...{ birthday, gender, locale, region },
    source: { channel, store },
    attributes: { ...attributes },
  };
}
