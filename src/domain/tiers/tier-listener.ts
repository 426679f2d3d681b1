import type { Transaction } from '../../persistence/index.ts';
import type { PinnedProgram } from '../programs/index.ts';

/** The transaction's facts, for whoever follows tiers. */
export interface TierListenerContext {
  readonly tenantKey: string;
  readonly program: PinnedProgram;
  readonly now: Date;
}

/** Told, within the transaction, whose tiers have changed: what a tier carries is put right there. */
export interface TierListener {
  changed(tx: Transaction, context: TierListenerContext, memberKeys: readonly string[]): Promise<void>;
}
