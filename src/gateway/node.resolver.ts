import { Arg, Ctx, Extensions, ID, Query, Resolver } from 'type-graphql';
import { Node, type Refetched } from '../domain/shared/index.ts';
import { fromEntryId, fromPublicId, type IdType } from '../kernel/ids.ts';
import { mayActOn } from '../kernel/request-context.ts';
import type { GatewayContext } from './context.ts';

type Loaders = GatewayContext['loaders'];

/** An object, and whose it is. */
interface Owned {
  readonly memberKey: string;
  readonly node: Refetched;
}

function owned<Found extends { readonly memberKey: string }>(
  found: Found | null,
  __typename: string,
): Owned | null {
  return found === null ? null : { memberKey: found.memberKey, node: { ...found, __typename } };
}

function typed<Found extends object>(found: Found | null, __typename: string): Refetched | null {
  return found === null ? null : { ...found, __typename };
}

/** How an object of each type is found by its key. */
const FINDERS: Partial<Record<IdType, (key: string, loaders: Loaders) => Promise<Owned | null>>> = {
  member: async (key, { members }) => owned(await members.member.load(key), 'Member'),
  ledger: async (key, { ledgers }) => owned(await ledgers.ledger.load(key), 'Ledger'),
  grant: async (key, { benefits }) => owned(await benefits.grant.load(key), 'Grant'),
  activity: async (key, { activities }) => owned(await activities.activity.load(key), 'Activity'),
  operation: operationNode,
  hold: async (key, { ledgers }) => owned(await ledgers.hold.load(key), 'Hold'),
};

@Resolver()
export class NodeResolver {
  @Query(() => Node, {
    nullable: true,
    description: 'An object by its id; null for an id that is unknown, malformed or not yours to see.',
  })
  @Extensions({ roles: ['STAFF', 'MEMBER', 'DEVELOPER'] })
  async node(
    @Arg('id', () => ID, {
      description:
        'The id of a member, a ledger, an entry, an operation, a hold, an activity, a granted benefit, an ' +
        'extension, a call of one, an endpoint of events or one of its deliveries.',
    })
    id: string,
    @Ctx() { request, loaders, services }: GatewayContext,
  ): Promise<Refetched | null> {
    const extensionKey = fromPublicId('extension', id);
    if (extensionKey !== null)
      return typed(await services.extensionReads.findByKey(request, extensionKey), 'Extension');
    const callKey = fromPublicId('extensionCall', id);
    if (callKey !== null) return typed(await services.extensionReads.call(request, callKey), 'ExtensionCall');
    const endpointKey = fromPublicId('eventEndpoint', id);
    if (endpointKey !== null)
      return typed(await services.endpointReads.findByKey(request, endpointKey), 'EventEndpoint');
    const delivery = await services.endpointReads.delivery(request, id);
    if (delivery !== null) return typed(delivery, 'EventDelivery');
    const found = await findNode(id, loaders);
    return found !== null && mayActOn(request, found.memberKey) ? found.node : null;
  }
}

async function findNode(id: string, loaders: Loaders): Promise<Owned | null> {
  const place = fromEntryId(id);
  if (place !== null) return owned(await loaders.ledgers.entry.load(place), 'Entry');
  for (const [type, find] of Object.entries(FINDERS)) {
    const key = fromPublicId(type as IdType, id);
    if (key !== null) return await find(key, loaders);
  }
  return null;
}

/** An operation belongs to the member of its first ledger. */
async function operationNode(key: string, { ledgers }: Loaders): Promise<Owned | null> {
  const operation = await ledgers.operation.load(key);
  const [ledgerKey] = operation?.ledgerKeys ?? [];
  const ledger = ledgerKey === undefined ? null : await ledgers.ledger.load(ledgerKey);
  if (operation === null || ledger === null) return null;
  return { memberKey: ledger.memberKey, node: { ...operation, __typename: 'LedgerOperation' } };
}
