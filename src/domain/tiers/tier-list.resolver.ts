import { Arg, Ctx, Extensions, ID, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { TierLists } from './tier-list.service.ts';
import { TierList } from './tier-list.types.ts';

/** What the resolver needs from the request. */
interface TierListContext {
  readonly request: RequestContext;
  readonly services: { readonly tierLists: TierLists };
}

@Resolver()
export class TierListResolver {
  @Query(() => TierList, {
    nullable: true,
    description:
      'The tiers that a storefront shows a member: as the enterprise says by the extension point `tier.list`, else ' +
      'the program’s. Null if there is no such member or ladder; members see their own.',
  })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  async tierList(
    @Ctx() { request, services }: TierListContext,
    @Arg('memberId', () => ID, { description: 'Who is going to see it.' }) memberId: string,
    @Arg('ladder', () => String, {
      nullable: true,
      description: 'The ladder’s code; the primary one when missing.',
    })
    ladder?: string | null,
  ): Promise<TierList | null> {
    return await services.tierLists.of(request, memberId, ladder ?? null);
  }
}
