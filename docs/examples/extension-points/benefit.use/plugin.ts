import { answers, type BenefitUseOutput, benefitUse, definePlugin } from '../../../../src/extension/index.ts';

/** The voucher of a cake is the last part of its order's number. */
export const plugin = definePlugin({
  id: 'gift-vouchers',
  version: 1,
  description: 'Answers benefit.use: a gift goes with an order, and has its voucher.',
  answers: [
    answers(benefitUse, ({ effect, order }): BenefitUseOutput => {
      if (effect.kind !== 'GIFT') return { decision: 'APPROVE' };
      if (order === null) return { decision: 'REFUSE', reason: 'A gift goes with an order.' };
      return { decision: 'APPROVE', value: `${effect.value}/voucher-${order.number.split('-').at(-1)}` };
    }),
  ],
});
