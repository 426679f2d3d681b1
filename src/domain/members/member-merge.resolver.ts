import {
  Arg,
  Ctx,
  Extensions,
  Field,
  FieldResolver,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from 'type-graphql';
import type { RequestContext } from '../../kernel/request-context.ts';
import { LedgerOperation } from '../ledgers/index.ts';
import { payloadOf, type Row, UserError } from '../shared/index.ts';
import { Member } from './member.entity.ts';
import type { MemberLoaders } from './member.repository.ts';
import { MergeMembersInput } from './member-merge.inputs.ts';
import type { MemberMergeService } from './member-merge.service.ts';

interface MergeContext {
  readonly request: RequestContext;
  readonly services: { readonly memberMerges: MemberMergeService };
  readonly loaders: { readonly members: MemberLoaders };
}

@ObjectType({ simpleResolvers: true, description: 'What `mergeMembers` answers.' })
class MergeMembersPayload {
  @Field(() => Member, { nullable: true, description: 'The member who stayed; null when it was refused.' })
  member!: Member | null;

  @Field(() => Member, { nullable: true, description: 'The member who ended; null when it was refused.' })
  merged!: Member | null;

  @Field(() => LedgerOperation, {
    nullable: true,
    description: 'What moved the balances; null when it was refused, or there was nothing to move.',
  })
  operation!: LedgerOperation | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}

@Resolver(() => Member)
export class MemberMergeResolver {
  @Mutation(() => MergeMembersPayload, {
    description:
      'Makes one member of two: identities, balances with their lots, grants, tags and what counts toward tiers and limits go to the one who stays.',
  })
  @Extensions({ roles: ['STAFF'] })
  mergeMembers(
    @Arg('input', () => MergeMembersInput, { description: 'Who ends, and who stays.' })
    input: MergeMembersInput,
    @Ctx() { request, services }: MergeContext,
  ): Promise<MergeMembersPayload> {
    const refused: MergeMembersPayload = { member: null, merged: null, operation: null, userErrors: [] };
    return payloadOf(request, refused, async () => ({
      ...(await services.memberMerges.merge(request, input)),
      userErrors: [],
    }));
  }

  @FieldResolver(() => Member, { nullable: true, description: 'Whom they live on in; null if not merged.' })
  async mergedInto(
    @Root() { memberKey, mergedIntoKey }: Row<Member>,
    @Ctx() { loaders }: MergeContext,
  ): Promise<Member | null> {
    // Lists show members without this column.
    const key =
      mergedIntoKey === undefined
        ? (await loaders.members.member.load(memberKey))?.mergedIntoKey
        : mergedIntoKey;
    return key == null ? null : await loaders.members.member.load(key);
  }
}
