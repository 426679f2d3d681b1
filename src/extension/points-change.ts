import { z } from 'zod';
import { act, actOutput, exampleAct } from './act-shapes.ts';
import { defineExtensionPoint } from './extension-point.ts';
import { wholeNumber } from './shapes.ts';

const { member, asset, reason, reference } = act;

/** Asks the system that keeps an asset's record to change it. */
export const pointsChange = defineExtensionPoint({
  name: 'points.change',
  version: 1,
  description:
    'Asks the system that keeps the record of an asset (`recordOf: EXTERNAL`) to change it. The operation is ' +
    'written down before, as pending or reserved; DONE and REFUSE settle it. Whoever fails is asked again, with ' +
    'the same idempotencyKey (the operation’s id), for three days: a repetition must be known again, and ' +
    'answered as the first time. Changes of one ledger are asked for one after another. It fails closed, has no ' +
    'filter, and is never SHADOW or CANARY. A plugin that can be configured keeps records only for whoever ' +
    'registers it. A dry run doesn’t ask it.',
  kind: 'DELEGATED',
  onThrow: 'FAIL_CLOSED',
  keepsRecord: true,
  input: z.object({
    member: member.describe('Whose ledger it is.'),
    asset,
    operation: z
      .object({
        id: z.string().describe('The operation’s public id; also the idempotencyKey.'),
        kind: z
          .enum(['EARN', 'REDEEM', 'ADJUST', 'REVERSE'])
          .describe('What it is: given, spent, corrected by hand, or taken back of what was given.'),
        reverses: z
          .string()
          .nullable()
          .describe('With REVERSE: the id of the operation that is taken back, in whole or in part.'),
        reason,
        reference,
      })
      .describe('What the record is changed by.'),
    amount: z.string().describe('How much, a whole number with its sign: below 0 is taken.'),
  }),
  output: z.strictObject({
    decision: z
      .enum(['DONE', 'REFUSE'])
      .describe('Whether the record has been changed, now or by an earlier attempt, or will not be.'),
    reason: z.string().max(500).optional().describe('With REFUSE: why, as the caller reads it.'),
    reference: actOutput.shape.reference.describe('The number under which the record keeps it.'),
    balance: wholeNumber.optional().describe('What the record holds afterwards.'),
  }),
  neutral: { decision: 'REFUSE' },
  example: {
    input: {
      member: exampleAct.member,
      asset: 'points',
      operation: {
        ...{ id: 'op_01jdb2zq7fe3psh0m2x1c9v4te', kind: 'REDEEM', reverses: null },
        ...{ reason: exampleAct.reason, reference: exampleAct.reference },
      },
      amount: '-120',
    },
    output: { decision: 'DONE', reference: { type: 'crm-booking', id: 'op_01jdb2zq7fe3psh0m2x1c9v4te' } },
  },
});

export type PointsChangeInput = z.infer<typeof pointsChange.input>;
export type PointsChangeOutput = z.infer<typeof pointsChange.output>;
