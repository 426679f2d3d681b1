import type { Following } from '../../events/index.ts';
import { RequestFault } from '../../kernel/errors.ts';
import { fromPublicId } from '../../kernel/ids.ts';
import { mayActOn, type RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import { feedPlace, LedgerReads } from '../ledgers/index.ts';

/** What type-graphql hands to a subscription's `subscribe`. */
interface SubscribeOptions {
  readonly args: unknown;
  readonly context: unknown;
}

/**
 * The `subscribe` of a stream's root field: it says what is followed, and the gateway does the rest, since
 * everybody who asks the same is told together.
 */
export function following<Args, Context>(
  follow: (args: Args, context: Context) => Promise<Following> | Following,
): (options: SubscribeOptions) => AsyncIterable<never> {
  return ({ args, context }) => {
    // type-graphql's types want what graphql-js would go through; the gateway takes it as it is.
    return follow(args as Args, context as Context) as unknown as AsyncIterable<never>;
  };
}

/**
 * The position behind which somebody goes on; null from the moment of subscribing.
 * @throws RequestFault CURSOR_INVALID
 */
export function placeOf(tenantKey: string, after: string | null | undefined): bigint | null {
  return after === null || after === undefined ? null : feedPlace(tenantKey, after);
}

/**
 * The key of a member whom the caller may follow.
 * @throws RequestFault NOT_FOUND for one who isn't there or isn't the caller
 */
export async function followedMember(
  database: Database,
  ctx: RequestContext,
  memberId: string,
): Promise<string> {
  const memberKey = fromPublicId('member', memberId);
  const { tenantKey } = ctx;
  const isThere =
    memberKey !== null &&
    mayActOn(ctx, memberKey) &&
    (await new LedgerReads(database.read(tenantKey), tenantKey).memberExists(memberKey));
  if (!isThere) throw new RequestFault('NOT_FOUND', { field: ['memberId'] });
  return memberKey;
}
