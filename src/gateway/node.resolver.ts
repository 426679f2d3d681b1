import { Arg, Ctx, Extensions, ID, Query, Resolver } from 'type-graphql';
import { Node, type Refetched } from '../domain/shared/index.ts';
import { fromEntryId, fromPublicId } from '../kernel/ids.ts';
import { mayActOn } from '../kernel/request-context.ts';
import type { GatewayContext } from './context.ts';

@Resolver()
export class NodeResolver {
  @Query(() => Node, {
    nullable: true,
    description: 'An object by its id; null for an id that is unknown, malformed or not yours to see.',
  })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  async node(
    @Arg('id', () => ID, {
      description: 'The id of a member, a ledger, an entry, an operation or a granted benefit.',
    })
    id: string,
    @Ctx() { request, loaders }: GatewayContext,
  ): Promise<Refetched | null> {
    const memberKey = fromPublicId('member', id);
    if (memberKey !== null) {
      const member = mayActOn(request, memberKey) ? await loaders.members.member.load(memberKey) : null;
      return member === null ? null : { ...member, __typename: 'Member' };
    }
    const ledgerKey = fromPublicId('ledger', id);
    if (ledgerKey !== null) {
      const ledger = await loaders.ledgers.ledger.load(ledgerKey);
      return ledger === null || !mayActOn(request, ledger.memberKey)
        ? null
        : { ...ledger, __typename: 'Ledger' };
    }
    const place = fromEntryId(id);
    if (place !== null) {
      const entry = await loaders.ledgers.entry.load(place);
      return entry === null || !mayActOn(request, entry.memberKey) ? null : { ...entry, __typename: 'Entry' };
    }
    const grantKey = fromPublicId('grant', id);
    if (grantKey !== null) {
      const grant = await loaders.benefits.grant.load(grantKey);
      return grant === null || !mayActOn(request, grant.memberKey) ? null : { ...grant, __typename: 'Grant' };
    }
    return await operationNode(id, { request, loaders });
  }
}

async function operationNode(
  id: string,
  { request, loaders }: Pick<GatewayContext, 'request' | 'loaders'>,
): Promise<Refetched | null> {
  const key = fromPublicId('operation', id);
  const operation = key === null ? null : await loaders.ledgers.operation.load(key);
  const [ledgerKey] = operation?.ledgerKeys ?? [];
  const ledger = ledgerKey === undefined ? null : await loaders.ledgers.ledger.load(ledgerKey);
  const isVisible = ledger !== null && mayActOn(request, ledger.memberKey);
  return operation !== null && isVisible ? { ...operation, __typename: 'LedgerOperation' } : null;
}
