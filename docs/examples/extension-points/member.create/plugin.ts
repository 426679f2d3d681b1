import {
  answers,
  definePlugin,
  type MemberCreateOutput,
  memberCreate,
} from '../../../../src/extension/index.ts';

/** Whom the old card system knew, by phone. */
const OLD_CARDS = new Map([['+8613800138000', 'C-2041']]);

/** Whoever had a card of the old system keeps its number. */
export const plugin = definePlugin({
  id: 'old-cards',
  version: 1,
  description: 'Answers member.create: new members keep the number of their old card.',
  answers: [
    answers(memberCreate, ({ identities }): MemberCreateOutput => {
      const numbers = identities.flatMap(({ value }) => OLD_CARDS.get(value) ?? []);
      const [crmId] = numbers;
      if (crmId === undefined) return { decision: 'APPROVE' };
      return { decision: 'APPROVE', tags: ['from-crm'], attributes: { crmId } };
    }),
  ],
});
