import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';

const json = z.record(z.string(), z.unknown());
const code = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/);

const profile = z.object({
  displayName: z.string().max(200).nullish(),
  gender: z.enum(['FEMALE', 'MALE', 'OTHER', 'UNDISCLOSED']).nullish(),
  birthday: z.iso.date().nullish(),
  locale: z.string().max(35).nullish(),
  region: z.string().max(64).nullish(),
});

/** Asked before a member exists. Answers can refuse, or enrich what will be written. */
export const memberCreate = defineExtensionPoint({
  name: 'member.create',
  version: 1,
  description:
    'Asked before a member is created, with no transaction open. The first REFUSE wins and its reason is shown; ' +
    'enrichments are merged, later ones win.',
  input: z.object({
    identities: z.array(z.object({ kind: z.string(), value: z.string().meta({ pii: true }) })),
    profile: profile.meta({ pii: true }),
    source: z.object({ channel: z.string().nullable(), store: z.string().nullable() }),
    attributes: json,
    consents: z.array(z.object({ purpose: z.string(), granted: z.boolean() })),
  }),
  output: z.strictObject({
    decision: z.enum(['APPROVE', 'REFUSE']),
    /** Why it was refused, as the caller reads it. */
    reason: z.string().max(500).optional(),
    profile: profile.strict().optional(),
    tags: z.array(code).max(32).optional(),
    attributes: json.optional(),
  }),
});

export type MemberCreateInput = z.infer<typeof memberCreate.input>;
export type MemberCreateOutput = z.infer<typeof memberCreate.output>;
