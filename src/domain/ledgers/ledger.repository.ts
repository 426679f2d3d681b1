import { type Sql, type Statement, statement, type Transaction } from '../../persistence/index.ts';
import type { Entry } from './entry.entity.ts';
import { sendHolds } from './hold.repository.ts';
import type { LedgerDraft } from './ledger.policy.ts';
import {
  type DraftAllocation,
  explanationOf,
  inputHashOf,
  paysBack,
  wholeOperations,
} from './ledger-draft.ts';
import { deferLegs } from './leg.repository.ts';
import type { LedgerState, LotState } from './posting.ts';

/** One by one in the order in which they come, each by its whole key. */
const lockLedgers = statement<LockedLedger>(
  'ledger.lock',
  `select l.* from unnest($2::uuid[]) as k (ledger_id)
    cross join lateral (
      select tenant_id as "tenantKey", ledger_id as "ledgerKey", member_id as "memberKey", asset, posted, pending,
             held, debt, version, recorded_at as "recordedAt", settle_at as "settleAt"
        from ledger where tenant_id = $1 and ledger_id = k.ledger_id for update) l`,
);
/** Ordered so that the primary key is the cheapest way, also on an empty table. */
const selectStatuses = statement<{ memberKey: string; status: string }>(
  'ledger.member_status',
  `select member_id as "memberKey", status from member where tenant_id = $1 and member_id = any($2::uuid[])
    order by member_id`,
);
const insertLedgers = statement(
  'ledger.ensure',
  `insert into ledger (tenant_id, ledger_id, member_id, asset, floor)
   select $1, * from unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[]) on conflict do nothing`,
);
const selectOpenLots = statement<LotState>(
  'lot.open',
  `select ledger_id as "ledgerKey", lot_id as "lotKey", operation_id as "operationKey", amount, remaining, held,
          pending, available_at as "availableAt", expires_at as "expiresAt", created_at as "createdAt",
          matured_at as "maturedAt", origin_lot_id as "originLotKey", awaits, idles, portion,
          case when held > 0 then (
            select json_agg(json_build_object(
                     'part', p.amount::text, 'holdKey', h.hold_id, 'operationKey', h.operation_id,
                     'amount', h.amount::text, 'captured', h.captured::text, 'released', h.released::text,
                     'expiresAt', extract(epoch from h.expires_at) * 1000,
                     'createdAt', extract(epoch from h.created_at) * 1000))
              from hold h
             cross join lateral (
               select sum(a.amount) as amount from hold_lot a
                where a.tenant_id = $1 and a.ledger_id = h.ledger_id and a.hold_id = h.hold_id
                  and a.lot_id = lot.lot_id) p
             where h.tenant_id = $1 and h.ledger_id = lot.ledger_id and h.status = 'ACTIVE' and p.amount > 0)
          end as "heldBy"
     from lot where tenant_id = $1 and ledger_id = any($2::uuid[]) and remaining > 0
    order by ledger_id, expires_at, lot_id`,
);
const insertOperations = statement(
  'operation.insert',
  `insert into operation (tenant_id, operation_id, kind, program_version, activity_id, reason, reference_type,
                          reference_id, ref_operation_id, explanation, ledger_ids, versions, created_at,
                          input_hash, pays_back)
   select $1, o.operation_id, o.kind, $3, o.activity_id, o.reason, o.reference_type, o.reference_id,
          o.ref_operation_id, o.explanation, o.ledger_ids, o.versions, $4,
          decode(o.input_hash, 'hex'), o.pays_back
     from json_to_recordset($2::json) as o (operation_id uuid, kind text, activity_id uuid, reason text,
          reference_type text, reference_id text, ref_operation_id uuid, explanation jsonb, ledger_ids uuid[],
          versions bigint[], input_hash text, pays_back boolean)`,
);
const insertLots = statement(
  'lot.insert',
  `insert into lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, pending, available_at,
                    expires_at, created_at, matured_at, origin_lot_id, awaits, idles, portion)
   select $1, * from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[],
                            $8::boolean[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[],
                            $12::timestamptz[], $13::uuid[], $14::text[], $15::boolean[], $16::text[])`,
);
/**
 * Finds each lot by its whole key, whatever the tables held when this was planned; a join would compare each
 * with all others then. A lot that isn't there can't be meant: whoever changes one has read it under the lock.
 */
const updateLots = statement(
  'lot.update',
  `insert into lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, pending, available_at,
                    expires_at, created_at, matured_at)
   select $1, * from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[],
                            $8::boolean[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[],
                            $12::timestamptz[])
   on conflict (tenant_id, ledger_id, lot_id) do update
      set remaining = excluded.remaining, held = excluded.held, pending = excluded.pending,
          matured_at = excluded.matured_at, available_at = excluded.available_at,
          expires_at = excluded.expires_at`,
);
const insertAllocations = statement(
  'allocation.insert',
  `insert into allocation (tenant_id, operation_id, ledger_id, lot_id, amount, recorded_at, expired, place)
   select $1, * from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::timestamptz[], $7::bigint[],
                            $8::integer[])`,
);
/**
 * The feed's position is taken here, last, because its lock is held until the commit. The ledgers, which are
 * there and locked, are found by their whole keys, as lots are.
 */
const writeEntries = statement<{ ledgerKey: string; version: bigint; feedPosition: bigint }>(
  'entry.write',
  `with drafted as (
     select e.*, row_number() over () as place
       from unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
                   $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::timestamptz[],
                   $14::timestamptz[],
                   $15::timestamptz[], $16::timestamptz[], $25::bigint[])
         as e (ledger_id, version, operation_id, kind, amount, posted_delta, pending_delta, posted_after,
               pending_after, held_after, reason, available_at, expires_at, occurred_at, recorded_at,
               held_delta)),
   feed as (
     update tenant_feed set position = position + (select count(*) from drafted)
      where tenant_id = $1 returning position - (select count(*) from drafted) as before),
   left_as as (
     insert into ledger (tenant_id, ledger_id, member_id, asset, posted, pending, held, debt, version,
                         settle_at, recorded_at, feed_position)
     select $1, s.ledger_id, s.member_id, s.asset, s.posted, s.pending, s.held, s.debt, s.version,
            s.settle_at, s.recorded_at, (select before from feed) + s.last_place
       from unnest($17::uuid[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[],
                   $23::timestamptz[], $24::timestamptz[], $26::bigint[], $27::uuid[], $28::text[])
         as s (ledger_id, posted, pending, held, debt, version, settle_at, recorded_at, last_place, member_id,
               asset)
     on conflict (tenant_id, ledger_id) do update
        set posted = excluded.posted, pending = excluded.pending, held = excluded.held, debt = excluded.debt,
            version = excluded.version, settle_at = excluded.settle_at, recorded_at = excluded.recorded_at,
            feed_position = excluded.feed_position)
   insert into entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_delta, pending_delta,
                      held_delta, posted_after, pending_after, held_after, feed_position, reason,
                      available_at, expires_at, occurred_at, recorded_at)
   select $1, d.ledger_id, d.version, d.operation_id, d.kind, d.amount, d.posted_delta, d.pending_delta,
          d.held_delta, d.posted_after, d.pending_after, d.held_after, feed.before + d.place, d.reason,
          d.available_at, d.expires_at, d.occurred_at, d.recorded_at
     from drafted d, feed
   returning ledger_id as "ledgerKey", version, feed_position as "feedPosition"`,
);

/** A ledger that a posting needs, whether it exists yet or not. */
export interface WantedLedger {
  readonly ledgerKey: string;
  readonly memberKey: string;
  readonly asset: string;
  readonly floor: bigint | null;
}

/** A ledger's row. */
export type LockedLedger = Omit<LedgerState, 'policy'>;

/** Locks ledgers in the order of their keys, so that no two postings wait for each other. */
export async function lockExisting(
  tx: Transaction,
  tenantKey: string,
  keys: readonly string[],
): Promise<LockedLedger[]> {
  return await tx.run(lockLedgers, [tenantKey, keys.toSorted()]);
}

export async function insertMissing(
  tx: Sql,
  tenantKey: string,
  wanted: readonly WantedLedger[],
): Promise<void> {
  await tx.run(insertLedgers, [
    tenantKey,
    wanted.map(({ ledgerKey }) => ledgerKey),
    wanted.map(({ memberKey }) => memberKey),
    wanted.map(({ asset }) => asset),
    wanted.map(({ floor }) => floor),
  ]);
}

export async function findMemberStatuses(
  sql: Sql,
  tenantKey: string,
  memberKeys: readonly string[],
): Promise<Map<string, string>> {
  const rows = await sql.run(selectStatuses, [tenantKey, memberKeys]);
  return new Map(rows.map(({ memberKey, status }) => [memberKey, status]));
}

export async function findOpenLots(
  tx: Sql,
  tenantKey: string,
  ledgerKeys: readonly string[],
): Promise<LotState[]> {
  return await tx.run(selectOpenLots, [tenantKey, ledgerKeys]);
}

/**
 * Sends a statement that nobody waits for; if it fails, the transaction tells so at its end. What takes no
 * feed position goes before the transaction's turn to take one.
 */
function send(tx: Transaction, stmt: Statement<unknown>, values: readonly unknown[]): void {
  tx.run(stmt, values).catch(() => undefined);
}

/** What all that is written together has in common. */
export interface WriteFacts {
  readonly programVersion: number;
  readonly now: Date;
  /** SHA-256 of the request; null where postings have their own, or time acts. */
  readonly inputHash?: Buffer | null;
}

/** Writes drafts with the COMMIT of the transaction; their entries learn their feed positions then. */
export function writeDrafts(
  tx: Transaction,
  tenantKey: string,
  drafts: readonly LedgerDraft[],
  facts: WriteFacts,
): void {
  const changed = drafts.filter(({ operations }) => operations.length > 0);
  if (changed.length === 0) return;
  sendOperations(tx, tenantKey, changed, facts);
  sendLots(tx, tenantKey, changed);
  sendHolds(tx, tenantKey, changed);
  deferEntries(tx, tenantKey, changed);
  deferLegs(
    tx,
    tenantKey,
    changed.flatMap(({ operations }) => operations),
  );
}

function sendOperations(
  tx: Transaction,
  tenantKey: string,
  drafts: readonly LedgerDraft[],
  facts: WriteFacts,
): void {
  const rows = wholeOperations(drafts).map((operation) => {
    const { operationKey, kind, posting, entries } = operation;
    return {
      operation_id: operationKey,
      kind,
      activity_id: posting?.activityKey ?? null,
      reason: posting?.reason ?? null,
      reference_type: posting?.reference?.type ?? null,
      reference_id: posting?.reference?.id ?? null,
      ref_operation_id: posting?.reverses ?? null,
      explanation: explanationOf(operation),
      ledger_ids: entries.map(({ ledgerKey }) => ledgerKey),
      versions: entries.map(({ version }) => String(version)),
      input_hash: inputHashOf(operation, facts)?.toString('hex') ?? null,
      pays_back: paysBack(operation),
    };
  });
  send(tx, insertOperations, [tenantKey, JSON.stringify(rows), facts.programVersion, facts.now]);
}

function sendLots(tx: Transaction, tenantKey: string, drafts: readonly LedgerDraft[]): void {
  const made = drafts.flatMap(({ newLots }) => newLots);
  if (made.length > 0) {
    send(tx, insertLots, [
      tenantKey,
      made.map(({ ledgerKey }) => ledgerKey),
      made.map(({ lotKey }) => lotKey),
      made.map(({ operationKey }) => operationKey),
      made.map(({ amount }) => amount),
      made.map(({ remaining }) => remaining),
      made.map(({ held }) => held),
      made.map(({ pending }) => pending),
      made.map(({ availableAt }) => availableAt),
      made.map(({ expiresAt }) => expiresAt),
      made.map(({ createdAt }) => createdAt),
      made.map(({ maturedAt }) => maturedAt),
      made.map(({ originLotKey }) => originLotKey ?? null),
      made.map(({ awaits }) => awaits ?? null),
      made.map(({ idles }) => idles ?? false),
      made.map(({ portion }) => portion ?? null),
    ]);
  }
  const changed = drafts.flatMap(({ changedLots }) => [...changedLots]);
  if (changed.length > 0) {
    send(tx, updateLots, [
      tenantKey,
      changed.map(({ ledgerKey }) => ledgerKey),
      changed.map(({ lotKey }) => lotKey),
      changed.map(({ operationKey }) => operationKey),
      changed.map(({ amount }) => amount),
      changed.map(({ remaining }) => remaining),
      changed.map(({ held }) => held),
      changed.map(({ pending }) => pending),
      changed.map(({ availableAt }) => availableAt),
      changed.map(({ expiresAt }) => expiresAt),
      changed.map(({ createdAt }) => createdAt),
      changed.map(({ maturedAt }) => maturedAt),
    ]);
  }
  const taken = drafts.flatMap(placedAllocations);
  if (taken.length > 0) {
    send(tx, insertAllocations, [
      tenantKey,
      taken.map(({ operationKey }) => operationKey),
      taken.map(({ ledgerKey }) => ledgerKey),
      taken.map(({ lotKey }) => lotKey),
      taken.map(({ amount }) => amount),
      taken.map(({ recordedAt }) => recordedAt),
      taken.map(({ expired }) => expired),
      taken.map(({ place }) => place),
    ]);
  }
}

/** What a draft took from lots, each with its place among what the same operation took. */
function placedAllocations({
  allocations,
  recordedAt,
}: LedgerDraft): (DraftAllocation & { recordedAt: Date; place: number })[] {
  const places = new Map<string, number>();
  const real = allocations.filter(({ amount, expired }) => amount !== 0n || expired !== 0n);
  return real.map((allocation) => {
    const place = places.get(allocation.operationKey) ?? 0;
    places.set(allocation.operationKey, place + 1);
    return { ...allocation, recordedAt, place };
  });
}

function deferEntries(tx: Transaction, tenantKey: string, drafts: readonly LedgerDraft[]): void {
  const entries: Entry[] = [];
  /** Where the last entry of each ledger stands among them, from 1. */
  const lastPlaces: number[] = [];
  for (const { operations } of drafts) {
    entries.push(...operations.flatMap((operation) => operation.entries));
    lastPlaces.push(entries.length);
  }
  const states = drafts.map(({ state }) => state);
  const column = <Value>(pick: (entry: Entry) => Value): Value[] => entries.map(pick);
  const after = <Value>(pick: (state: LedgerState) => Value): Value[] => states.map(pick);
  const values = [
    tenantKey,
    column(({ ledgerKey }) => ledgerKey),
    column(({ version }) => version),
    column(({ operationKey }) => operationKey),
    column(({ kind }) => kind),
    column(({ amount }) => amount),
    column(({ postedDelta }) => postedDelta),
    column(({ pendingDelta }) => pendingDelta),
    column(({ balanceAfter }) => balanceAfter),
    column(({ pendingAfter }) => pendingAfter),
    column(({ heldAfter }) => heldAfter),
    column(({ reason }) => reason),
    column(({ availableAt }) => availableAt),
    column(({ expiresAt }) => expiresAt),
    column(({ occurredAt }) => occurredAt),
    column(({ recordedAt }) => recordedAt),
    after(({ ledgerKey }) => ledgerKey),
    after(({ posted }) => posted),
    after(({ pending }) => pending),
    after(({ held }) => held),
    after(({ debt }) => debt),
    after(({ version }) => version),
    after(({ settleAt }) => settleAt),
    after(({ recordedAt }) => recordedAt),
    column(({ heldDelta }) => heldDelta),
    lastPlaces,
    after(({ memberKey }) => memberKey),
    after(({ asset }) => asset),
  ];
  tx.defer(writeEntries, values, (rows) => {
    const positions = new Map(rows.map((row) => [`${row.ledgerKey}:${row.version}`, row.feedPosition]));
    for (const entry of entries) {
      entry.feedPosition = positions.get(`${entry.ledgerKey}:${entry.version}`) ?? entry.feedPosition;
    }
  });
}
