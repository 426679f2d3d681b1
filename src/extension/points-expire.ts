import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { code, exampleMember, member } from './shapes.ts';

/** Told after points of a member expired. */
export const pointsExpire = defineExtensionPoint({
  name: 'points.expire',
  version: 1,
  description:
    'Told after something of a member’s expired, in any asset, within a round of the jobs: in the order in ' +
    'which it was written down, each time with the entry’s id as its idempotency key. Who fails closed is told ' +
    'again, with growing pauses and before anything later, for an hour; then it is given up, as the calls ' +
    'show. Who fails open is told once. It may be told twice, after a crash. A filter sees the activity type ' +
    '`points_expire`, and what expired as the amount.',
  kind: 'TOLD',
  onThrow: 'FAIL_CLOSED',
  input: z.object({
    member: member.describe('Whose it was, as they are now.'),
    asset: code.describe('The code of the asset, e.g. `points`.'),
    amount: z.string().describe('How much expired, a whole number above 0 as a string.'),
    expiredAt: z.iso.datetime({ offset: true }).describe('When it was written down as expired.'),
    balanceAfter: z.string().describe('What was posted after it, held parts included.'),
    entry: z.string().describe('The public id of the ledger’s entry that says so.'),
    operation: z
      .string()
      .describe('The public id of its operation: time’s own, or the end of a hold on what was over by then.'),
  }),
  output: z.strictObject({
    reference: z
      .strictObject({
        type: z.string().min(1).max(64).describe('What it is in the other system, e.g. `crm-booking`.'),
        id: z.string().min(1).max(200).describe('Its number there.'),
      })
      .optional()
      .describe('Under what another system booked it; kept with the call, it changes nothing.'),
  }),
  neutral: {},
  example: {
    input: {
      member: exampleMember,
      asset: 'points',
      amount: '120',
      expiredAt: '2026-12-31T16:00:00.000Z',
      balanceAfter: '860',
      entry: 'ent_01jdb2zq7fe3psh0m2x1c9v4tf_1c',
      operation: 'op_01jdb2zq7fe3psh0m2x1c9v4tg',
    },
    output: { reference: { type: 'crm-booking', id: 'EXP-0007' } },
  },
});

export type PointsExpireInput = z.infer<typeof pointsExpire.input>;
export type PointsExpireOutput = z.infer<typeof pointsExpire.output>;
