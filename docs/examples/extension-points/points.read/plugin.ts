import { z } from 'zod';
import { answers, definePlugin, type PointsReadOutput, pointsRead } from '../../../../src/extension/index.ts';

/** What the enterprise's own system writes into a member's attributes whenever their points change. */
const kept = z.object({ crm: z.object({ points: z.string(), frozen: z.string() }) });
const END_OF_YEAR = '2026-12-31T16:00:00.000Z';

/** The balance as the enterprise's own system wrote it down with the member. */
export const plugin = definePlugin({
  id: 'points-of-the-crm',
  version: 1,
  description: 'Answers points.read: what the CRM wrote into the member’s attributes.',
  answers: [
    answers(pointsRead, ({ member }): PointsReadOutput => {
      const { success, data } = kept.safeParse(member.attributes);
      if (!success) return { available: null };
      const { points, frozen } = data.crm;
      const expiringSoon = [{ amount: '300', expiresAt: END_OF_YEAR }];
      return { available: points, held: frozen, expiringSoon };
    }),
  ],
});
