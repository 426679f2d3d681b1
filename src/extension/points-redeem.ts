import { z } from 'zod';
import { act, actOutput, exampleAct, heldAmount } from './act-shapes.ts';
import { defineExtensionPoint } from './extension-point.ts';

/** Asked before points are spent, by hand or out of a hold. */
export const pointsRedeem = defineExtensionPoint({
  name: 'points.redeem',
  version: 1,
  description:
    'Asked before points are spent: `redeemPoints`, and `captureHold` (then "hold" is what it spends of). The ' +
    'first REFUSE wins and its reason is shown. An approval promises nothing: the balance is looked at when ' +
    'it is booked. Paying stored value back and giving points to others isn’t asked about. A filter sees the ' +
    'activity types `points_redeem` and `points_capture`, and the amount in the asset’s units.',
  kind: 'ASKED',
  onThrow: 'FAIL_CLOSED',
  input: z.object({
    ...act,
    hold: heldAmount.nullable().describe('The hold that is captured; null where nothing was reserved.'),
  }),
  output: actOutput,
  neutral: { decision: 'APPROVE' },
  example: {
    input: { ...exampleAct, hold: null },
    output: { decision: 'APPROVE', reference: { type: 'crm-booking', id: 'SO-20261111-0001' } },
  },
});

export type PointsRedeemInput = z.infer<typeof pointsRedeem.input>;
export type PointsRedeemOutput = z.infer<typeof pointsRedeem.output>;
