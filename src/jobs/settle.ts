import { LedgerReads, type LedgerWriter } from '../domain/ledgers/index.ts';
import type { ProgramService } from '../domain/programs/index.ts';
import type { TenantService } from '../domain/tenants/index.ts';
import type { FeedListener } from '../events/index.ts';
import type { Database } from '../persistence/index.ts';

const LEDGERS_A_READ = 500;
const LEDGERS_A_TRANSACTION = 20;

/** What the job stands on. */
export interface SettleParts {
  readonly database: Database;
  readonly tenants: TenantService;
  readonly programs: ProgramService;
  readonly writer: LedgerWriter;
  readonly listener: FeedListener;
}

/**
 * Writes down what time has done to a tenant's ledgers: lots that fell due and lots that expired. Balances
 * are right without it, since every read and every posting settles for itself; this is for reports and
 * events. Two that run at once do each thing once, because a ledger is settled under its lock.
 * @returns how many operations were made
 */
export async function settleTenant(parts: SettleParts, tenantKey: string): Promise<number> {
  const { database, programs, writer, listener } = parts;
  let made = 0;
  for (;;) {
    const due = await new LedgerReads(database.read(tenantKey), tenantKey).due(LEDGERS_A_READ);
    let progress = 0;
    for (let from = 0; from < due.length; from += LEDGERS_A_TRANSACTION) {
      const keys = due.slice(from, from + LEDGERS_A_TRANSACTION);
      const { settled } = await programs.underProgram(tenantKey, (program) =>
        database.transaction(tenantKey, (tx) =>
          writer.settle(tx, { tenantKey, program, facts: programs.recheck(tx, program) }, keys),
        ),
      );
      if (settled.length > 0) listener.posted(tenantKey);
      progress += settled.length;
    }
    made += progress;
    if (due.length < LEDGERS_A_READ || progress === 0) return made;
  }
}

/** Settles every tenant that has a program. */
export async function settleAll(parts: SettleParts): Promise<number> {
  let made = 0;
  for (const { key } of await parts.tenants.list()) {
    const facts = await parts.tenants.facts(key);
    if (facts !== null && facts.programVersion !== null) made += await settleTenant(parts, key);
  }
  return made;
}
