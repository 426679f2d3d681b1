import { z } from 'zod';
import { code, exampleMember, money } from './shapes.ts';

const EFFECTS = ['PERCENT_OFF', 'AMOUNT_OFF', 'FREE_SHIPPING', 'GIFT', 'MULTIPLIER', 'ACCESS'] as const;

export const effectKind = z.enum(EFFECTS);

export const benefit = z
  .object({
    code: code.describe('The code in the program’s catalogue.'),
    kind: effectKind.describe('What it does when it is used.'),
    value: z
      .string()
      .nullable()
      .describe('What the till applies: percent, an amount of money, a factor, an article, a door.'),
  })
  .describe('What is granted or used, as the program says.');

/** A member's copy of a benefit. */
export const grant = z.object({
  id: z.string().describe('Its public id.'),
  source: z.string().describe('What granted it: TIER, RULE or HAND.'),
  validFrom: z.iso.datetime({ offset: true }).describe('From when it is valid.'),
  validUntil: z.iso.datetime({ offset: true }).nullable().describe('Until when it is valid; null = open.'),
  usesLeft: z.int().nullable().describe('This use included; null when it may be used without end.'),
});

/** What a use is for. */
export const order = z.object({
  number: z.string().describe('The tenant’s own number of the order.'),
  amount: money.nullable().describe('What the order comes to; null where nobody said.'),
});

export const EFFECT_VALUES =
  'What the till applies. PERCENT_OFF: above 0 and up to 100; MULTIPLIER: above 0; AMOUNT_OFF: an amount of ' +
  'the program’s currency above 0.';

export const exampleUse = {
  benefit: { code: 'birthday-cake', kind: 'GIFT' as const, value: 'cake-6-inch' },
  member: exampleMember,
  grant: {
    id: 'grt_01jdb2zq7fe3psh0m2x1c9v4tc',
    source: 'HAND',
    validFrom: '2026-05-20T00:00:00.000Z',
    validUntil: '2026-06-20T00:00:00.000Z',
    usesLeft: 1,
  },
  order: { number: 'SO-20260520-0007', amount: { value: '88.00', currency: 'CNY' } },
  source: { channel: 'pos', store: 'shanghai-01' },
};
