import {
  answers,
  type BenefitRuleOutput,
  benefitRule,
  definePlugin,
} from '../../../../src/extension/index.ts';

const CAKE = 'birthday-cake';
const FROM_RANK = 2;

/** From the second tier on, the cake is a larger one. */
export const plugin = definePlugin({
  id: 'larger-cake',
  version: 1,
  description: 'Answers benefit.rule: from the second tier on, the birthday cake is a larger one.',
  answers: [
    answers(benefitRule, ({ benefit, member }): BenefitRuleOutput => {
      if (benefit.code !== CAKE || member.tier.rank < FROM_RANK) return { eligible: true };
      return { eligible: true, effect: { kind: 'GIFT', value: 'cake-8-inch' } };
    }),
  ],
});
