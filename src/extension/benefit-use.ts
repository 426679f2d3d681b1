import { z } from 'zod';
import { verdict } from './act-shapes.ts';
import { benefit, EFFECT_VALUES, effectKind, exampleUse, grant, order } from './benefit-shapes.ts';
import { defineExtensionPoint } from './extension-point.ts';
import { member, source } from './shapes.ts';

/** Asked last, before a use is booked: where coupons live in another system, it redeems them here. */
export const benefitUse = defineExtensionPoint({
  name: 'benefit.use',
  version: 1,
  description:
    'Asked before a use is booked, once benefit.rule and the catalogue have said what it does. The first ' +
    'REFUSE wins and its reason is shown; "value" is what the till applies instead, within the same kind, ' +
    'and of several answers the last one counts. An approval promises nothing: limits are looked at when it ' +
    'is booked. Undoing a use isn’t asked about. A filter sees the activity type `benefit_use`.',
  kind: 'ASKED',
  onThrow: 'FAIL_CLOSED',
  input: z.object({
    benefit,
    member: member.describe('Who uses it.'),
    grant: grant.describe('The member’s copy that is used.'),
    order: order.nullable().describe('What it is used for; null without an order.'),
    source: source.describe('Where it is used.'),
    effect: z
      .object({
        kind: effectKind.describe('What the till does.'),
        value: z.string().describe('What the till applies; may be empty.'),
      })
      .describe('What this use does, as it stands.'),
  }),
  output: z.strictObject({
    ...verdict,
    value: z.string().max(256).optional().describe(EFFECT_VALUES),
  }),
  neutral: { decision: 'APPROVE' },
  example: {
    input: { ...exampleUse, effect: { kind: 'GIFT', value: 'cake-6-inch' } },
    output: { decision: 'APPROVE', value: 'cake-6-inch/voucher-0007' },
  },
});

export type BenefitUseInput = z.infer<typeof benefitUse.input>;
export type BenefitUseOutput = z.infer<typeof benefitUse.output>;
