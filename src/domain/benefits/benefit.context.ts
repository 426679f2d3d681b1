import type { RequestContext } from '../../kernel/request-context.ts';
import type { ProgramService } from '../programs/index.ts';
import type { BenefitLoaders } from './benefit.loaders.ts';
import type { BenefitService } from './benefit.service.ts';

/** What the resolvers of benefits need from the request. */
export interface BenefitContext {
  readonly request: RequestContext;
  readonly services: { readonly programs: ProgramService; readonly benefits: BenefitService };
  readonly loaders: { readonly benefits: BenefitLoaders };
}
