import 'reflect-metadata';
import { type GraphQLSchema, isInterfaceType } from 'graphql';
import { buildSchemaSync, type NonEmptyArray, type PubSub } from 'type-graphql';
import { ActivityResolver, MemberActivitiesResolver } from '../domain/activities/index.ts';
import { LiabilityResolver } from '../domain/audit/index.ts';
import {
  BenefitResolver,
  BenefitUseResolver,
  GrantResolver,
  TierBenefitsResolver,
} from '../domain/benefits/index.ts';
import {
  EndpointActsResolver,
  EventAttemptResolver,
  EventDeliveryResolver,
  EventEndpointResolver,
} from '../domain/endpoints/index.ts';
import {
  ExtensionActsResolver,
  ExtensionResolver,
  PluginConfigurationResolver,
} from '../domain/extensions/index.ts';
import {
  EntryResolver,
  HoldResolver,
  LedgerOperationResolver,
  LedgerResolver,
  LotResolver,
  OperationRecordResolver,
  RecordChangeResolver,
  RecordResolver,
  ReversalResolver,
  StoredValueResolver,
  TransferResolver,
} from '../domain/ledgers/index.ts';
import {
  ExtensionEventResolver,
  GrantEventResolver,
  MemberEventResolver,
  PointEventResolver,
  ProgramCursorResolver,
  TierEventResolver,
} from '../domain/live/index.ts';
import {
  LedgerMemberResolver,
  MemberCodeResolver,
  MemberListResolver,
  MemberMergeResolver,
  MemberProfileResolver,
  MemberResolver,
  MemberTagsResolver,
  TagResolver,
  TierMemberResolver,
} from '../domain/members/index.ts';
import { AssetResolver, ProgramResolver } from '../domain/programs/index.ts';
import {
  MirrorDifferenceResolver,
  ProgramReconciliationResolver,
  ReconciliationResolver,
} from '../domain/reconciliation/index.ts';
import type { Refetched } from '../domain/shared/index.ts';
import { ApiKeyResolver, TestClockResolver } from '../domain/tenants/index.ts';
import {
  TierChangeResolver,
  TierLadderResolver,
  TierListResolver,
  TierResolver,
} from '../domain/tiers/index.ts';
import { NodeResolver } from './node.resolver.ts';

type ResolverClass = new (...args: never[]) => object;

const resolvers: NonEmptyArray<ResolverClass> = [
  NodeResolver,
  LiabilityResolver,
  ProgramResolver,
  ProgramCursorResolver,
  AssetResolver,
  ApiKeyResolver,
  TestClockResolver,
  ExtensionResolver,
  ExtensionActsResolver,
  PluginConfigurationResolver,
  LedgerResolver,
  LedgerOperationResolver,
  EntryResolver,
  LotResolver,
  OperationRecordResolver,
  RecordChangeResolver,
  HoldResolver,
  RecordResolver,
  ProgramReconciliationResolver,
  ReconciliationResolver,
  MirrorDifferenceResolver,
  ReversalResolver,
  StoredValueResolver,
  TransferResolver,
  TierResolver,
  TierLadderResolver,
  TierListResolver,
  TierChangeResolver,
  TierBenefitsResolver,
  BenefitResolver,
  GrantResolver,
  BenefitUseResolver,
  MemberResolver,
  MemberCodeResolver,
  MemberListResolver,
  MemberMergeResolver,
  MemberProfileResolver,
  MemberTagsResolver,
  TagResolver,
  LedgerMemberResolver,
  TierMemberResolver,
  ActivityResolver,
  MemberActivitiesResolver,
  PointEventResolver,
  MemberEventResolver,
  TierEventResolver,
  GrantEventResolver,
  ExtensionEventResolver,
  EventEndpointResolver,
  EventDeliveryResolver,
  EventAttemptResolver,
  EndpointActsResolver,
];

/** type-graphql insists on one, though every subscription of ours brings its own `subscribe`. */
const noPubSub: PubSub = {
  publish: () => undefined,
  subscribe: () => {
    throw new Error('Subscriptions bring their own "subscribe".');
  },
};

/** The one schema. Its metadata are global to the process, so it is built once. */
export function buildGraphQLSchema(): GraphQLSchema {
  const schema = buildSchemaSync({ resolvers, validate: false, pubSub: noPubSub });
  // type-graphql wraps it in a promise, which compiled operations don't wait for.
  const node = schema.getType('Node');
  if (isInterfaceType(node)) node.resolveType = ({ __typename }: Refetched) => __typename;
  return schema;
}
