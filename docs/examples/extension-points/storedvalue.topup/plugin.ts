import {
  answers,
  definePlugin,
  type StoredValueTopUpOutput,
  storedValueTopUp,
} from '../../../../src/extension/index.ts';

const FROM_RANK = 2;

/** A tenth on top from the second tier on. */
export const plugin = definePlugin({
  id: 'gold-top-up',
  version: 1,
  description: 'Answers storedvalue.topup: a tenth on top from the second tier on.',
  answers: [
    answers(storedValueTopUp, ({ member, asset, paid }): StoredValueTopUpOutput => {
      const bonus = BigInt(paid) / 10n;
      if (member.tier.rank < FROM_RANK || bonus === 0n) return { decision: 'APPROVE' };
      return { decision: 'APPROVE', postings: [{ asset, amount: String(bonus), reason: 'gold-top-up' }] };
    }),
  ],
});
