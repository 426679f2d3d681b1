import type { Ladder } from './ladder.policy.ts';
import { bestOf, type HeldTier, raised, type Sums } from './tier.policy.ts';
import { sumOf } from './tier-window.policy.ts';
import type { Contribution } from './tier-write.repository.ts';

/** What an act raised somebody to. */
export interface Rise {
  readonly act: string;
  readonly from: string | null;
  readonly next: HeldTier;
}

/**
 * How a member rises in a ladder by what they contributed, one act after the other, in the order of the acts'
 * keys. What each act found is worked out backwards from what all of them have come to.
 * @param standing after all contributions
 * @param contributions the member's, to this ladder and others; null where something else may have raised it
 */
export function raisedByActs(
  ladder: Ladder,
  standing: HeldTier & Sums & { readonly enrolledAt: Date },
  contributions: readonly Contribution[] | null,
  { now, timeZone }: { readonly now: Date; readonly timeZone: string },
): Rise[] {
  const own = contributions?.filter(({ metric }) => metric === ladder.definition.metric) ?? [];
  const acts = Map.groupBy(own, ({ act = '' }) => act);
  const keys = contributions === null ? [''] : [...acts.keys()].sort();
  const sums = [{ current: standing.current, previous: standing.previous }];
  // Each act but the first is taken off again; where there is one, nothing is to be worked out.
  const [, ...later] = keys;
  const sumFor =
    later.length === 0 ? null : sumOf(ladder, { now, enrolledAt: standing.enrolledAt, timeZone });
  for (const key of later.reverse()) {
    const left = { ...(sums[0] ?? standing) };
    for (const { amount, countsAt } of acts.get(key) ?? []) {
      const sum = sumFor?.(countsAt ?? now) ?? null;
      if (sum !== null) left[sum] -= amount;
    }
    sums.unshift({ current: left.current, previous: left.previous });
  }
  const rises: Rise[] = [];
  let held: HeldTier = standing;
  for (const [index, act] of keys.entries()) {
    const next = raised(ladder, held, bestOf(sums[index] ?? standing), now);
    if (next === null) continue;
    rises.push({ act, from: held.tier, next });
    held = next;
  }
  return rises;
}
