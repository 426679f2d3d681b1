import type { RequestContext } from '../../kernel/request-context.ts';
import type { ProgramService } from '../programs/index.ts';
import type { HoldService } from './hold.service.ts';
import type { LedgerLoaders } from './ledger.loaders.ts';
import type { LedgerService } from './ledger.service.ts';
import type { MirrorService } from './mirror.service.ts';
import type { ReversalService } from './reversal.service.ts';
import type { StoredValueService } from './stored-value.service.ts';
import type { TransferService } from './transfer.service.ts';

/** What the resolvers of ledgers need from the request. */
export interface LedgerContext {
  readonly request: RequestContext;
  readonly services: {
    readonly programs: ProgramService;
    readonly ledgers: LedgerService;
    readonly holds: HoldService;
    readonly reversals: ReversalService;
    readonly transfers: TransferService;
    readonly storedValue: StoredValueService;
    readonly mirrors: MirrorService;
  };
  readonly loaders: { readonly ledgers: LedgerLoaders };
}
