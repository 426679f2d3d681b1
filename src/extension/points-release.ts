import { z } from 'zod';
import { act, actOutput, exampleAct, heldAmount } from './act-shapes.ts';
import { defineExtensionPoint } from './extension-point.ts';

/** Asked before a hold is given back by hand. */
export const pointsRelease = defineExtensionPoint({
  name: 'points.release',
  version: 1,
  description:
    'Asked before `releaseHold` gives back what a hold has left. The first REFUSE wins and its reason is ' +
    'shown; the hold stays until it is captured, released or over. What ends by its time, or with a last ' +
    'capture, isn’t asked about. A filter sees the activity type `points_release`.',
  kind: 'ASKED',
  // A system that is away must not keep what a member could spend.
  onThrow: 'FAIL_OPEN',
  input: z.object({ ...act, hold: heldAmount.describe('The hold that is given back.') }),
  output: actOutput,
  neutral: { decision: 'APPROVE' },
  example: {
    input: {
      ...exampleAct,
      ...{ amount: null, reason: 'order cancelled', reference: null },
      hold: {
        ...{ id: 'hld_01jdb2zq7fe3psh0m2x1c9v4te', amount: '120', left: '80' },
        reference: { type: 'crm-booking', id: 'B-0042' },
      },
    },
    output: {
      decision: 'APPROVE',
      reference: { type: 'crm-release', id: 'hld_01jdb2zq7fe3psh0m2x1c9v4te' },
    },
  },
});

export type PointsReleaseInput = z.infer<typeof pointsRelease.input>;
export type PointsReleaseOutput = z.infer<typeof pointsRelease.output>;
