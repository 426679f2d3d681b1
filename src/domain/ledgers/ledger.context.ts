import type { RequestContext } from '../../kernel/request-context.ts';
import type { ProgramService } from '../programs/index.ts';
import type { LedgerLoaders } from './ledger.loaders.ts';
import type { LedgerService } from './ledger.service.ts';

/** What the resolvers of ledgers need from the request. */
export interface LedgerContext {
  readonly request: RequestContext;
  readonly services: { readonly programs: ProgramService; readonly ledgers: LedgerService };
  readonly loaders: { readonly ledgers: LedgerLoaders };
}
