import { z } from 'zod';
import { act, actOutput, exampleAct } from './act-shapes.ts';
import { defineExtensionPoint } from './extension-point.ts';

/** Asked before an operation is undone by hand. */
export const pointsReverse = defineExtensionPoint({
  name: 'points.reverse',
  version: 1,
  description:
    'Asked before `reverseOperation` undoes an operation, as a whole or in part. The first REFUSE wins and ' +
    'its reason is shown. A refund takes back its share by itself and isn’t asked about. A filter sees the ' +
    'activity type `points_reverse`, and the amount in the asset’s units (0: all that is left).',
  kind: 'ASKED',
  onThrow: 'FAIL_CLOSED',
  input: z.object({
    ...act,
    operation: z
      .object({
        id: z.string().describe('Its public id.'),
        kind: z.string().describe('EARN, REDEEM, CAPTURE, ADJUST or TRANSFER (of whoever gave).'),
        amount: z.string().describe('As the ledger shows it: "20" was earned, "-120" was spent.'),
        reason: z.string().nullable().describe('Why it was done; null where nobody said.'),
        reference: act.reference.describe('What it refers to outside; null where nobody said.'),
        occurredAt: z.iso.datetime({ offset: true }).describe('When it was done.'),
      })
      .describe('What is undone.'),
  }),
  output: actOutput,
  neutral: { decision: 'APPROVE' },
  example: {
    input: {
      ...exampleAct,
      ...{ amount: null, reason: 'order cancelled', reference: null },
      operation: {
        ...{ id: 'op_01jdb2zq7fe3psh0m2x1c9v4tf', kind: 'REDEEM', amount: '-120', reason: 'a pot of tea' },
        reference: { type: 'order', id: 'SO-20261111-0001' },
        occurredAt: '2026-11-11T04:00:00.000Z',
      },
    },
    output: { decision: 'APPROVE', reference: { type: 'crm-reversal', id: 'SO-20261111-0001' } },
  },
});

export type PointsReverseInput = z.infer<typeof pointsReverse.input>;
export type PointsReverseOutput = z.infer<typeof pointsReverse.output>;
