import { z } from 'zod';
import { act, actOutput, exampleAct } from './act-shapes.ts';
import { defineExtensionPoint } from './extension-point.ts';

/** Asked before points are reserved. */
export const pointsHold = defineExtensionPoint({
  name: 'points.hold',
  version: 1,
  description:
    'Asked before points are reserved by `holdPoints`. The first REFUSE wins and its reason is shown. An ' +
    'approval promises nothing: the balance is looked at when it is booked. Spending of the hold is asked ' +
    'about by points.redeem, giving it back by points.release; that its time is over, by none of them. A ' +
    'filter sees the activity type `points_hold`, and the amount in the asset’s units.',
  kind: 'ASKED',
  onThrow: 'FAIL_CLOSED',
  input: z.object({
    ...act,
    expiresAt: z.iso
      .datetime({ offset: true })
      .nullable()
      .describe('When it is given back by itself; null: never. Counted from now where a duration was asked.'),
  }),
  output: actOutput,
  neutral: { decision: 'APPROVE' },
  example: {
    input: { ...exampleAct, expiresAt: '2026-11-11T04:30:00.000Z' },
    output: { decision: 'REFUSE', reason: 'At most 100 points can be reserved.' },
  },
});

export type PointsHoldInput = z.infer<typeof pointsHold.input>;
export type PointsHoldOutput = z.infer<typeof pointsHold.output>;
