import { z } from 'zod';
import {
  answers,
  type CallContext,
  definePlugin,
  type PointsRuleInput,
  type PointsRuleOutput,
  pointsRule,
} from '../../src/extension/index.ts';

/** What a ledger can hold at most. */
const MOST_POINTS = 9_223_372_036_854_775_807n;

const configuration = z.strictObject({
  stores: z
    .record(z.string().min(1).max(100), z.string().regex(/^[1-9]\d{0,3}(\.\d{1,4})?$/))
    .default({})
    .describe('By what each store multiplies, e.g. { "shanghai-01": "1.5" }; 1 for those that are missing.'),
  assets: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/))
    .max(16)
    .default(['points'])
    .describe('What is multiplied.'),
  most: z
    .string()
    .regex(/^[1-9]\d{0,17}$/)
    .nullable()
    .default(null)
    .describe('The most that is added in an asset for one activity; null = without limit.'),
});

type Settings = z.infer<typeof configuration>;

/** A decimal as a fraction: "1.25" is 125 / 100. */
function toFraction(decimal: string): readonly [numerator: bigint, denominator: bigint] {
  const [whole = '', decimals = ''] = decimal.split('.');
  return [BigInt(whole + decimals), 10n ** BigInt(decimals.length)];
}

function least(...[first, ...others]: [bigint, ...bigint[]]): bigint {
  return others.reduce((low, one) => (one < low ? one : low), first);
}

function answer(
  { activity, proposed }: PointsRuleInput,
  { stores, assets, most }: Settings,
): PointsRuleOutput {
  const store = activity.source.store ?? '';
  const multiplier = Object.hasOwn(stores, store) ? stores[store] : undefined;
  if (multiplier === undefined) return { postings: [] };
  const [numerator, denominator] = toFraction(multiplier);
  const highest = most === null ? MOST_POINTS : BigInt(most);
  const postings = [...new Set(assets)].flatMap((asset) => {
    // Rounded down once, not for each rule: three rules that give 1 point each make 4 at 1.5, and not 3.
    const own = proposed.filter((one) => one.asset === asset).map(({ amount }) => BigInt(amount));
    const sum = own.reduce((total, amount) => total + amount, 0n);
    const more = least((sum * (numerator - denominator)) / denominator, highest, MOST_POINTS);
    return more > 0n ? [{ asset, amount: String(more), reason: `×${multiplier} at ${store}` }] : [];
  });
  return { postings };
}

/** Some stores give more: what the program's rules propose, times what a store multiplies by. */
export const plugin = definePlugin({
  id: 'store-multiplier',
  version: 1,
  description: 'Answers points.rule: adds to what the rules propose, by a multiplier for each store.',
  configuration,
  answers: [
    answers(pointsRule, (input, context: CallContext<Settings>) => answer(input, context.configuration)),
  ],
});
