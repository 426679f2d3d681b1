import type { Purchase } from './purchases.ts';
import type { Cap, MixedRule } from './rule-mix.ts';

/** What a rule gave: `code outcome asset amount…`. */
export type Told = string;

/** How much of a limit is used up before a purchase; the bench tells the product the same. */
export function usedOf(most: number, { usedPercent }: Purchase): number {
  return Math.floor((most * usedPercent) / 100);
}

/** What each rule gives for a purchase, by plain JavaScript that shares nothing with the product. */
export function expectedOf(rules: readonly MixedRule[], purchase: Purchase): Told[] {
  const groups = new Set<string>();
  const inOrder = rules.map((rule, place) => ({ rule, place }));
  inOrder.sort((a, b) => a.rule.order - b.rule.order || a.place - b.place);
  return inOrder.map(({ rule }) => {
    const told = tellOf(rule, purchase, groups);
    return `${rule.code} ${told}`;
  });
}

function tellOf(rule: MixedRule, purchase: Purchase, groups: Set<string>): string {
  const { plain, postings, once, caps, exclusive } = rule;
  if (!plain.holds(purchase)) return 'NOT_MATCHED';
  const amount = plain.gives(purchase);
  if (amount <= 0) return 'ZERO';
  if (exclusive !== undefined && groups.has(exclusive)) return 'NOT_MATCHED';
  if (once !== undefined && usedOf(1, purchase) >= 1) return 'CAPPED';
  const given = postings.map(({ asset }) => ({ asset, ...limited(amount, asset, caps, purchase) }));
  if (given.every((one) => one.amount === 0))
    return given.some(({ isSpent }) => isSpent) ? 'BUDGET_EXHAUSTED' : 'CAPPED';
  if (exclusive !== undefined) groups.add(exclusive);
  const outcome = given.some((one) => one.amount < amount) ? 'CAPPED' : 'APPLIED';
  const credits = given.filter((one) => one.amount > 0).map((one) => `${one.asset} ${one.amount}`);
  return [outcome, ...credits].join(' ');
}

/** What the caps of an asset leave of an amount, and whether the first that leaves nothing is everybody's. */
function limited(amount: number, asset: string, caps: readonly Cap[], purchase: Purchase) {
  const own = caps.filter((cap) => cap.asset === asset);
  const rests = own.map(({ most, per }) => ({ per, rest: most - usedOf(most, purchase) }));
  return {
    amount: Math.min(amount, ...rests.map(({ rest }) => rest)),
    isSpent: rests.find(({ rest }) => rest <= 0)?.per === 'program',
  };
}
