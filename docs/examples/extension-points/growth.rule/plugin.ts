import { answers, definePlugin, type GrowthRuleOutput, growthRule } from '../../../../src/extension/index.ts';

const FASTER_FROM_RANK = 2;

/** From the second tier on, growth comes half as fast again. */
export const plugin = definePlugin({
  id: 'faster-growth',
  version: 1,
  description: 'Answers growth.rule: from the second tier on, growth comes half as fast again.',
  answers: [
    answers(growthRule, ({ member, proposed }): GrowthRuleOutput => {
      if (member.tier.rank < FASTER_FROM_RANK) return { postings: [] };
      const sum = proposed.reduce((total, { amount }) => total + BigInt(amount), 0n);
      if (sum === 0n) return { postings: [] };
      const amount = String((sum * 3n) / 2n);
      return { postings: [{ asset: 'growth', amount, reason: 'gold grows faster' }], replace: true };
    }),
  ],
});
