import type { LadderDefinition } from '../programs/index.ts';
import type { Tier } from './tier.entity.ts';

/**
 * The tier that a value of the ladder's metric reaches: the highest whose threshold it meets; null below
 * all.
 */
export function tierReached(ladder: LadderDefinition, value: bigint): Tier | null {
  let reached: Tier | null = null;
  ladder.tiers.forEach(({ code, name, threshold }, index) => {
    if (value >= BigInt(threshold)) reached = { code, names: name, rank: index + 1 };
  });
  return reached;
}
