import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { exampleRead, read, unitsFromZero } from './read-shapes.ts';
import { wholeNumber } from './shapes.ts';

const moment = z.iso.datetime({ offset: true });

const line = z.strictObject({
  reference: z.string().min(1).max(200).describe('Its number there; the next page is asked for behind it.'),
  amount: wholeNumber.describe('What it changed, below zero where it took something.'),
  occurredAt: moment.describe('When.'),
  reason: z.string().max(500).optional().describe('Why, as the member may read it.'),
});

/** Asks the system that keeps an asset's record what a member has in it. */
export const pointsRead = defineExtensionPoint({
  name: 'points.read',
  version: 1,
  description:
    'Asked for what a member has in an asset whose record is EXTERNAL, when a caller selects it, and by the ' +
    'reconciliation; of the kind GROWTH growth.read is asked instead. What the first says who ' +
    'knows the member is told as the balance, with `source: RECORD`, and is remembered for five seconds. ' +
    'Without one our mirror is told, with `source: MIRROR`; where it fails closed, nothing is. Rules, tiers, ' +
    'filters, jobs and subscriptions look at the mirror alone. A filter sees the activity type `points_read`.',
  kind: 'DELEGATED',
  // A balance that was right a moment ago is better than none.
  onThrow: 'FAIL_OPEN',
  input: z.object({
    ...read,
    log: z
      .object({
        first: z.int().describe('How many lines at most: 1 to 100.'),
        after: z.string().nullable().describe('Behind the line of this reference; null: from the newest on.'),
      })
      .nullable()
      .describe('Which page of its log is wanted, too; null for none.'),
  }),
  output: z.strictObject({
    available: wholeNumber
      .nullable()
      .describe('What can be spent there. Null where it doesn’t know the member: our mirror is told then.'),
    held: unitsFromZero.optional().describe('What is reserved there; as our mirror says when missing.'),
    expiringSoon: z
      .array(
        z.strictObject({
          amount: unitsFromZero.describe('How much expires.'),
          expiresAt: moment.describe('When.'),
        }),
      )
      .max(32)
      .optional()
      .describe('What expires there, soonest first; nothing when missing.'),
    log: z
      .array(line)
      .max(100)
      .optional()
      .describe('The page of its log that was asked for, newest first; missing where it keeps none.'),
  }),
  neutral: { available: null },
  example: {
    input: { ...exampleRead, log: null },
    output: {
      ...{ available: '1280', held: '80' },
      expiringSoon: [{ amount: '300', expiresAt: '2026-12-31T16:00:00.000Z' }],
    },
  },
});

export type PointsReadInput = z.infer<typeof pointsRead.input>;
export type PointsReadOutput = z.infer<typeof pointsRead.output>;
