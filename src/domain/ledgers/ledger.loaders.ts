import DataLoader from 'dataloader';
import { MAX_POINTS } from '../../kernel/points.ts';
import type { Sql } from '../../persistence/index.ts';
import type { ConnectionOf } from '../shared/index.ts';
import { toPage } from '../shared/index.ts';
import type { Entry } from './entry.entity.ts';
import type { BriefEntry } from './entry.lookahead.ts';
import { type FoundHold, findHolds } from './hold.repository.ts';
import { entryCursor } from './ledger.cursors.ts';
import type { ExpiringAmount, Ledger } from './ledger.entity.ts';
import { LedgerReads } from './ledger-read.repository.ts';
import type { Allocation } from './lot.entity.ts';
import type { LedgerOperation } from './operation.entity.ts';
import type { RecordChange } from './record-change.entity.ts';
import { findChanges } from './record-change.repository.ts';
import type { LedgerRecord, LogPage, RecordLine } from './record-reading.ts';
import type { Portions } from './stored-value.policy.ts';
import { findPortions } from './stored-value.repository.ts';

interface EntryPageKey {
  readonly ledgerKey: string;
  /** Entries of lower versions; null = from the newest. */
  readonly before: bigint | null;
  readonly first: number;
  /** Whether nothing is asked of its entries but what is brief. */
  readonly isBrief: boolean;
}

interface ExpiringKey {
  readonly ledgerKey: string;
  readonly timeZone: string;
  readonly days: string;
  readonly time: string;
}

/** The batched reads of one request: one statement a kind of thing, however many are asked for. */
export interface LedgerLoaders {
  readonly reads: LedgerReads;
  readonly ledgersOfMember: DataLoader<string, Ledger[]>;
  readonly ledger: DataLoader<string, Ledger | null>;
  readonly entryPage: DataLoader<EntryPageKey, ConnectionOf<BriefEntry>, string>;
  readonly entry: DataLoader<{ ledgerKey: string; version: bigint }, Entry | null, string>;
  readonly expiring: DataLoader<ExpiringKey, ExpiringAmount[], string>;
  /** What can be spent of stored value, by portion. */
  readonly portions: DataLoader<string, Portions>;
  /** Of ledgers that mirror another system's; null where there is no answer. */
  readonly record: DataLoader<Ledger, LedgerRecord | null, string>;
  /** A page of a log that another system keeps; null where there is none. */
  readonly recordLog: RecordSource['log'];
  readonly operation: DataLoader<string, LedgerOperation | null>;
  readonly hold: DataLoader<string, FoundHold | null>;
  readonly allocations: DataLoader<string, Allocation[]>;
  /** What was asked of who keeps a record elsewhere, by operation. */
  readonly change: DataLoader<string, RecordChange | null>;
}

/** What asks the systems that keep records elsewhere. */
export interface RecordSource {
  recent(ledgers: readonly Ledger[]): Promise<(LedgerRecord | null | Error)[]>;
  log(ledger: Ledger, page: LogPage): Promise<RecordLine[] | null>;
}

const NOBODY: RecordSource = { recent: async (ledgers) => ledgers.map(() => null), log: async () => null };

/** @param records nobody is asked for records that are kept elsewhere, when missing */
export function createLedgerLoaders(
  sql: Sql,
  tenantKey: string,
  records: RecordSource = NOBODY,
): LedgerLoaders {
  const reads = new LedgerReads(sql, tenantKey);
  return {
    reads,
    ledgersOfMember: new DataLoader(async (keys) => {
      const byMember = Map.groupBy(await reads.byMembers(keys), ({ memberKey }) => memberKey);
      return keys.map((key) => byMember.get(key) ?? []);
    }),
    ledger: new DataLoader(async (keys) => {
      const byKey = new Map((await reads.byKeys(keys)).map((ledger) => [ledger.ledgerKey, ledger]));
      return keys.map((key) => byKey.get(key) ?? null);
    }),
    entryPage: new DataLoader((keys) => loadEntryPages(reads, tenantKey, keys), {
      cacheKeyFn: ({ ledgerKey, before, first, isBrief }) => `${ledgerKey}:${before}:${first}:${isBrief}`,
    }),
    entry: new DataLoader(
      async (keys) => {
        const found = new Map(
          (await reads.entries(keys)).map((entry) => [`${entry.ledgerKey}:${entry.version}`, entry]),
        );
        return keys.map(({ ledgerKey, version }) => found.get(`${ledgerKey}:${version}`) ?? null);
      },
      { cacheKeyFn: ({ ledgerKey, version }) => `${ledgerKey}:${version}` },
    ),
    expiring: new DataLoader((keys) => loadExpiring(reads, keys), {
      cacheKeyFn: ({ ledgerKey, days, time }) => `${ledgerKey}:${days}:${time}`,
    }),
    portions: new DataLoader(async (keys) => {
      const byLedger = await findPortions(sql, tenantKey, keys);
      return keys.map((key) => byLedger.get(key) ?? { paid: 0n, bonus: 0n });
    }),
    hold: new DataLoader(async (keys) => {
      const byKey = new Map((await findHolds(sql, tenantKey, keys)).map((hold) => [hold.holdKey, hold]));
      return keys.map((key) => byKey.get(key) ?? null);
    }),
    record: new DataLoader((ledgers) => records.recent(ledgers), {
      cacheKeyFn: ({ ledgerKey }) => ledgerKey,
    }),
    recordLog: (ledger, page) => records.log(ledger, page),
    operation: new DataLoader(async (keys) => {
      const byKey = new Map(
        (await reads.operations(keys)).map((operation) => [operation.operationKey, operation]),
      );
      return keys.map((key) => byKey.get(key) ?? null);
    }),
    change: new DataLoader(
      async (keys) => {
        const found = await findChanges(sql, tenantKey, keys);
        const byKey = new Map(found.map((change) => [change.operationKey, change]));
        return keys.map((key) => byKey.get(key) ?? null);
      },
      // It may be answered while it is followed.
      { cache: false },
    ),
    allocations: new DataLoader(async (keys) => {
      const byOperation = Map.groupBy(await reads.allocations(keys), ({ operation }) => operation);
      return keys.map((key) =>
        (byOperation.get(key) ?? []).map(({ taken, ...lot }) => ({ lot, amount: taken })),
      );
    }),
  };
}

async function loadEntryPages(
  reads: LedgerReads,
  tenantKey: string,
  keys: readonly EntryPageKey[],
): Promise<ConnectionOf<BriefEntry>[]> {
  const pages = new Map<EntryPageKey, ConnectionOf<BriefEntry>>();
  const alike = Map.groupBy(keys, ({ first, isBrief }) => `${first} ${isBrief}`);
  await Promise.all(
    [...alike.values()].map(async (same) => {
      const [like] = same;
      if (like === undefined) return;
      const { first, isBrief } = like;
      const wanted = same.map(({ ledgerKey, before }) => ({ ledgerKey, before: before ?? MAX_POINTS }));
      const byLedger = Map.groupBy(
        await reads.entryPages(wanted, first, isBrief),
        ({ ledgerKey }) => ledgerKey,
      );
      for (const key of same) {
        const before = key.before ?? MAX_POINTS;
        const rows = (byLedger.get(key.ledgerKey) ?? []).filter(({ version }) => version < before);
        pages.set(
          key,
          toPage(rows, first, (entry) => entryCursor(tenantKey, key.ledgerKey, entry.version)),
        );
      }
    }),
  );
  return keys.map((key) => pages.get(key) ?? toPage<BriefEntry>([], 0, () => ''));
}

async function loadExpiring(reads: LedgerReads, keys: readonly ExpiringKey[]): Promise<ExpiringAmount[][]> {
  const found = new Map<ExpiringKey, ExpiringAmount[]>();
  const bySpan = Map.groupBy(keys, ({ days, time }) => `${days} ${time}`);
  await Promise.all(
    [...bySpan.values()].map(async (same) => {
      const [span] = same;
      if (span === undefined) return;
      const ledgerKeys = same.map(({ ledgerKey }) => ledgerKey);
      const byLedger = Map.groupBy(
        await reads.expiring(ledgerKeys, span.timeZone, span),
        ({ ledgerKey }) => ledgerKey,
      );
      for (const key of same) found.set(key, byLedger.get(key.ledgerKey) ?? []);
    }),
  );
  return keys.map((key) => found.get(key) ?? []);
}
