import { z } from 'zod';
import type { Stream } from '../../events/index.ts';
import { typesOf } from './event-type.policy.ts';

const amount = z
  .string()
  .regex(/^-?[0-9]+$/)
  .meta({ description: 'An integer, as a string.' });
const id = z.string().meta({ description: 'An opaque id, as in GraphQL.' });
const code = z.string();

/** What a stream's events hold: ids, codes and amounts, and no other personal data. */
const DATA = {
  points: z.strictObject({
    asset: code.meta({ description: 'The asset’s code.' }),
    amount: amount.meta({ description: 'The act’s signed size: EARN +20, REDEEM -120.' }),
    kind: z.string().meta({ description: 'What the operation did: EARN, REDEEM …' }),
    reason: z.string().nullable().meta({ description: 'Why, in the words of whoever asked for it.' }),
    version: amount.meta({ description: 'The entry’s number in its ledger, without a gap.' }),
    entryId: id,
    operationId: id,
    balance: z
      .strictObject({ posted: amount, pending: amount, held: amount, available: amount })
      .meta({ description: 'The ledger as the entry left it.' }),
  }),
  tiers: z.strictObject({
    changeId: id,
    ladder: code,
    from: code.nullable().meta({ description: 'The tier before; null = none.' }),
    to: code.nullable().meta({ description: 'The tier after; null = none.' }),
    cause: z.string().meta({ description: 'REACHED, REVIEWED, BY_HAND, HAND_ENDED or PROGRAM.' }),
  }),
  grants: z.strictObject({
    grantId: id,
    benefit: code.meta({ description: 'The benefit’s code.' }),
    useId: id.nullable().meta({ description: 'The use; null unless it is about one.' }),
  }),
  members: z.strictObject({
    changed: z
      .array(z.string())
      .nullable()
      .meta({ description: 'The names of what was changed, never the values; null where none are named.' }),
    status: z
      .string()
      .nullable()
      .meta({ description: 'The new status; null where it is about another thing.' }),
    otherMemberId: id
      .nullable()
      .meta({ description: 'The other one of a merge; null unless it is about one.' }),
  }),
  extensions: z.strictObject({
    extensionId: id,
    name: code,
    point: z.string(),
    version: z.number().int().nullable(),
    stage: z.string().nullable(),
  }),
} satisfies Record<Stream, z.ZodType>;

const DESCRIPTIONS: Readonly<Record<Stream, string>> = {
  points: 'An entry of a ledger was written.',
  tiers: 'A member’s tier changed.',
  grants: 'Something happened to a benefit that a member was granted.',
  members: 'Something happened to a member.',
  extensions: 'Something was done to an extension. It is about no member.',
};

function eventOf<Of extends Stream>(stream: Of) {
  return z.strictObject({
    id: z.string().max(64).meta({ description: 'Its cursor, the same at every attempt: drop what you saw.' }),
    type: z.enum(typesOf(stream) as [string, ...string[]]),
    occurredAt: z.iso.datetime().meta({ description: 'When it happened, in business time; UTC.' }),
    tenant: code.meta({ description: 'The tenant’s code.' }),
    member: z.strictObject({ id }).nullable().meta({ description: 'Whom it is about; null = nobody.' }),
    data: DATA[stream],
  });
}

/** What endpoints are told, by stream: published as JSON Schema in `schema/events/`. */
export const eventSchemas = {
  points: eventOf('points'),
  tiers: eventOf('tiers'),
  grants: eventOf('grants'),
  members: eventOf('members'),
  extensions: eventOf('extensions'),
} as const;

export type EventData = { readonly [Of in Stream]: z.infer<(typeof DATA)[Of]> }[Stream];

/** The published schemas, a stream a file. */
export function publishedEvents(): { readonly name: Stream; readonly schema: object }[] {
  return (Object.keys(eventSchemas) as Stream[]).map((name) => ({
    name,
    schema: {
      name,
      description: DESCRIPTIONS[name],
      event: z.toJSONSchema(eventSchemas[name], { io: 'input' }),
    },
  }));
}
