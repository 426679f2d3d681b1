import { Arg, Ctx, Extensions, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { toPublicId } from '../../kernel/ids.ts';
import { localize } from '../../kernel/localized.ts';
import { payloadOf, type Row } from '../shared/index.ts';
import { laddersOf } from './ladder.policy.ts';
import type { TierContext } from './tier.context.ts';
import { Tier, TierLadder, TierQualification, TierRetentionRule } from './tier.entity.ts';
import { SetTierInput } from './tier.inputs.ts';
import { SetTierPayload } from './tier.payloads.types.ts';
import { qualificationOf, retentionOf, tierNamed, toTierLadder } from './tier.snapshot.ts';
import { TierChange } from './tier-change.entity.ts';

@Resolver(() => Tier)
export class TierResolver {
  @FieldResolver(() => String, { description: 'Its name, in the caller’s language.' })
  name(@Root() { names }: Row<Tier>, @Ctx() { request }: TierContext): string {
    return localize(names, request.language);
  }

  @FieldResolver(() => [TierQualification], {
    description: 'What reaches it; empty for a tier that everybody holds from the beginning.',
  })
  qualification(@Root() tier: Row<Tier>): TierQualification[] {
    return qualificationOf(tier);
  }

  @FieldResolver(() => TierRetentionRule, {
    nullable: true,
    description: 'What keeps it; null without such a rule, and where nothing is asked.',
  })
  retention(@Root() tier: Row<Tier>): TierRetentionRule | null {
    return retentionOf(tier);
  }

  @FieldResolver(() => Int, { nullable: true, description: 'How many members hold it; null for members.' })
  async memberCount(
    @Root() { ladder, code }: Row<Tier>,
    @Ctx() { request, loaders }: TierContext,
  ): Promise<number | null> {
    if (request.caller.role !== 'STAFF' || ladder === null) return null;
    return (await loaders.tiers.holders.load(ladder.code)).get(code) ?? 0;
  }
}

@Resolver(() => TierLadder)
export class TierLadderResolver {
  @Query(() => TierLadder, { nullable: true, description: 'A ladder of tiers; null if there is none.' })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  async tierLadder(
    @Ctx() context: TierContext,
    @Arg('code', () => String, { nullable: true, description: 'Its code; the primary one when missing.' })
    code?: string | null,
  ): Promise<TierLadder | null> {
    const ladders = await this.tierLadders(context);
    return (
      (code === null || code === undefined ? ladders[0] : ladders.find((one) => one.code === code)) ?? null
    );
  }

  @Query(() => [TierLadder], { description: 'All ladders of the program, the primary one first.' })
  @Extensions({ roles: ['STAFF'] })
  async tierLadders(@Ctx() { request, services }: TierContext): Promise<TierLadder[]> {
    const { definition } = await services.programs.inForce(request.tenantKey);
    const showsHidden = request.caller.role === 'STAFF';
    return laddersOf(definition).all.map((ladder) => toTierLadder(ladder, definition, showsHidden));
  }

  @FieldResolver(() => String, { description: 'Its name, in the caller’s language.' })
  name(@Root() { names }: Row<TierLadder>, @Ctx() { request }: TierContext): string {
    return localize(names, request.language);
  }
}

@Resolver(() => TierChange)
export class TierChangeResolver {
  @Mutation(() => SetTierPayload, {
    description:
      'Gives a member a tier by hand: one above what they reached is kept until its end, from one below they aren’t raised before.',
  })
  @Extensions({ roles: ['STAFF'] })
  setTier(
    @Arg('input', () => SetTierInput, { description: 'Who gets which tier, why and until when.' })
    input: SetTierInput,
    @Ctx() { request, services }: TierContext,
  ): Promise<SetTierPayload> {
    const refused: SetTierPayload = { memberKey: null, change: null, userErrors: [] };
    return payloadOf(request, refused, async () => {
      const change = await services.tiers.set(request, input);
      const { memberKey, ladder, toTier } = change;
      const { definition } = await services.programs.inForce(request.tenantKey);
      if (definition.ladders[0]?.code !== ladder) return { memberKey, change, userErrors: [] };
      const tierThen = toTier === null ? null : tierNamed(definition, ladder, toTier);
      return { memberKey, tierThen, change, userErrors: [] };
    });
  }

  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() { changeKey }: Row<TierChange>): string {
    return toPublicId('tierChange', changeKey);
  }

  @FieldResolver(() => Tier, { nullable: true, description: 'The tier before; null without one.' })
  async from(@Root() change: Row<TierChange>, @Ctx() context: TierContext): Promise<Tier | null> {
    return await named(change.ladder, change.fromTier, context);
  }

  @FieldResolver(() => Tier, { nullable: true, description: 'The tier after; null without one.' })
  async to(@Root() change: Row<TierChange>, @Ctx() context: TierContext): Promise<Tier | null> {
    return await named(change.ladder, change.toTier, context);
  }
}

async function named(
  ladder: string,
  code: string | null,
  { request, services }: TierContext,
): Promise<Tier | null> {
  if (code === null) return null;
  return tierNamed((await services.programs.inForce(request.tenantKey)).definition, ladder, code);
}
