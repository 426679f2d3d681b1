import { type Sql, type Statement, statement, type Transaction } from '../../persistence/index.ts';
import type { Hold } from './hold.entity.ts';
import { HoldStatus, OperationKind } from './ledger.enums.types.ts';
import type { LedgerDraft } from './ledger.policy.ts';
import { restOf } from './ledger-holds.policy.ts';

const insertHolds = statement(
  'hold.insert',
  `insert into hold (tenant_id, hold_id, ledger_id, operation_id, amount, captured, released, status, expires_at,
                     created_at)
   select $1, * from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[],
                            $8::text[], $9::timestamptz[], $10::timestamptz[])`,
);
const updateHolds = statement(
  'hold.update',
  `update hold set captured = h.captured, released = h.released, status = h.status
     from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::text[])
       as h (hold_id, captured, released, status)
    where hold.tenant_id = $1 and hold.hold_id = any($2::uuid[]) and hold.hold_id = h.hold_id`,
);
const insertMoves = statement(
  'hold_lot.insert',
  `insert into hold_lot (tenant_id, operation_id, hold_id, ledger_id, lot_id, amount, recorded_at)
   select $1, m.operation_id, m.hold_id, m.ledger_id, m.lot_id, m.amount, $7::timestamptz
     from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[])
       as m (operation_id, hold_id, ledger_id, lot_id, amount)`,
);
const selectHold = statement<ReferredHold>(
  'hold.by_key',
  `select h.tenant_id as "tenantKey", h.hold_id as "holdKey", h.ledger_id as "ledgerKey", h.amount, h.captured,
          h.released, h.status, h.expires_at as "expiresAt", h.created_at as "createdAt",
          l.member_id as "memberKey", l.asset, o.reference_type as "referenceType",
          o.reference_id as "referenceId"
     from hold h
     join ledger l on l.tenant_id = $1 and l.ledger_id = h.ledger_id
     join operation o on o.tenant_id = $1 and o.operation_id = h.operation_id
    where h.tenant_id = $1 and h.hold_id = $2`,
);
/** As they are shown: what time has ended is over, also before any operation says so. */
const selectShown = statement<FoundHold>(
  'hold.shown',
  `select h.tenant_id as "tenantKey", h.hold_id as "holdKey", h.ledger_id as "ledgerKey", h.amount, h.captured,
          case when o.lapsed then h.amount - h.captured else h.released end as released,
          case when o.lapsed then 'EXPIRED' else h.status end as status, h.expires_at as "expiresAt",
          h.created_at as "createdAt", l.member_id as "memberKey", l.asset
     from unnest($2::uuid[]) as k (hold_id)
     join hold h on h.tenant_id = $1 and h.hold_id = k.hold_id
     join ledger l on l.tenant_id = $1 and l.ledger_id = h.ledger_id
    cross join lateral (
      select coalesce(h.status = 'ACTIVE' and h.expires_at <= business_time(), false) as lapsed) o
    where h.tenant_id = $1`,
);
/** What operations up to one of them, by its version in the ledger, captured of a hold, and took off it. */
const selectHoldPast = statement<{ captured: bigint; gone: bigint }>(
  'hold.past',
  `select coalesce(sum(-e.amount) filter (where e.kind = 'CAPTURE'), 0)::bigint as captured,
          coalesce(sum(-e.held_delta) filter (where e.kind <> 'HOLD'), 0)::bigint as gone
     from (select distinct a.operation_id from hold_lot a
            where a.tenant_id = $1 and a.ledger_id = $2 and a.hold_id = $3) made
     join operation o on o.tenant_id = $1 and o.operation_id = made.operation_id
     join entry e on e.tenant_id = $1 and e.ledger_id = $2 and e.version = o.versions[1]
    where e.version <= $4`,
);

/** A hold, with the facts of its ledger. */
export type FoundHold = Hold & { readonly memberKey: string; readonly asset: string };

/** A hold, with what the operation that made it refers to outside. */
export type ReferredHold = FoundHold & {
  readonly referenceType: string | null;
  readonly referenceId: string | null;
};

export async function findHold(sql: Sql, tenantKey: string, holdKey: string): Promise<ReferredHold | null> {
  const [row] = await sql.run(selectHold, [tenantKey, holdKey]);
  return row ?? null;
}

/** Holds as they are now; those that there aren't are missing. */
export async function findHolds(
  sql: Sql,
  tenantKey: string,
  holdKeys: readonly string[],
): Promise<FoundHold[]> {
  return await sql.run(selectShown, [tenantKey, holdKeys]);
}

/** A hold as one of its operations left it, for replays. */
export async function holdAfter(
  sql: Sql,
  hold: Hold,
  { kind, version }: { readonly kind: OperationKind; readonly version: bigint },
): Promise<Hold> {
  const { tenantKey, ledgerKey, holdKey, amount } = hold;
  const [past] = await sql.run(selectHoldPast, [tenantKey, ledgerKey, holdKey, version]);
  const captured = past?.captured ?? 0n;
  const released = (past?.gone ?? 0n) - captured;
  const ended = kind === OperationKind.CAPTURE ? HoldStatus.CAPTURED : HoldStatus.RELEASED;
  const status = restOf({ amount, captured, released }) > 0n ? HoldStatus.ACTIVE : ended;
  return { ...hold, captured, released, status };
}

/** Sends a statement that nobody waits for; if it fails, the transaction tells so at its end. */
function send(tx: Transaction, stmt: Statement<unknown>, values: readonly unknown[]): void {
  tx.run(stmt, values).catch(() => undefined);
}

/** Writes what drafts did to holds. */
export function sendHolds(tx: Transaction, tenantKey: string, drafts: readonly LedgerDraft[]): void {
  const made = drafts.flatMap(({ newHolds }) => newHolds);
  if (made.length > 0) {
    send(tx, insertHolds, [
      tenantKey,
      made.map(({ holdKey }) => holdKey),
      made.map(({ ledgerKey }) => ledgerKey),
      made.map(({ operationKey }) => operationKey),
      made.map(({ amount }) => amount),
      made.map(({ captured }) => captured),
      made.map(({ released }) => released),
      made.map(({ status }) => status),
      made.map(({ expiresAt }) => expiresAt),
      made.map(({ createdAt }) => createdAt),
    ]);
  }
  const changed = drafts.flatMap(({ changedHolds }) => [...changedHolds]);
  if (changed.length > 0) {
    send(tx, updateHolds, [
      tenantKey,
      changed.map(({ holdKey }) => holdKey),
      changed.map(({ captured }) => captured),
      changed.map(({ released }) => released),
      changed.map(({ status }) => status),
    ]);
  }
  for (const { holdMoves: moves, recordedAt } of drafts) {
    if (moves.length === 0) continue;
    send(tx, insertMoves, [
      tenantKey,
      moves.map(({ operationKey }) => operationKey),
      moves.map(({ holdKey }) => holdKey),
      moves.map(({ ledgerKey }) => ledgerKey),
      moves.map(({ lotKey }) => lotKey),
      moves.map(({ amount }) => amount),
      recordedAt,
    ]);
  }
}
