import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { exampleRead, read, unitsFromZero } from './read-shapes.ts';
import { wholeNumber } from './shapes.ts';

/** Asks the system that keeps a member's growth how much they have. */
export const growthRead = defineExtensionPoint({
  name: 'growth.read',
  version: 1,
  description:
    'Asked for a member’s growth, of an asset of the kind GROWTH whose record is EXTERNAL, when a caller ' +
    'selects its balance, and by the reconciliation. What the first says who knows the member is told, ' +
    'with `source: RECORD`, and is remembered for five seconds. Without one our mirror is told, with ' +
    '`source: MIRROR`; where it fails closed, nothing is. Tiers look at the mirror alone. A filter sees the activity type `growth_read`.',
  kind: 'DELEGATED',
  onThrow: 'FAIL_OPEN',
  input: z.object(read),
  output: z.strictObject({
    current: wholeNumber
      .nullable()
      .describe('What they have now. Null where it doesn’t know the member: our mirror is told then.'),
    total: unitsFromZero
      .optional()
      .describe('All that they ever gained there; kept with the call, it changes nothing.'),
  }),
  neutral: { current: null },
  example: {
    input: { ...exampleRead, asset: 'growth' },
    output: { current: '5200', total: '7400' },
  },
});

export type GrowthReadInput = z.infer<typeof growthRead.input>;
export type GrowthReadOutput = z.infer<typeof growthRead.output>;
