import { newKey } from '../../kernel/ids.ts';
import type { Transaction } from '../../persistence/index.ts';
import type { BenefitDefinition, LadderDefinition, PinnedProgram } from '../programs/index.ts';
import { GrantSource } from './grant.entity.ts';
import { insertNew, type StoredGrant } from './grant.repository.ts';
import { type GrantContext, newGrant } from './grant-writer.ts';
import { endGrants, type HeldGrant, type HeldTier, lockHeldBenefits } from './tier-grant.repository.ts';

/**
 * Keeps the grants of tiers as the tiers are: there while one carries the benefit, revoked when none does. A
 * tier's grant that was revoked by hand stays in its place until no tier carries the benefit any more, so it
 * comes back only when one is reached anew.
 */
export class TierGrants {
  /** The tiers of these members have changed: what the tiers' domain calls. */
  async changed(tx: Transaction, context: GrantContext, memberKeys: readonly string[]): Promise<void> {
    await this.reconcile(tx, context, memberKeys);
  }

  /**
   * Grants what tiers carry and nobody was granted for it, and ends what none carries any more: four
   * statements, however many members. A tier takes neither limits nor stock.
   */
  async reconcile(
    tx: Transaction,
    { tenantKey, program, now }: GrantContext,
    memberKeys: readonly string[],
  ): Promise<void> {
    if (memberKeys.length === 0) return;
    const members = [...new Set(memberKeys)];
    const { held, tiers } = await lockHeldBenefits(tx, tenantKey, members);
    const tiersOf = Map.groupBy(tiers, ({ memberKey }) => memberKey);
    const heldBy = Map.groupBy(held, ({ memberKey }) => memberKey);
    const missing: StoredGrant[] = [];
    const ended: HeldGrant[] = [];
    for (const memberKey of members) {
      const carried = carriedBenefits(program, tiersOf.get(memberKey) ?? []);
      const own = heldBy.get(memberKey) ?? [];
      ended.push(...own.filter(({ benefitCode }) => !carried.has(benefitCode)));
      const known = new Set(own.map(({ benefitCode }) => benefitCode));
      for (const [code, definition] of carried) {
        if (!known.has(code)) missing.push(tierGrant(definition, { tenantKey, memberKey, now }));
      }
    }
    await Promise.all([insertNew(tx, tenantKey, missing, now), endGrants(tx, tenantKey, ended, now)]);
  }
}

/** What a member's tiers carry, over all ladders, by the benefit's code. */
function carriedBenefits(
  { definition: { ladders, benefits } }: PinnedProgram,
  held: readonly HeldTier[],
): Map<string, BenefitDefinition> {
  const carried = new Set(ladders.flatMap((ladder) => tierIn(ladder, held)?.benefits ?? []));
  return new Map(benefits.flatMap((one) => (carried.has(one.code) ? [[one.code, one] as const] : [])));
}

/** The tier held in a ladder; who has no row there is in the lowest one, if that asks nothing. */
function tierIn(
  { code, tiers }: LadderDefinition,
  held: readonly HeldTier[],
): LadderDefinition['tiers'][number] | undefined {
  const row = held.find(({ ladder }) => ladder === code);
  if (row !== undefined) return tiers.find((tier) => tier.code === row.tier);
  const [lowest] = tiers;
  return lowest !== undefined && Number(lowest.threshold) === 0 ? lowest : undefined;
}

function tierGrant(
  definition: BenefitDefinition,
  { tenantKey, memberKey, now }: { tenantKey: string; memberKey: string; now: Date },
): StoredGrant {
  return {
    ...newGrant(definition, now),
    tenantKey,
    grantKey: newKey(),
    memberKey,
    benefitCode: definition.code,
    source: GrantSource.TIER,
    reason: null,
    rule: null,
    activityKey: null,
    grantedBy: null,
    tierHeld: true,
    takesStock: false,
    validFrom: now,
    validUntil: null,
  };
}
