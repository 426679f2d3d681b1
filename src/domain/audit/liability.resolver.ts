import { Arg, Ctx, Extensions, FieldResolver, Resolver } from 'type-graphql';
import { RequestFault } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { moneyOf, Program, type ProgramService, rateOf, toAsset } from '../programs/index.ts';
import { DateTimeScalar } from '../shared/index.ts';
import type { AuditService } from './audit.service.ts';
import { LiabilityObject } from './liability.types.ts';

interface LiabilityContext {
  readonly request: RequestContext;
  readonly services: { readonly audit: AuditService; readonly programs: ProgramService };
}

/** What a program owes: resolved here, above the programs. */
@Resolver(() => Program)
export class LiabilityResolver {
  @FieldResolver(() => [LiabilityObject], {
    description: 'What is owed to members, by asset: one line for each that anything was ever given of.',
  })
  @Extensions({ roles: ['STAFF'] })
  async liability(
    @Ctx() { request, services }: LiabilityContext,
    @Arg('at', () => DateTimeScalar, {
      nullable: true,
      description: 'After everything recorded by this moment; now when missing.',
    })
    at?: Date | null,
  ): Promise<LiabilityObject[]> {
    const { assets, definition } = await services.programs.inForce(request.tenantKey);
    const found = await services.audit.liabilities(request.tenantKey, at ?? null);
    return found.flatMap(({ asset, inFuture, ...sums }): LiabilityObject[] => {
      if (inFuture) throw new RequestFault('AT_IN_FUTURE', { field: ['at'] });
      const own = assets.get(asset);
      if (own === undefined) return [];
      const { issued, redeemed, paidBack, breakage, adjusted, outstanding, paid, bonus } = sums;
      const rate = rateOf(own, definition.currency);
      return [
        {
          asset: toAsset(own, definition.currency),
          at: sums.at,
          issued: String(issued),
          redeemed: String(redeemed),
          paidBack: String(paidBack),
          breakage: String(breakage),
          adjusted: String(adjusted),
          outstanding: String(outstanding),
          paid: String(paid),
          bonus: String(bonus),
          worth: rate === undefined ? null : moneyOf(rate, outstanding, definition.currency),
        },
      ];
    });
  }
}
