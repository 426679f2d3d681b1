import type { RequestContext } from '../../kernel/request-context.ts';
import type { ProgramService } from '../programs/index.ts';
import type { TierLoaders } from './tier.loaders.ts';
import type { TierService } from './tier.service.ts';

/** What the resolvers of tiers need from the request. */
export interface TierContext {
  readonly request: RequestContext;
  readonly services: { readonly programs: ProgramService; readonly tiers: TierService };
  readonly loaders: { readonly tiers: TierLoaders };
}
