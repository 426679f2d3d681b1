import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { code, exampleMember, member } from './shapes.ts';

const shownTier = z.strictObject({
  code: code.describe('Which tier it is: one of those that were told, once.'),
  name: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('What it is called; as the program says when missing.'),
  description: z.string().max(2_000).optional().describe('What is said of it.'),
  requirement: z.string().max(500).optional().describe('What reaches it, in words, e.g. "¥5,000 in a year".'),
  benefits: z
    .array(z.string().min(1).max(200))
    .max(64)
    .optional()
    .describe('What it gives, a line each; the names of the program’s benefits when missing.'),
  imageUrl: z
    .url({ protocol: /^https$/, hostname: z.regexes.domain })
    .max(1_000)
    .optional()
    .describe('Its picture: `https://…`.'),
  progressPercent: z.int().min(0).max(100).optional().describe('How far the member is on the way to it.'),
});

/** Asked for the tiers that a storefront shows. */
export const tierList = defineExtensionPoint({
  name: 'tier.list',
  version: 1,
  description:
    'Asked for the list of tiers that a storefront shows a member (`tierList`): which ones, in which order, and in ' +
    'which words. The first answer with a list counts, else the program’s own is shown. What is shown changes ' +
    'nothing: who holds which tier is worked out by the program alone. Where it fails, the program’s own list is ' +
    'shown, and marked. A filter sees the activity type `tier_list`.',
  kind: 'DELEGATED',
  onThrow: 'FAIL_OPEN',
  input: z.object({
    member: member.describe('Who is going to see the list.'),
    language: z.string().describe('The language that it is shown in: `en` or `zh-CN`.'),
    ladder: z
      .object({
        code: code.describe('The code of the ladder.'),
        name: z.string().describe('Its name, in that language.'),
        metric: z.string().describe('What it counts: an asset’s code, `spend`, `orders`…'),
      })
      .describe('The ladder whose tiers are shown.'),
    tiers: z
      .array(
        z.object({
          code: code.describe('The code of the tier.'),
          rank: z.int().describe('From 1, the lowest.'),
          name: z.string().describe('Its name, in that language.'),
          threshold: z.string().describe('How much of the metric reaches it, as the program says.'),
          benefits: z.array(z.string()).describe('Codes of the benefits that it gives.'),
          isHeld: z.boolean().describe('Whether the member holds it.'),
        }),
      )
      .describe('The ladder’s tiers from the lowest; of hidden ones only the one that the member holds.'),
  }),
  output: z.strictObject({
    tiers: z
      .array(shownTier)
      .max(32)
      .nullable()
      .describe('What is shown, in this order; null = the program’s own list.'),
  }),
  neutral: { tiers: null },
  example: {
    input: {
      member: exampleMember,
      language: 'en',
      ladder: { code: 'main', name: 'Tea Lovers', metric: 'growth' },
      tiers: [
        { code: 'silver', rank: 1, name: 'Silver', threshold: '0', benefits: [], isHeld: false },
        { code: 'gold', rank: 2, name: 'Gold', threshold: '500', benefits: ['free-shipping'], isHeld: true },
        { code: 'black', rank: 3, name: 'Black', threshold: '5000', benefits: ['lounge'], isHeld: false },
      ],
    },
    output: {
      tiers: [
        { code: 'black', requirement: '5000 growth' },
        { code: 'gold', requirement: '500 growth' },
      ],
    },
  },
});

export type TierListInput = z.infer<typeof tierList.input>;
export type TierListOutput = z.infer<typeof tierList.output>;
