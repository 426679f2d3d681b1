import { Ctx, Extensions, FieldResolver, Resolver } from 'type-graphql';
import type { RequestContext } from '../../kernel/request-context.ts';
import { Program } from '../programs/index.ts';
import type { LiveService } from './live.service.ts';

@Resolver(() => Program)
export class ProgramCursorResolver {
  @FieldResolver(() => String, {
    description:
      'A cursor for every stream of the tenant: what is read first and followed from here has no gap.',
  })
  @Extensions({ roles: ['STAFF'] })
  async eventCursor(
    @Ctx() { request, services }: { request: RequestContext; services: { live: LiveService } },
  ): Promise<string> {
    return await services.live.cursorNow(request);
  }
}
