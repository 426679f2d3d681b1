import { type Statement, sparse, statement, type Transaction, unless } from '../../persistence/index.ts';
import { deferEntries } from './draft-entry.repository.ts';
import {
  type DraftOperation,
  valuesOfOperations,
  type WriteFacts,
  wholeOperations,
} from './draft-operation.ts';
import { sendHolds } from './hold.repository.ts';
import type { LedgerDraft } from './ledger.policy.ts';
import type { LotState } from './posting.ts';

/**
 * Of operations with several entries; each one's ledgers and versions are a part of those of all. Here and
 * below, lists that end sooner than others of their set go on with nulls, which stand for what is usual.
 */
const insertOperations = statement(
  'operation.insert',
  `insert into stored_operation (tenant_id, created_at, program_version, ledger_ids, versions, operation_id,
                                 kind, reason, activity_id, reference_type, reference_id, ref_operation_id,
                                 explanation, explained_by, input_hash, pays_back)
   select $1, $2, $3, ($4::uuid[])[o.first:o.last], ($5::bigint[])[o.first:o.last], o.operation_id, o.kind,
          o.reason, o.activity_id, o.reference_type, o.reference_id, o.ref_operation_id, o.explanation,
          o.explained_by, o.input_hash, coalesce(o.pays_back, false)
     from (select unnest($6::bigint[])::integer as first, unnest($7::bigint[])::integer as last,
                  unnest($8::uuid[]) as operation_id, unnest($9::text[]) as kind,
                  unnest($10::text[]) as reason, unnest($11::uuid[]) as activity_id,
                  unnest($12::text[]) as reference_type, unnest($13::text[]) as reference_id,
                  unnest($14::uuid[]) as ref_operation_id, unnest($15::jsonb[]) as explanation,
                  unnest($16::bigint[])::smallint as explained_by, unnest($17::bytea[]) as input_hash,
                  unnest($18::boolean[]) as pays_back) o`,
);
/** Each with the row of what is left of it, unless it paid a debt with all that it had. */
const insertLots = statement(
  'lot.insert',
  `with made as materialized (
     select unnest($3::uuid[]) as ledger_id, unnest($4::uuid[]) as lot_id, unnest($5::uuid[]) as operation_id,
            unnest($6::bigint[]) as amount, unnest($7::bigint[]) as remaining, unnest($8::bigint[]) as held,
            unnest($9::boolean[]) as pending, unnest($10::timestamptz[]) as available_at,
            unnest($11::timestamptz[]) as expires_at, unnest($12::timestamptz[]) as created_at,
            unnest($13::timestamptz[]) as matured_at, unnest($14::uuid[]) as origin_lot_id,
            unnest($15::text[]) as awaits, unnest($16::boolean[]) as idles, unnest($17::text[]) as portion,
            unnest($18::bigint[]) as lost),
   kept as (
     insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at, expires_at,
                             created_at, matured_at, origin_lot_id, awaits, idles, portion, lost)
     select $1, o.ledger_id, o.lot_id, o.operation_id, o.amount, o.available_at, o.expires_at,
            nullif(coalesce(o.created_at, $2), o.available_at),
            case when coalesce(o.pending, false) then null else coalesce(o.matured_at, o.created_at, $2) end,
            o.origin_lot_id, o.awaits, nullif(o.idles, false), o.portion, nullif(o.lost, 0)
       from made o)
   insert into open_lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, lost, pending,
                         available_at, expires_at, idles_since, origin_lot_id, awaits, portion)
   select $1, o.ledger_id, o.lot_id, o.operation_id, o.amount, coalesce(o.remaining, o.amount),
          coalesce(o.held, 0), coalesce(o.lost, 0), coalesce(o.pending, false), o.available_at, o.expires_at,
          case when o.idles then coalesce(o.created_at, $2) end, o.origin_lot_id, o.awaits, o.portion
     from made o where coalesce(o.remaining, o.amount) > 0`,
);
/**
 * What of a lot may change for good: its moments, and what time took of it. Finds each lot by its whole key,
 * whatever the tables held when this was planned; a join would compare each with all others then. A lot that
 * isn't there can't be meant: whoever changes one has read it under the lock. So nothing is ever inserted,
 * and what never changes has any value. `created_at` is null where it is `available_at`, which may change.
 */
const updateLots = statement(
  'lot.update',
  `insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at, expires_at,
                           matured_at, lost)
   select $1, o.ledger_id, o.lot_id, o.lot_id, 1, o.available_at, o.expires_at, o.matured_at,
          nullif(o.lost, 0)
     from (select unnest($2::uuid[]) as ledger_id, unnest($3::uuid[]) as lot_id,
                  unnest($4::timestamptz[]) as available_at, unnest($5::timestamptz[]) as expires_at,
                  unnest($6::timestamptz[]) as matured_at, unnest($7::bigint[]) as lost) o
   on conflict (tenant_id, ledger_id, lot_id) do update
      set matured_at = coalesce(excluded.matured_at, stored_lot.matured_at),
          available_at = excluded.available_at, expires_at = excluded.expires_at, lost = excluded.lost,
          created_at = nullif(coalesce(stored_lot.created_at, stored_lot.available_at), excluded.available_at)`,
);
/** What is left of lots that have something left; one that was spent whole is open again. */
const keepOpen = statement(
  'open_lot.keep',
  `insert into open_lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, lost, pending,
                         available_at, expires_at, idles_since, origin_lot_id, awaits, portion)
   select $1, o.ledger_id, o.lot_id, o.operation_id, o.amount, o.remaining, coalesce(o.held, 0),
          coalesce(o.lost, 0), coalesce(o.pending, false), o.available_at, o.expires_at, o.idles_since,
          o.origin_lot_id, o.awaits, o.portion
     from (select unnest($2::uuid[]) as ledger_id, unnest($3::uuid[]) as lot_id,
                  unnest($4::uuid[]) as operation_id, unnest($5::bigint[]) as amount,
                  unnest($6::bigint[]) as remaining, unnest($7::bigint[]) as held,
                  unnest($8::bigint[]) as lost, unnest($9::boolean[]) as pending,
                  unnest($10::timestamptz[]) as available_at, unnest($11::timestamptz[]) as expires_at,
                  unnest($12::timestamptz[]) as idles_since, unnest($13::uuid[]) as origin_lot_id,
                  unnest($14::text[]) as awaits, unnest($15::text[]) as portion) o
   on conflict (tenant_id, ledger_id, lot_id) do update
      set remaining = excluded.remaining, held = excluded.held, lost = excluded.lost,
          pending = excluded.pending, available_at = excluded.available_at, expires_at = excluded.expires_at`,
);
/**
 * What is open in these ledgers, which the spend has read, is compared with a hash of the lots. `is true` keeps
 * them from being looked for in the index: PostgreSQL 15 and 16 look for each lot in each ledger then.
 */
const closeLots = statement(
  'open_lot.close',
  `delete from open_lot
    where tenant_id = $1 and ledger_id = any($2::uuid[]) and (lot_id in (select unnest($3::uuid[]))) is true`,
);
/**
 * Sends a statement that nobody waits for; if it fails, the transaction tells so at its end. What takes no
 * feed position goes before the transaction's turn to take one.
 */
function send(tx: Transaction, stmt: Statement<unknown>, values: readonly unknown[]): void {
  tx.run(stmt, values).catch(() => undefined);
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
  const joint = wholeOperations(changed).filter(({ entries }) => entries.length > 1);
  sendOperations(tx, tenantKey, joint, facts);
  sendNewLots(tx, tenantKey, changed, facts);
  sendChangedLots(tx, tenantKey, changed);
  sendHolds(tx, tenantKey, changed);
  deferEntries(tx, tenantKey, changed, new Set(joint.map(({ operationKey }) => operationKey)), facts);
}

function sendOperations(
  tx: Transaction,
  tenantKey: string,
  made: readonly DraftOperation[],
  facts: WriteFacts,
): void {
  if (made.length === 0) return;
  const entries = made.flatMap((operation) => operation.entries);
  let end = 0;
  const lasts = made.map((operation) => {
    end += operation.entries.length;
    return end;
  });
  send(tx, insertOperations, [
    tenantKey,
    facts.now,
    facts.programVersion,
    entries.map(({ ledgerKey }) => ledgerKey),
    entries.map(({ version }) => version),
    lasts.map((_, index) => (lasts[index - 1] ?? 0) + 1),
    lasts,
    made.map(({ operationKey }) => operationKey),
    made.map(({ kind }) => kind),
    sparse(made, ({ posting }) => posting?.reason ?? null),
    ...valuesOfOperations(made, facts),
  ]);
}

function sendNewLots(
  tx: Transaction,
  tenantKey: string,
  drafts: readonly LedgerDraft[],
  { now }: WriteFacts,
): void {
  const made = drafts.flatMap(({ newLots }) => newLots);
  if (made.length === 0) return;
  send(tx, insertLots, [
    tenantKey,
    now,
    made.map(({ ledgerKey }) => ledgerKey),
    made.map(({ lotKey }) => lotKey),
    made.map(({ operationKey }) => operationKey),
    made.map(({ amount }) => amount),
    sparse(made, ({ remaining, amount }) => (remaining === amount ? null : remaining)),
    sparse(made, ({ held }) => held, 0n),
    sparse(made, ({ pending }) => pending, false),
    made.map(({ availableAt }) => availableAt),
    sparse(made, ({ expiresAt }) => expiresAt),
    sparse(made, ({ createdAt }) => unless(now, createdAt)),
    sparse(made, ({ createdAt, maturedAt }) => unless(createdAt ?? now, maturedAt)),
    sparse(made, ({ originLotKey }) => originLotKey ?? null),
    sparse(made, ({ awaits }) => awaits ?? null),
    sparse(made, ({ idles }) => idles ?? false, false),
    sparse(made, ({ portion }) => portion ?? null),
    sparse(made, ({ lost }) => lost, 0n),
  ]);
}

function sendChangedLots(tx: Transaction, tenantKey: string, drafts: readonly LedgerDraft[]): void {
  const changed = drafts.flatMap(({ changedLots }) => [...changedLots]);
  const closed = changed.filter(({ remaining }) => remaining === 0n);
  const open = changed.filter(({ remaining }) => remaining > 0n);
  sendClosedLots(tx, tenantKey, closed);
  sendOpenLots(tx, tenantKey, open);
  sendLastingChanges(tx, tenantKey, changed.filter(changesForGood));
}

function sendClosedLots(tx: Transaction, tenantKey: string, closed: readonly LotState[]): void {
  if (closed.length === 0) return;
  const ledgerKeys = new Set(closed.map(({ ledgerKey }) => ledgerKey));
  send(tx, closeLots, [tenantKey, [...ledgerKeys], closed.map(({ lotKey }) => lotKey)]);
}

function sendOpenLots(tx: Transaction, tenantKey: string, open: readonly LotState[]): void {
  if (open.length === 0) return;
  send(tx, keepOpen, [
    tenantKey,
    open.map(({ ledgerKey }) => ledgerKey),
    open.map(({ lotKey }) => lotKey),
    open.map(({ operationKey }) => operationKey),
    open.map(({ amount }) => amount),
    open.map(({ remaining }) => remaining),
    sparse(open, ({ held }) => held, 0n),
    sparse(open, ({ lost }) => lost, 0n),
    sparse(open, ({ pending }) => pending, false),
    open.map(({ availableAt }) => availableAt),
    sparse(open, ({ expiresAt }) => expiresAt),
    sparse(open, ({ idles, createdAt }) => (idles === true ? createdAt : null)),
    sparse(open, ({ originLotKey }) => originLotKey ?? null),
    sparse(open, ({ awaits }) => awaits ?? null),
    sparse(open, ({ portion }) => portion ?? null),
  ]);
}

/** Whether more may be new of a lot than what is left of it. */
function changesForGood({ maturedAt, lost, idles }: LotState): boolean {
  return maturedAt !== null || lost > 0n || idles === true;
}

function sendLastingChanges(tx: Transaction, tenantKey: string, changed: readonly LotState[]): void {
  if (changed.length === 0) return;
  send(tx, updateLots, [
    tenantKey,
    changed.map(({ ledgerKey }) => ledgerKey),
    changed.map(({ lotKey }) => lotKey),
    changed.map(({ availableAt }) => availableAt),
    sparse(changed, ({ expiresAt }) => expiresAt),
    sparse(changed, ({ maturedAt }) => maturedAt),
    sparse(changed, ({ lost }) => lost, 0n),
  ]);
}
