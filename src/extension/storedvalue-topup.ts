import { z } from 'zod';
import { act, actOutput, exampleAct } from './act-shapes.ts';
import { defineExtensionPoint } from './extension-point.ts';
import { postings } from './shapes.ts';

/** Asked before stored value is topped up. */
export const storedValueTopUp = defineExtensionPoint({
  name: 'storedvalue.topup',
  version: 1,
  description:
    'Asked before `topUpStoredValue` credits what a member paid. The first REFUSE wins and its reason is ' +
    'shown. Postings are given on top, in the stored value (as bonus) or in any other asset: each is an ' +
    'operation of its own, which isn’t undone with the top-up, and gives way to what the asset lets a member ' +
    'earn in a day. A filter sees the activity type `stored_value_top_up`, and what was paid as the amount.',
  kind: 'ASKED',
  // The member has paid: without an answer there is nothing on top, and the money is still theirs.
  onThrow: 'FAIL_OPEN',
  input: z.object({
    ...act,
    amount: z.string().describe('What is credited, a whole number as a string: what was paid and the bonus.'),
    paid: z.string().describe('What the member paid, in minor units of the program’s currency.'),
    bonus: z.string().describe('What whoever tops up gives on top; "0" for nothing.'),
  }),
  output: actOutput.extend({
    postings: postings.optional().describe('Given on top, at most one posting for an asset.'),
  }),
  neutral: { decision: 'APPROVE' },
  example: {
    input: {
      ...exampleAct,
      ...{ asset: 'wallet', amount: '20000', reason: null },
      reference: { type: 'payment', id: 'PAY-0007' },
      ...{ paid: '20000', bonus: '0' },
    },
    output: { decision: 'APPROVE', postings: [{ asset: 'wallet', amount: '2000', reason: 'gold-top-up' }] },
  },
});

export type StoredValueTopUpInput = z.infer<typeof storedValueTopUp.input>;
export type StoredValueTopUpOutput = z.infer<typeof storedValueTopUp.output>;
