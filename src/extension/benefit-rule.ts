import { z } from 'zod';
import { benefit, EFFECT_VALUES, effectKind, exampleUse, grant, order } from './benefit-shapes.ts';
import { defineExtensionPoint } from './extension-point.ts';
import { member, source } from './shapes.ts';

/** Asked before a benefit is granted by hand (without `grant`), and before a grant is used (with it). */
export const benefitRule = defineExtensionPoint({
  name: 'benefit.rule',
  version: 1,
  description:
    'Asked before a person or server grants a benefit ("grant" is null), and before a grant is used. One ' +
    '"eligible": false refuses it and its reason is shown. The effect of a use is the last one that is ' +
    'given, else the catalogue’s. A filter sees the activity types `benefit_grant` and `benefit_use`.',
  kind: 'ASKED',
  onThrow: 'FAIL_CLOSED',
  input: z.object({
    benefit,
    member: member.describe('Whose benefit it is.'),
    grant: grant.nullish().describe('The member’s copy that is used; null while it is granted.'),
    order: order.nullish().describe('What a use is for; null without an order.'),
    source: source.describe('Where it is used.'),
  }),
  output: z.strictObject({
    eligible: z.boolean().describe('Whether it may be granted, or used.'),
    reason: z.string().max(500).optional().describe('Why not, as the caller reads it.'),
    effect: z
      .strictObject({
        kind: effectKind.describe('What the till does.'),
        value: z.string().max(256).describe(EFFECT_VALUES),
      })
      .optional()
      .describe('What this use does instead of what the catalogue says. It counts at a use only.'),
  }),
  neutral: { eligible: true },
  example: {
    input: exampleUse,
    output: { eligible: true, effect: { kind: 'GIFT', value: 'cake-8-inch' } },
  },
});

export type BenefitRuleInput = z.infer<typeof benefitRule.input>;
export type BenefitRuleOutput = z.infer<typeof benefitRule.output>;
