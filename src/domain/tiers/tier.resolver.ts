import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import { localize } from '../../kernel/localized.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Row } from '../shared/index.ts';
import { Tier } from './tier.entity.ts';

@Resolver(() => Tier)
export class TierResolver {
  @FieldResolver(() => String, { description: 'Its name, in the caller’s language.' })
  name(@Root() { names }: Row<Tier>, @Ctx() { request }: { readonly request: RequestContext }): string {
    return localize(names, request.language);
  }
}
