import { z } from 'zod';
import { answers, definePlugin, type GrowthReadOutput, growthRead } from '../../../../src/extension/index.ts';

/** What the enterprise's own system writes into a member's attributes whenever they grow. */
const kept = z.object({ crm: z.object({ growth: z.string(), grown: z.string() }) });

/** Growth as the enterprise's own system wrote it down with the member. */
export const plugin = definePlugin({
  id: 'growth-of-the-crm',
  version: 1,
  description: 'Answers growth.read: what the CRM wrote into the member’s attributes.',
  answers: [
    answers(growthRead, ({ member }): GrowthReadOutput => {
      const { success, data } = kept.safeParse(member.attributes);
      return success ? { current: data.crm.growth, total: data.crm.grown } : { current: null };
    }),
  ],
});
