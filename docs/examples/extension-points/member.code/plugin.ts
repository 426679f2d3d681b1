import { answers, definePlugin, type MemberCodeOutput, memberCode } from '../../../../src/extension/index.ts';

/** The cards of the old till system, by phone. */
const CARDS = new Map([['+8613800138000', '6901234567892']]);
const PHONES = new Map([...CARDS].map(([phone, number]) => [number, phone]));

/** Whoever has a card of the old tills shows its number, and is found by it. */
export const plugin = definePlugin({
  id: 'card-numbers',
  version: 1,
  description: 'Answers member.code: the numbers of old cards are shown, and found.',
  answers: [
    answers(memberCode, ({ wanted, identities, code }): MemberCodeOutput => {
      if (wanted === 'CODE') {
        const [number] = identities.flatMap(({ value }) => CARDS.get(value) ?? []);
        return number === undefined ? {} : { code: number, barcode: number };
      }
      const phone = PHONES.get(code ?? '');
      return phone === undefined ? {} : { identity: { kind: 'PHONE', value: phone } };
    }),
  ],
});
