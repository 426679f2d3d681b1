import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Int, Resolver, Root } from 'type-graphql';
import { toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { Member, type MemberLoaders } from '../members/index.ts';
import { Program } from '../programs/index.ts';
import type { ConnectionOf, Row } from '../shared/index.ts';
import {
  DifferenceStatus,
  MirrorDifference,
  MirrorDifferenceConnection,
} from './mirror-difference.entity.ts';
import { DifferenceArgs } from './reconciliation.inputs.ts';
import type { ReconciliationService } from './reconciliation.service.ts';
import { Reconciliation, ReconciliationDay } from './reconciliation.types.ts';

interface ReconciliationContext {
  readonly request: RequestContext;
  readonly services: { readonly reconciliation: ReconciliationService };
  readonly loaders: { readonly members: MemberLoaders };
}

/** Of the program's EXTERNAL assets: resolved here, above the programs. */
@Resolver(() => Program)
export class ProgramReconciliationResolver {
  @FieldResolver(() => Reconciliation, {
    description: 'Our mirrors of EXTERNAL assets, held against the records that other systems keep.',
  })
  @Extensions({ roles: ['STAFF'] })
  async reconciliation(@Ctx() { request, services }: ReconciliationContext): Promise<Reconciliation> {
    return await services.reconciliation.counts(request.tenantKey);
  }
}

@Resolver(() => Reconciliation)
export class ReconciliationResolver {
  @FieldResolver(() => [ReconciliationDay], {
    description: 'Sums by local day and asset, the newest first; none for what had no differences.',
  })
  async days(
    @Arg('first', () => Int, { description: 'How many lines at most: 1 to 100.' }) first: number,
    @Ctx() { request, services }: ReconciliationContext,
  ): Promise<ReconciliationDay[]> {
    return await services.reconciliation.days(request.tenantKey, first);
  }

  @FieldResolver(() => MirrorDifferenceConnection, {
    description: 'The differences that were seen twice, newest first.',
  })
  async differences(
    @Args(() => DifferenceArgs) args: DifferenceArgs,
    @Ctx() { request, services }: ReconciliationContext,
  ): Promise<ConnectionOf<MirrorDifference>> {
    return await services.reconciliation.differences(request.tenantKey, args);
  }
}

@Resolver(() => MirrorDifference)
export class MirrorDifferenceResolver {
  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() { differenceKey }: Row<MirrorDifference>): string {
    return toPublicId('mirrorDifference', differenceKey);
  }

  @FieldResolver(() => DifferenceStatus, { description: 'What became of it.' })
  status(@Root() { settledBy }: Row<MirrorDifference>): DifferenceStatus {
    return settledBy === null ? DifferenceStatus.OPEN : DifferenceStatus[settledBy];
  }

  @FieldResolver(() => Member, { description: 'Whose ledger it is.' })
  async member(
    @Root() { memberKey }: Row<MirrorDifference>,
    @Ctx() { loaders }: ReconciliationContext,
  ): Promise<Member> {
    const member = await loaders.members.member.load(memberKey);
    if (member === null) throw new Error('A difference has no member.');
    return member;
  }
}
