import { Refusal, RequestFault } from '../../kernel/errors.ts';
import {
  claimKey,
  type Database,
  findResult,
  idempotentRequest,
  type Transaction,
} from '../../persistence/index.ts';

/** What staff do to the tenant itself: rare, and asking no program. */
export interface TenantAct<Prepared, Stored> {
  readonly mutation: string;
  readonly input: { idempotencyKey: string; dryRun?: boolean | null };
  /** Checks what needs no transaction. */
  prepare(): Promise<Prepared>;
  /** Does it, in one transaction with the key's claim; what it answers is kept under the key. */
  commit(tx: Transaction, prepared: Prepared): Promise<Stored>;
}

/** What came of an act. */
export interface Acted<Prepared, Stored> {
  readonly stored: Stored;
  /** Null when the key answered. */
  readonly prepared: Prepared | null;
  /** Whether it was written now: not replayed, not a dry run. */
  readonly written: boolean;
}

/**
 * Carries an act out once per idempotency key. No other transaction of the tenant runs meanwhile, so whoever
 * had the key before is seen, and everybody else sees what was changed from their first statement on.
 * @throws Refusal IDEMPOTENCY_CONFLICT, IDEMPOTENCY_KEY_INVALID, and what the act throws
 */
export async function carryOut<Prepared, Stored>(
  database: Database,
  tenantKey: string,
  act: TenantAct<Prepared, Stored>,
): Promise<Acted<Prepared, Stored>> {
  const request = idempotentRequest(act.mutation, act.input);
  const replayed = async (sql = database.read(tenantKey)): Promise<Acted<Prepared, Stored> | null> => {
    const stored = await findResult<Stored>(sql, tenantKey, request);
    return stored === null ? null : { stored, prepared: null, written: false };
  };
  const known = await replayed();
  if (known !== null) return known;
  const dryRun = act.input.dryRun === true;
  const prepared = await act.prepare();
  try {
    return await database.transaction(
      tenantKey,
      async (tx) => {
        const meanwhile = await replayed(tx);
        if (meanwhile !== null) return meanwhile;
        const stored = await act.commit(tx, prepared);
        if (!dryRun) await claimKey(tx, tenantKey, request, stored);
        return { stored, prepared, written: !dryRun };
      },
      { alone: true, dryRun },
    );
  } catch (error) {
    if (dryRun || error instanceof Refusal || error instanceof RequestFault) throw error;
    // Lost from sight at COMMIT: the key tells whether it was done.
    const done = await replayed().catch(() => null);
    if (done === null) throw error;
    return done;
  }
}
