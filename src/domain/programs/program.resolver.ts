import { Ctx, Extensions, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { localize } from '../../kernel/localized.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Row } from '../shared/index.ts';
import { Asset, Program } from './program.entity.ts';
import type { ProgramService } from './program.service.ts';

/** What the resolvers of programs need from the request. */
interface ProgramContext {
  readonly request: RequestContext;
  readonly services: { readonly programs: ProgramService };
}

@Resolver(() => Program)
export class ProgramResolver {
  @Query(() => Program, {
    nullable: true,
    description: 'The program in force; null while the tenant has none.',
  })
  @Extensions({ roles: ['STAFF'] })
  async program(@Ctx() { request, services }: ProgramContext): Promise<Program | null> {
    return await services.programs.describe(request.tenantKey);
  }

  @FieldResolver(() => String, { description: 'Its name, in the caller’s language.' })
  name(@Root() program: Row<Program>, @Ctx() { request }: ProgramContext): string {
    return localize(program.definition.name, request.language);
  }
}

@Resolver(() => Asset)
export class AssetResolver {
  @FieldResolver(() => String, { description: 'Its name, in the caller’s language.' })
  name(@Root() asset: Row<Asset>, @Ctx() { request }: ProgramContext): string {
    return localize(asset.definition.name, request.language);
  }
}
