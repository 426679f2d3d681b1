import { Ctx, FieldResolver, ID, Resolver, Root } from 'type-graphql';
import { toPublicId } from '../../kernel/ids.ts';
import { localize } from '../../kernel/localized.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { ProgramService } from '../programs/index.ts';
import type { Row } from '../shared/index.ts';
import { Benefit, BenefitKind, BenefitLevel, Grant } from './benefit.entity.ts';

/** What the resolvers of benefits need from the request. */
interface BenefitContext {
  readonly request: RequestContext;
  readonly services: { readonly programs: ProgramService };
}

@Resolver(() => Benefit)
export class BenefitResolver {
  @FieldResolver(() => String, { description: 'Its name, in the caller’s language.' })
  name(@Root() { names }: Row<Benefit>, @Ctx() { request }: BenefitContext): string {
    return localize(names, request.language);
  }
}

@Resolver(() => Grant)
export class GrantResolver {
  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() { grantKey }: Row<Grant>): string {
    return toPublicId('grant', grantKey);
  }

  @FieldResolver(() => Benefit, { description: 'What was granted.' })
  async benefit(
    @Root() { benefitCode }: Row<Grant>,
    @Ctx() { request, services }: BenefitContext,
  ): Promise<Benefit> {
    const { definition } = await services.programs.inForce(request.tenantKey);
    const found = definition.benefits.find(({ code }) => code === benefitCode);
    if (found === undefined) throw new Error(`The program has no benefit "${benefitCode}".`);
    const { code, name, kind, level } = found;
    return { code, names: name, kind: BenefitKind[kind], level: BenefitLevel[level] };
  }
}
