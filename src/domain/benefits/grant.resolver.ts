import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Mutation, Resolver, Root } from 'type-graphql';
import { toPublicId } from '../../kernel/ids.ts';
import {
  type ConnectionOf,
  MoneyObject,
  PageArgs,
  payloadOf,
  type Row,
  toMoneyObject,
} from '../shared/index.ts';
import type { BenefitContext } from './benefit.context.ts';
import { Benefit } from './benefit.entity.ts';
import {
  GrantBenefitInput,
  RevokeGrantInput,
  UndoBenefitUseInput,
  UseBenefitInput,
} from './benefit.inputs.ts';
import {
  GrantBenefitPayload,
  RevokeGrantPayload,
  UndoBenefitUsePayload,
  UseBenefitPayload,
} from './benefit.payloads.types.ts';
import { toBenefit, unknownBenefit } from './benefit.resolver.ts';
import { BenefitEffect, BenefitUse, BenefitUseConnection } from './benefit-use.entity.ts';
import { Grant } from './grant.entity.ts';

const GRANT_REFUSED: GrantBenefitPayload = { grant: null, userErrors: [] };
const USE_REFUSED: UseBenefitPayload = { use: null, grant: null, userErrors: [] };

@Resolver(() => Grant)
export class GrantResolver {
  @Mutation(() => GrantBenefitPayload, {
    description: 'Grants a benefit by hand, within what its limits and its stock leave.',
  })
  @Extensions({ roles: ['STAFF'] })
  grantBenefit(
    @Arg('input', () => GrantBenefitInput, { description: 'Who gets which benefit, and why.' })
    input: GrantBenefitInput,
    @Ctx() { request, services }: BenefitContext,
  ): Promise<GrantBenefitPayload> {
    return payloadOf(request, GRANT_REFUSED, async () => ({
      grant: await services.benefits.grant(request, input),
      userErrors: [],
    }));
  }

  @Mutation(() => RevokeGrantPayload, {
    description:
      'Takes a granted benefit back; an unused one gives its piece of the stock back. One that a tier gave ' +
      'comes again only when a tier that carries it is reached anew.',
  })
  @Extensions({ roles: ['STAFF'] })
  revokeGrant(
    @Arg('input', () => RevokeGrantInput, { description: 'Which granted benefit, and why.' })
    input: RevokeGrantInput,
    @Ctx() { request, services }: BenefitContext,
  ): Promise<RevokeGrantPayload> {
    return payloadOf(request, GRANT_REFUSED, async () => ({
      grant: await services.benefits.revoke(request, input),
      userErrors: [],
    }));
  }

  @Mutation(() => UseBenefitPayload, {
    description: 'Uses a granted benefit: at most as often as it allows, and only while it is valid.',
  })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  useBenefit(
    @Arg('input', () => UseBenefitInput, { description: 'Which granted benefit, where and what for.' })
    input: UseBenefitInput,
    @Ctx() { request, services }: BenefitContext,
  ): Promise<UseBenefitPayload> {
    return payloadOf(request, USE_REFUSED, async () => ({
      ...(await services.benefits.use(request, input)),
      userErrors: [],
    }));
  }

  @Mutation(() => UndoBenefitUsePayload, {
    description: 'Undoes a use, e.g. of an order that was cancelled: it counts no longer.',
  })
  @Extensions({ roles: ['STAFF'] })
  undoBenefitUse(
    @Arg('input', () => UndoBenefitUseInput, { description: 'Which use, and why.' })
    input: UndoBenefitUseInput,
    @Ctx() { request, services }: BenefitContext,
  ): Promise<UndoBenefitUsePayload> {
    return payloadOf(request, USE_REFUSED, async () => ({
      ...(await services.benefits.undo(request, input)),
      userErrors: [],
    }));
  }

  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() { grantKey }: Row<Grant>): string {
    return toPublicId('grant', grantKey);
  }

  @FieldResolver(() => Benefit, {
    description: 'What was granted, as the program is now, or as it was when it last had it.',
  })
  async benefit(
    @Root() { benefitCode }: Row<Grant>,
    @Ctx() { request, services }: BenefitContext,
  ): Promise<Benefit> {
    const definition = await services.benefits.definitionOf(request.tenantKey, benefitCode);
    return definition === null ? unknownBenefit(benefitCode) : toBenefit(definition);
  }

  @FieldResolver(() => BenefitUseConnection, { description: 'Its uses, newest first; also those undone.' })
  async uses(
    @Root() { grantKey }: Row<Grant>,
    @Args(() => PageArgs) { first, after = null }: PageArgs,
    @Ctx() { loaders }: BenefitContext,
  ): Promise<ConnectionOf<BenefitUse>> {
    return await loaders.benefits.usePage.load({ grantKey, first, after });
  }
}

@Resolver(() => BenefitUse)
export class BenefitUseResolver {
  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() { useKey }: Row<BenefitUse>): string {
    return toPublicId('use', useKey);
  }

  @FieldResolver(() => BenefitEffect, { description: 'What it does; the till applies it.' })
  effect(@Root() { effectKind, effectValue }: Row<BenefitUse>): BenefitEffect {
    return { kind: effectKind, value: effectValue };
  }

  @FieldResolver(() => MoneyObject, {
    nullable: true,
    description: 'What the order came to; null if it was not told.',
  })
  orderAmount(@Root() { orderAmountMinor, currency }: Row<BenefitUse>): MoneyObject | null {
    return orderAmountMinor === null || currency === null
      ? null
      : toMoneyObject({ minor: orderAmountMinor, currency });
  }
}
