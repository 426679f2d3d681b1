import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { ProgramService } from '../programs/index.ts';
import type { Row } from '../shared/index.ts';
import { Tier } from '../tiers/index.ts';
import { Benefit } from './benefit.entity.ts';
import { toBenefit } from './benefit.resolver.ts';

/** What a tier gives: resolved here, above the tiers. */
@Resolver(() => Tier)
export class TierBenefitsResolver {
  @FieldResolver(() => [Benefit], { description: 'What is granted while it is held.' })
  async benefits(
    @Root() { ladder, rank }: Row<Tier>,
    @Ctx()
    {
      request,
      services,
    }: { readonly request: RequestContext; readonly services: { readonly programs: ProgramService } },
  ): Promise<Benefit[]> {
    const codes = ladder?.definition.tiers[rank - 1]?.benefits ?? [];
    const { definition } = await services.programs.inForce(request.tenantKey);
    return codes.flatMap((code) => definition.benefits.filter((one) => one.code === code).map(toBenefit));
  }
}
