import { z } from 'zod';
import { code, exampleMember, member } from './shapes.ts';

const reference = z.object({
  type: z.string().describe('What it is there, e.g. `order`.'),
  id: z.string().describe('Its number there.'),
});

/** What extensions are told about every act in a ledger. Amounts are whole numbers as strings. */
export const act = {
  member: member.describe('Whose ledger it is.'),
  asset: code.describe('The code of the asset, e.g. `points`.'),
  amount: z
    .string()
    .nullable()
    .describe('How much, as a whole number above 0; null: all that is left when it is booked.'),
  reason: z.string().nullable().describe('Why, as the ledger will show it; null where nobody said.'),
  reference: reference.nullable().describe('What it refers to outside; null where nobody said.'),
};

/** A hold that an act captures or releases. */
export const heldAmount = z.object({
  id: z.string().describe('Its public id.'),
  amount: z.string().describe('What was reserved, a whole number as a string.'),
  left: z.string().describe('What is neither captured nor released yet, as it was read just now.'),
  reference: reference
    .nullish()
    .describe('What it was reserved for outside, or the number that an answer gave it; null without any.'),
});

/** What every answer about an act may say. */
export const verdict = {
  decision: z.enum(['APPROVE', 'REFUSE']).describe('Whether it may be done.'),
  reason: z.string().max(500).optional().describe('With REFUSE: why, as the caller reads it.'),
};

/** Says yes or no, and may name the number under which another system keeps the act. */
export const actOutput = z.strictObject({
  ...verdict,
  reference: z
    .strictObject({
      type: z.string().min(1).max(64).describe('What it is in the other system, e.g. `crm-booking`.'),
      id: z.string().min(1).max(200).describe('Its number there.'),
    })
    .optional()
    .describe('Kept with the operation where the caller named none; of several answers the last one counts.'),
});

export const exampleAct = {
  member: exampleMember,
  asset: 'points',
  amount: '120',
  reason: 'a pot of tea',
  reference: { type: 'order', id: 'SO-20261111-0001' },
};

export type ToldAct = z.infer<z.ZodObject<typeof act>>;
export type ActOutput = z.infer<typeof actOutput>;
