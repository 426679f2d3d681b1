import { type Sql, type Statement, statement, type Transaction } from '../../persistence/index.ts';
import type { Entry } from './entry.entity.ts';
import { sendHolds } from './hold.repository.ts';
import type { LedgerDraft } from './ledger.policy.ts';
import {
  type DraftAllocation,
  inputHashOf,
  paysBack,
  storedExplanation,
  wholeOperations,
} from './ledger-draft.ts';
import { deferNewLedgers, type LeftLedger } from './new-ledger.repository.ts';
import type { LedgerState, LotState } from './posting.ts';
import { accountOf } from './program-account.policy.ts';

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
          matured_at as "maturedAt", origin_lot_id as "originLotKey", awaits, idles, portion, lost,
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
/** Each operation's ledgers and versions are a part of those of all. */
const insertOperations = statement(
  'operation.insert',
  `insert into operation (tenant_id, created_at, program_version, ledger_ids, versions, operation_id, kind,
                          activity_id, reason, reference_type, reference_id, ref_operation_id, explanation,
                          explained_by, input_hash, pays_back)
   select $1, $2, $3, ($4::uuid[])[o.first:o.last], ($5::bigint[])[o.first:o.last], o.operation_id, o.kind,
          o.activity_id, o.reason, o.reference_type, o.reference_id, o.ref_operation_id, o.explanation,
          o.explained_by, o.input_hash, o.pays_back
     from (select unnest($6::bigint[])::integer as first, unnest($7::bigint[])::integer as last,
                  unnest($8::uuid[]) as operation_id, unnest($9::text[]) as kind,
                  unnest($10::uuid[]) as activity_id, unnest($11::text[]) as reason,
                  unnest($12::text[]) as reference_type, unnest($13::text[]) as reference_id,
                  unnest($14::uuid[]) as ref_operation_id, unnest($15::jsonb[]) as explanation,
                  unnest($16::bytea[]) as input_hash, unnest($17::boolean[]) as pays_back,
                  unnest($18::bigint[])::smallint as explained_by) o`,
);
const insertLots = statement(
  'lot.insert',
  `insert into lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, pending, available_at,
                    expires_at, created_at, matured_at, origin_lot_id, awaits, idles, portion, lost)
   select $1, unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::uuid[]), unnest($5::bigint[]),
          unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::boolean[]), unnest($9::timestamptz[]),
          unnest($10::timestamptz[]), unnest($11::timestamptz[]), unnest($12::timestamptz[]),
          unnest($13::uuid[]), unnest($14::text[]), unnest($15::boolean[]), unnest($16::text[]),
          unnest($17::bigint[])`,
);
/**
 * Finds each lot by its whole key, whatever the tables held when this was planned; a join would compare each
 * with all others then. A lot that isn't there can't be meant: whoever changes one has read it under the lock.
 */
const updateLots = statement(
  'lot.update',
  `insert into lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, pending, available_at,
                    expires_at, created_at, matured_at, lost)
   select $1, unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::uuid[]), unnest($5::bigint[]),
          unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::boolean[]), unnest($9::timestamptz[]),
          unnest($10::timestamptz[]), unnest($11::timestamptz[]), unnest($12::timestamptz[]),
          unnest($13::bigint[])
   on conflict (tenant_id, ledger_id, lot_id) do update
      set remaining = excluded.remaining, held = excluded.held, pending = excluded.pending,
          matured_at = excluded.matured_at, available_at = excluded.available_at,
          expires_at = excluded.expires_at, lost = excluded.lost`,
);
/**
 * The feed's position is taken here, last, because its lock is held until the commit. The ledgers, which are
 * there and locked, are found by their whole keys, as lots are. What entries took from lots comes in one
 * list, of which each has its part. Sets are unnested in lists of columns: behind FROM each of them would be
 * stored first.
 */
const writeEntries = statement<{ before: bigint }>(
  'entry.write',
  `with feed as (
     update tenant_feed set position = position + $35::bigint
      where tenant_id = $1 returning position - $35::bigint as before),
   left_as as (
     insert into ledger (tenant_id, ledger_id, member_id, asset, posted, pending, held, debt, version,
                         settle_at, recorded_at, feed_position)
     select $1, s.ledger_id, s.member_id, s.asset, s.posted, s.pending, s.held, s.debt, s.version,
            s.settle_at, s.recorded_at, feed.before + s.last_place
       from feed, (
         select unnest($17::uuid[]) as ledger_id, unnest($18::bigint[]) as posted,
                unnest($19::bigint[]) as pending, unnest($20::bigint[]) as held,
                unnest($21::bigint[]) as debt, unnest($22::bigint[]) as version,
                unnest($23::timestamptz[]) as settle_at,
                unnest($24::timestamptz[]) as recorded_at, unnest($26::bigint[]) as last_place,
                unnest($27::uuid[]) as member_id, unnest($28::text[]) as asset) s
     on conflict (tenant_id, ledger_id) do update
        set posted = excluded.posted, pending = excluded.pending, held = excluded.held, debt = excluded.debt,
            version = excluded.version, settle_at = excluded.settle_at, recorded_at = excluded.recorded_at,
            feed_position = excluded.feed_position),
   written as (
     insert into entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_delta,
                        pending_delta, held_delta, posted_after, pending_after, held_after, feed_position,
                        reason, available_at, expires_at, occurred_at, recorded_at, lot_ids, taken, lost,
                        account)
     select $1, d.ledger_id, d.version, d.operation_id, d.kind, d.amount, d.posted_delta, d.pending_delta,
            d.held_delta, d.posted_after, d.pending_after, d.held_after, feed.before + d.place, d.reason,
            d.available_at, d.expires_at, d.occurred_at, d.recorded_at,
            case when d.last_part is not null then ($32::uuid[])[d.first_part:d.last_part] end,
            case when d.last_part is not null then ($33::bigint[])[d.first_part:d.last_part] end,
            case when d.loses then ($34::bigint[])[d.first_part:d.last_part] end, d.account
       from feed, (
         select unnest($2::uuid[]) as ledger_id, unnest($3::bigint[]) as version,
                unnest($4::uuid[]) as operation_id, unnest($5::text[]) as kind,
                unnest($6::bigint[]) as amount, unnest($7::bigint[]) as posted_delta,
                unnest($8::bigint[]) as pending_delta, unnest($25::bigint[]) as held_delta,
                unnest($9::bigint[]) as posted_after, unnest($10::bigint[]) as pending_after,
                unnest($11::bigint[]) as held_after,
                generate_series(1, $35::bigint) as place, unnest($12::text[]) as reason,
                unnest($13::timestamptz[]) as available_at, unnest($14::timestamptz[]) as expires_at,
                unnest($15::timestamptz[]) as occurred_at, unnest($16::timestamptz[]) as recorded_at,
                unnest($29::bigint[])::integer as first_part, unnest($30::bigint[])::integer as last_part,
                unnest($31::boolean[]) as loses, unnest($36::"char"[]) as account) d)
   select before from feed`,
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
}

function sendOperations(
  tx: Transaction,
  tenantKey: string,
  drafts: readonly LedgerDraft[],
  facts: WriteFacts,
): void {
  const made = wholeOperations(drafts);
  const entries = made.flatMap((operation) => operation.entries);
  let end = 0;
  const lasts = made.map((operation) => {
    end += operation.entries.length;
    return end;
  });
  const explanations = made.map(storedExplanation);
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
    made.map(({ posting }) => posting?.activityKey ?? null),
    made.map(({ posting }) => posting?.reason ?? null),
    made.map(({ posting }) => posting?.reference?.type ?? null),
    made.map(({ posting }) => posting?.reference?.id ?? null),
    made.map(({ posting }) => posting?.reverses ?? null),
    explanations.map(({ own }) => jsonOf(own)),
    made.map((operation) => inputHashOf(operation, facts)),
    made.map(paysBack),
    explanations.map(({ place }) => place),
  ]);
}

function jsonOf(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
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
      made.map(({ lost }) => lost),
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
      changed.map(({ lost }) => lost),
    ]);
  }
}

/** Which part of a list is an entry's, from 1, ends included; null when it took nothing. */
interface Part {
  readonly first: number | null;
  readonly last: number | null;
  readonly loses: boolean;
}

const NOTHING_TAKEN: Part = { first: null, last: null, loses: false };

/** What entries took from lots, one after the other; an operation has one entry in each ledger. */
function takenBy(drafts: readonly LedgerDraft[]): { all: DraftAllocation[]; parts: Part[] } {
  const all: DraftAllocation[] = [];
  const parts = drafts.flatMap(({ operations, allocations }) => {
    if (allocations.length === 0) return operations.map(() => NOTHING_TAKEN);
    const real = allocations.filter(({ amount, lost }) => amount !== 0n || lost !== 0n);
    const byOperation = Map.groupBy(real, ({ operationKey }) => operationKey);
    return operations.map(({ operationKey }): Part => {
      const own = byOperation.get(operationKey);
      if (own === undefined) return NOTHING_TAKEN;
      const first = all.length + 1;
      all.push(...own);
      return { first, last: all.length, loses: own.some(({ lost }) => lost !== 0n) };
    });
  });
  return { all, parts };
}

function deferEntries(tx: Transaction, tenantKey: string, drafts: readonly LedgerDraft[]): void {
  const entries: Entry[] = [];
  const left = drafts.map(({ operations, state }): LeftLedger => {
    entries.push(...operations.flatMap((operation) => operation.entries));
    return { state, lastPlace: entries.length };
  });
  const known = left.filter(({ state }) => state.isNew !== true);
  const taken = takenBy(drafts);
  const column = <Value>(pick: (entry: Entry) => Value): Value[] => entries.map(pick);
  const after = <Value>(pick: (one: LedgerState) => Value): Value[] => known.map(({ state }) => pick(state));
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
    known.map(({ lastPlace }) => lastPlace),
    after(({ memberKey }) => memberKey),
    after(({ asset }) => asset),
    taken.parts.map(({ first }) => first),
    taken.parts.map(({ last }) => last),
    taken.parts.map(({ loses }) => loses),
    taken.all.map(({ lotKey }) => lotKey),
    taken.all.map(({ amount }) => amount),
    taken.all.map(({ lost }) => lost),
    entries.length,
    drafts.flatMap(({ operations }) => operations.flatMap((one) => one.entries.map(() => accountOf(one)))),
  ];
  tx.defer(writeEntries, values, ([feed]) => {
    if (feed === undefined) return;
    for (const [index, entry] of entries.entries()) entry.feedPosition = feed.before + BigInt(index + 1);
  });
  const fresh = left.filter(({ state }) => state.isNew === true);
  deferNewLedgers(tx, tenantKey, entries.length, fresh);
}
