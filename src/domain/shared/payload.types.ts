import { Field, ObjectType } from 'type-graphql';
import { type ErrorCatalogue, Refusal, type RefusalReason, renderMessage } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';

@ObjectType({ simpleResolvers: true, description: 'Why a mutation was refused. Nothing was written.' })
export class UserError {
  @Field(() => String, {
    description: 'A stable code, e.g. `INSUFFICIENT_BALANCE`; the error guide lists them all.',
  })
  code!: string;

  @Field(() => [String], {
    nullable: true,
    description: 'The path below `input`, list indices as strings; null when it is about no field.',
  })
  field!: string[] | null;

  @Field(() => String, { description: 'What happened and what helps, in the caller’s language.' })
  message!: string;
}

/** The errors of the whole product; set once by the composition root, which knows every domain's part. */
let catalogue: ErrorCatalogue = {};

export function useErrorCatalogue(whole: ErrorCatalogue): void {
  catalogue = whole;
}

/** A reason as its reader sees it. */
export function toUserError(ctx: RequestContext, reason: RefusalReason): UserError {
  const template = catalogue[reason.code];
  const message =
    template === undefined ? reason.code : renderMessage(template, ctx.language, reason.details);
  return {
    code: reason.code,
    field: reason.field === null ? null : [...reason.field],
    // What an extension says may be nothing but spaces.
    message: reason.message?.trim() || message,
  };
}

/** The reasons of a refusal as its reader sees them; `below` is where their fields lie. */
export function toUserErrors(
  ctx: RequestContext,
  { reasons }: Refusal,
  below: readonly string[] = [],
): UserError[] {
  return reasons.map((reason) => {
    const field = reason.field === null ? null : [...below, ...reason.field];
    return toUserError(ctx, { ...reason, field });
  });
}

/** Runs a use case; a refusal becomes the payload's `userErrors`, with everything else as in `refused`. */
export async function payloadOf<Payload extends object>(
  ctx: RequestContext,
  refused: Payload,
  useCase: () => Promise<Payload>,
): Promise<Payload & { userErrors: UserError[] }> {
  try {
    return { ...(await useCase()), userErrors: [] };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...refused, userErrors: toUserErrors(ctx, error) };
  }
}
