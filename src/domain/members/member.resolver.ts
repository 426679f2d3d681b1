import type { GraphQLResolveInfo } from 'graphql';
import {
  Arg,
  Args,
  ArgsType,
  Ctx,
  Extensions,
  Field,
  FieldResolver,
  ID,
  Info,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { fromPublicId, toPublicId } from '../../kernel/ids.ts';
import { localize } from '../../kernel/localized.ts';
import { mayActOn, type RequestContext } from '../../kernel/request-context.ts';
import { type BenefitLoaders, type Grant, GrantConnection, GrantStatus } from '../benefits/index.ts';
import { emptyLedger, Ledger, type LedgerLoaders, LedgerOperation, ledgerKeyOf } from '../ledgers/index.ts';
import type { ProgramService } from '../programs/index.ts';
import { type ConnectionOf, PageArgs, payloadOf, type Row, Source, UserError } from '../shared/index.ts';
import {
  heldStatus,
  heldTier,
  newcomersStanding,
  storedTier,
  Tier,
  type TierChange,
  TierChangeConnection,
  type TierLoaders,
  TierStatus,
} from '../tiers/index.ts';
import { Consent, Identity, Member, Tag } from './member.entity.ts';
import { CreateMemberInput, IdentityInput, UpdateMemberInput } from './member.inputs.ts';
import { prefetch } from './member.lookahead.ts';
import { normaliseIdentity } from './member.policy.ts';
import type { MemberLoaders } from './member.repository.ts';
import type { MemberService } from './member.service.ts';

/** What the resolvers of members need from the request. */
export interface MemberContext {
  readonly request: RequestContext;
  readonly services: { readonly programs: ProgramService; readonly members: MemberService };
  readonly loaders: {
    readonly members: MemberLoaders;
    readonly ledgers: LedgerLoaders;
    readonly benefits: BenefitLoaders;
    readonly tiers: TierLoaders;
  };
}

@ObjectType({ simpleResolvers: true, description: 'What `createMember` answers.' })
class CreateMemberPayload {
  @Field(() => Member, {
    nullable: true,
    description: 'The new member, or the existing one whom an extension named; null when it was refused.',
  })
  member!: Member | null;

  @Field(() => [LedgerOperation], { description: 'What rules and extensions gave for enrolling.' })
  operations!: readonly LedgerOperation[];

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What `updateMember` answers.' })
class UpdateMemberPayload {
  @Field(() => Member, { nullable: true, description: 'The member as changed; null when it was refused.' })
  member!: Member | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}

@ArgsType()
class GrantArgs extends PageArgs {
  @Field(() => GrantStatus, { nullable: true, description: 'Only grants of this status.' })
  status?: GrantStatus | null;
}

@Resolver(() => Member)
export class MemberResolver {
  @Query(() => Member, { nullable: true, description: 'A member by id; members see only themselves.' })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  async member(
    @Arg('id', () => ID, { description: 'The member’s id.' }) id: string,
    @Ctx() { request, services, loaders }: MemberContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Member | null> {
    const key = fromPublicId('member', id);
    if (key === null || !mayActOn(request, key)) return null;
    const program = await services.programs.inForce(request.tenantKey);
    const found = loaders.members.member.load(key);
    prefetch(key, info, program, loaders);
    return await found;
  }

  @Query(() => Member, {
    nullable: true,
    description: 'The member whom an identity finds; null when it is nobody’s.',
  })
  @Extensions({ roles: ['STAFF'] })
  async memberByIdentity(
    @Arg('identity', () => IdentityInput, { description: 'The identity.' }) { kind, value }: IdentityInput,
    @Ctx() { loaders }: MemberContext,
  ): Promise<Member | null> {
    const normal = normaliseIdentity(kind, value);
    return normal === null ? null : await loaders.members.byIdentity(kind, normal);
  }

  @Mutation(() => CreateMemberPayload, {
    description: 'Enrols a member, with what the program gives for enrolling.',
  })
  @Extensions({ roles: ['STAFF'] })
  createMember(
    @Arg('input', () => CreateMemberInput, { description: 'Who they are.' }) input: CreateMemberInput,
    @Ctx() { request, services }: MemberContext,
  ): Promise<CreateMemberPayload> {
    const refused: CreateMemberPayload = { member: null, operations: [], userErrors: [] };
    return payloadOf(request, refused, async () => ({
      ...(await services.members.create(request, input)),
      userErrors: [],
    }));
  }

  @Mutation(() => UpdateMemberPayload, { description: 'Changes a member; what is not sent stays as it is.' })
  @Extensions({ roles: ['STAFF'] })
  updateMember(
    @Arg('input', () => UpdateMemberInput, { description: 'What changes.' }) input: UpdateMemberInput,
    @Ctx() { request, services }: MemberContext,
  ): Promise<UpdateMemberPayload> {
    const refused: UpdateMemberPayload = { member: null, userErrors: [] };
    return payloadOf(request, refused, async () => ({
      member: await services.members.update(request, input),
      userErrors: [],
    }));
  }

  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() member: Row<Member>): string {
    return toPublicId('member', member.memberKey);
  }

  @FieldResolver(() => [Identity], { description: 'What finds them.' })
  async identities(@Root() member: Row<Member>, @Ctx() { loaders }: MemberContext): Promise<Identity[]> {
    return member.identitiesThen ?? (await loaders.members.identities.load(member.memberKey));
  }

  @FieldResolver(() => Source, { description: 'Where they enrolled.' })
  source(@Root() { channel, store }: Row<Member>): Source {
    return { channel, store };
  }

  @FieldResolver(() => [Consent], { description: 'What they agreed to, and what not.' })
  consents(@Root() member: Row<Member>): Consent[] {
    return member.consents.map(({ purpose, granted, at }) => ({
      purpose,
      granted,
      at: at === undefined ? member.enrolledAt : new Date(at),
    }));
  }

  @FieldResolver(() => [Tag], { description: 'Their labels.' })
  tags(@Root() { tagCodes }: Row<Member>): Tag[] {
    return tagCodes.map((code) => ({ code }));
  }

  @FieldResolver(() => Tier, {
    nullable: true,
    description: 'Their tier in the primary ladder; null only while its lowest threshold isn’t reached.',
  })
  async tier(@Root() member: Row<Member>, @Ctx() { services, loaders }: MemberContext): Promise<Tier | null> {
    if (member.tierThen !== undefined) return member.tierThen;
    const { definition } = await services.programs.inForce(member.tenantKey);
    const stored = storedTier(definition, member.storedTier);
    if (stored !== null) return stored;
    const standing = await loaders.tiers.standing.load(member.memberKey);
    return heldTier(definition, standing ?? newcomersStanding(definition, member));
  }

  @FieldResolver(() => TierStatus, {
    nullable: true,
    description: 'How they hold their tier; null without one.',
  })
  async tierStatus(
    @Root() member: Row<Member>,
    @Ctx() { services, loaders }: MemberContext,
  ): Promise<TierStatus | null> {
    const standing = await loaders.tiers.standing.load(member.memberKey);
    const { definition } = await services.programs.inForce(member.tenantKey);
    return heldStatus(definition, standing ?? newcomersStanding(definition, member));
  }

  @FieldResolver(() => TierChangeConnection, {
    description: 'How their tiers have changed, in all ladders, newest first.',
  })
  async tierHistory(
    @Root() { memberKey }: Row<Member>,
    @Args(() => PageArgs) { first, after = null }: PageArgs,
    @Ctx() { loaders }: MemberContext,
  ): Promise<ConnectionOf<TierChange>> {
    return await loaders.tiers.changePage.load({ memberKey, first, after });
  }

  @FieldResolver(() => Ledger, {
    nullable: true,
    description: 'Their ledger in an asset; null if the program has no such asset.',
  })
  async ledger(
    @Root() member: Row<Member>,
    @Arg('asset', () => String, { description: 'The asset’s code, e.g. `points`.' }) asset: string,
    @Ctx() context: MemberContext,
  ): Promise<Ledger | null> {
    const { assets } = await context.services.programs.inForce(member.tenantKey);
    if (!assets.has(asset)) return null;
    const then = member.ledgersThen?.get(asset);
    if (then !== undefined) return then;
    const found = await context.loaders.ledgers.ledger.load(ledgerKeyOf(member.memberKey, asset));
    return found ?? emptyLedger(member.tenantKey, member.memberKey, asset);
  }

  @FieldResolver(() => [Ledger], { description: 'Their ledgers: one for each asset of the program.' })
  async ledgers(@Root() member: Row<Member>, @Ctx() context: MemberContext): Promise<Ledger[]> {
    const { assets } = await context.services.programs.inForce(member.tenantKey);
    return await Promise.all([...assets.keys()].map((asset) => this.#ledgerOf(member, asset, context)));
  }

  @FieldResolver(() => GrantConnection, { description: 'The benefits granted to them, newest first.' })
  async grants(
    @Root() { memberKey }: Row<Member>,
    @Args(() => GrantArgs) { status = null, first, after = null }: GrantArgs,
    @Ctx() { loaders }: MemberContext,
  ): Promise<ConnectionOf<Grant>> {
    return await loaders.benefits.grantPage.load({ memberKey, status, first, after });
  }

  async #ledgerOf(
    { tenantKey, memberKey, ledgersThen }: Member,
    asset: string,
    { loaders }: MemberContext,
  ): Promise<Ledger> {
    const then = ledgersThen?.get(asset);
    if (then !== undefined) return then;
    const own = await loaders.ledgers.ledgersOfMember.load(memberKey);
    return own.find(({ assetCode }) => assetCode === asset) ?? emptyLedger(tenantKey, memberKey, asset);
  }
}

@Resolver(() => Tag)
export class TagResolver {
  @FieldResolver(() => String, {
    description: 'Its name in the caller’s language, or its code if the program names it not.',
  })
  async name(@Root() { code }: Row<Tag>, @Ctx() { request, services }: MemberContext): Promise<string> {
    const { definition } = await services.programs.inForce(request.tenantKey);
    const named = definition.tags.find((tag) => tag.code === code);
    return named === undefined ? code : localize(named.name, request.language);
  }
}

/** A ledger's owner: resolved here, above the ledgers. */
@Resolver(() => Ledger)
export class LedgerMemberResolver {
  @FieldResolver(() => Member, { description: 'Whose it is.' })
  async member(@Root() { memberKey }: Row<Ledger>, @Ctx() { loaders }: MemberContext): Promise<Member> {
    const member = await loaders.members.member.load(memberKey);
    if (member === null) throw new Error('A ledger has no member.');
    return member;
  }
}
