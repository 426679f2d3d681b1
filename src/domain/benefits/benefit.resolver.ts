import { Ctx, Extensions, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { localize } from '../../kernel/localized.ts';
import type { BenefitDefinition } from '../programs/index.ts';
import type { Row } from '../shared/index.ts';
import type { BenefitContext } from './benefit.context.ts';
import { Benefit, BenefitKind, BenefitLevel } from './benefit.entity.ts';

@Resolver(() => Benefit)
export class BenefitResolver {
  @Query(() => [Benefit], { description: 'The program’s catalogue of benefits.' })
  @Extensions({ roles: ['STAFF'] })
  async benefits(@Ctx() { request, services }: BenefitContext): Promise<Benefit[]> {
    const { definition } = await services.programs.inForce(request.tenantKey);
    return definition.benefits.map(toBenefit);
  }

  @FieldResolver(() => String, { description: 'Its name, in the caller’s language.' })
  name(@Root() { names }: Row<Benefit>, @Ctx() { request }: BenefitContext): string {
    return localize(names, request.language);
  }
}

/** A benefit of a program's definition as GraphQL shows it. */
export function toBenefit({
  code,
  name,
  kind,
  level,
  value,
  uses,
  limits,
  stock,
}: BenefitDefinition): Benefit {
  return {
    code,
    names: name,
    kind: BenefitKind[kind],
    level: BenefitLevel[level],
    value: value ?? null,
    uses: { perGrant: uses?.perGrant ?? null, perDay: uses?.perDay ?? null, total: uses?.total ?? null },
    limits: {
      perMember: limits?.perMember ?? null,
      perDay: limits?.perDay ?? null,
      total: limits?.total ?? null,
    },
    stock: stock ?? null,
  };
}

/** What is shown of a benefit that no version of the program has. */
export function unknownBenefit(code: string): Benefit {
  return {
    code,
    names: { en: code },
    kind: BenefitKind.ACCESS,
    level: BenefitLevel.BASIC,
    value: null,
    uses: { perGrant: null, perDay: null, total: null },
    limits: { perMember: null, perDay: null, total: null },
    stock: null,
  };
}
