import { type Statement, sparse, statement, type Transaction } from '../../persistence/index.ts';
import { inputHashOf, paysBack, storedExplanation, wholeOperations } from './draft-operation.ts';
import type { Entry } from './entry.entity.ts';
import { sendHolds } from './hold.repository.ts';
import type { LedgerDraft } from './ledger.policy.ts';
import type { DraftAllocation } from './ledger-draft.ts';
import { deferNewLedgers, type LeftLedger } from './new-ledger.repository.ts';
import { accountOf } from './program-account.policy.ts';

/**
 * Each operation's ledgers and versions are a part of those of all; lists are kept of those alone that have
 * several entries. Here and below, lists that end sooner than others of their set go on with nulls, which
 * stand for what is usual.
 */
const insertOperations = statement(
  'operation.insert',
  `insert into stored_operation (tenant_id, created_at, program_version, ledger_id, version, ledger_ids,
                                 versions, operation_id, kind, activity_id, reason, reference_type,
                                 reference_id, ref_operation_id, explanation, explained_by, input_hash,
                                 pays_back)
   select $1, $2, $3, case when o.first = o.last then ($4::uuid[])[o.first] end,
          case when o.first = o.last then ($5::bigint[])[o.first] end,
          case when o.first <> o.last then ($4::uuid[])[o.first:o.last] end,
          case when o.first <> o.last then ($5::bigint[])[o.first:o.last] end, o.operation_id, o.kind,
          o.activity_id, o.reason, o.reference_type, o.reference_id, o.ref_operation_id, o.explanation,
          o.explained_by, o.input_hash, coalesce(o.pays_back, false)
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
   select $1, o.ledger_id, o.lot_id, o.operation_id, o.amount, coalesce(o.remaining, o.amount),
          coalesce(o.held, 0), coalesce(o.pending, false), o.available_at, o.expires_at,
          coalesce(o.created_at, $2),
          case when coalesce(o.pending, false) then null else coalesce(o.matured_at, o.created_at, $2) end,
          o.origin_lot_id, o.awaits, coalesce(o.idles, false), o.portion, coalesce(o.lost, 0)
     from (select unnest($3::uuid[]) as ledger_id, unnest($4::uuid[]) as lot_id,
                  unnest($5::uuid[]) as operation_id, unnest($6::bigint[]) as amount,
                  unnest($7::bigint[]) as remaining, unnest($8::bigint[]) as held,
                  unnest($9::boolean[]) as pending, unnest($10::timestamptz[]) as available_at,
                  unnest($11::timestamptz[]) as expires_at, unnest($12::timestamptz[]) as created_at,
                  unnest($13::timestamptz[]) as matured_at, unnest($14::uuid[]) as origin_lot_id,
                  unnest($15::text[]) as awaits, unnest($16::boolean[]) as idles,
                  unnest($17::text[]) as portion, unnest($18::bigint[]) as lost) o`,
);
/**
 * Finds each lot by its whole key, whatever the tables held when this was planned; a join would compare each
 * with all others then. A lot that isn't there can't be meant: whoever changes one has read it under the lock.
 */
const updateLots = statement(
  'lot.update',
  `insert into lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, pending, available_at,
                    expires_at, created_at, matured_at, lost)
   select $1, o.ledger_id, o.lot_id, o.operation_id, o.amount, o.remaining, coalesce(o.held, 0),
          coalesce(o.pending, false), o.available_at, o.expires_at, o.created_at, o.matured_at,
          coalesce(o.lost, 0)
     from (select unnest($2::uuid[]) as ledger_id, unnest($3::uuid[]) as lot_id,
                  unnest($4::uuid[]) as operation_id, unnest($5::bigint[]) as amount,
                  unnest($6::bigint[]) as remaining, unnest($7::bigint[]) as held,
                  unnest($8::boolean[]) as pending, unnest($9::timestamptz[]) as available_at,
                  unnest($10::timestamptz[]) as expires_at, unnest($11::timestamptz[]) as created_at,
                  unnest($12::timestamptz[]) as matured_at, unnest($13::bigint[]) as lost) o
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
     update tenant_feed set position = position + $2::bigint
      where tenant_id = $1 returning position - $2::bigint as before),
   left_as as (
     insert into ledger (tenant_id, ledger_id, member_id, asset, posted, pending, held, debt, version,
                         settle_at, recorded_at, feed_position)
     select $1, s.ledger_id, s.member_id, s.asset, s.posted, coalesce(s.pending, 0), coalesce(s.held, 0),
            coalesce(s.debt, 0), s.version, s.settle_at, coalesce(s.recorded_at, $3),
            feed.before + s.last_place
       from feed, (
         select unnest($4::uuid[]) as ledger_id, unnest($5::uuid[]) as member_id, unnest($6::text[]) as asset,
                unnest($7::bigint[]) as posted, unnest($8::bigint[]) as pending, unnest($9::bigint[]) as held,
                unnest($10::bigint[]) as debt, unnest($11::bigint[]) as version,
                unnest($12::timestamptz[]) as settle_at, unnest($13::timestamptz[]) as recorded_at,
                unnest($14::bigint[]) as last_place) s
     on conflict (tenant_id, ledger_id) do update
        set posted = excluded.posted, pending = excluded.pending, held = excluded.held, debt = excluded.debt,
            version = excluded.version, settle_at = excluded.settle_at, recorded_at = excluded.recorded_at,
            feed_position = excluded.feed_position),
   written as (
     insert into stored_entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_delta,
                               pending_delta, held_delta, posted_after, pending_after, held_after,
                               feed_position, reason, available_at, expires_at, occurred_at, recorded_at,
                               lot_id, lot_ids, taken, lost, account)
     select $1, d.ledger_id, d.version, d.operation_id, d.kind, d.amount, d.posted_delta,
            nullif(d.pending_delta, 0), nullif(d.held_delta, 0), d.posted_after, nullif(d.pending_after, 0),
            nullif(d.held_after, 0), feed.before + d.place, d.reason, d.available_at, d.expires_at,
            coalesce(d.occurred_at, $3), nullif(coalesce(d.recorded_at, $3), coalesce(d.occurred_at, $3)),
            d.lot_id, case when d.last_part is not null then ($15::uuid[])[d.first_part:d.last_part] end,
            case when d.last_part is not null then ($16::bigint[])[d.first_part:d.last_part] end,
            case when d.loses then ($17::bigint[])[d.first_part:d.last_part] end, d.account
       from feed, (
         select generate_series(1, $2::bigint) as place, unnest($18::uuid[]) as ledger_id,
                unnest($19::bigint[]) as version, unnest($20::uuid[]) as operation_id,
                unnest($21::text[]) as kind, unnest($22::bigint[]) as amount,
                unnest($23::bigint[]) as posted_delta, unnest($24::bigint[]) as pending_delta,
                unnest($25::bigint[]) as held_delta, unnest($26::bigint[]) as posted_after,
                unnest($27::bigint[]) as pending_after, unnest($28::bigint[]) as held_after,
                unnest($29::text[]) as reason, unnest($30::timestamptz[]) as available_at,
                unnest($31::timestamptz[]) as expires_at, unnest($32::timestamptz[]) as occurred_at,
                unnest($33::timestamptz[]) as recorded_at, unnest($34::bigint[])::integer as first_part,
                unnest($35::bigint[])::integer as last_part, unnest($36::boolean[]) as loses,
                unnest($37::"char"[]) as account, unnest($38::uuid[]) as lot_id) d)
   select before from feed`,
);

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
  sendNewLots(tx, tenantKey, changed, facts);
  sendChangedLots(tx, tenantKey, changed);
  sendHolds(tx, tenantKey, changed);
  deferEntries(tx, tenantKey, changed, facts);
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
    sparse(made, ({ posting }) => posting?.activityKey ?? null),
    sparse(made, ({ posting }) => posting?.reason ?? null),
    sparse(made, ({ posting }) => posting?.reference?.type ?? null),
    sparse(made, ({ posting }) => posting?.reference?.id ?? null),
    sparse(made, ({ posting }) => posting?.reverses ?? null),
    sparse(explanations, ({ own }) => jsonOf(own)),
    sparse(made, (operation) => inputHashOf(operation, facts)),
    sparse(made, paysBack, false),
    sparse(explanations, ({ place }) => place),
  ]);
}

function jsonOf(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
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
    sparse(made, ({ createdAt, maturedAt }) => unless(createdAt, maturedAt)),
    sparse(made, ({ originLotKey }) => originLotKey ?? null),
    sparse(made, ({ awaits }) => awaits ?? null),
    sparse(made, ({ idles }) => idles ?? false, false),
    sparse(made, ({ portion }) => portion ?? null),
    sparse(made, ({ lost }) => lost, 0n),
  ]);
}

function sendChangedLots(tx: Transaction, tenantKey: string, drafts: readonly LedgerDraft[]): void {
  const changed = drafts.flatMap(({ changedLots }) => [...changedLots]);
  if (changed.length === 0) return;
  send(tx, updateLots, [
    tenantKey,
    changed.map(({ ledgerKey }) => ledgerKey),
    changed.map(({ lotKey }) => lotKey),
    changed.map(({ operationKey }) => operationKey),
    changed.map(({ amount }) => amount),
    changed.map(({ remaining }) => remaining),
    sparse(changed, ({ held }) => held, 0n),
    sparse(changed, ({ pending }) => pending, false),
    changed.map(({ availableAt }) => availableAt),
    sparse(changed, ({ expiresAt }) => expiresAt),
    changed.map(({ createdAt }) => createdAt),
    sparse(changed, ({ maturedAt }) => maturedAt),
    sparse(changed, ({ lost }) => lost, 0n),
  ]);
}

/** What an entry took from lots. */
interface Part {
  /** The lot that gave all of its amount and lost nothing; null where there are several, or none. */
  readonly lotKey: string | null;
  /** Which part of a list is its own otherwise, from 1, ends included; null when it took nothing. */
  readonly first: number | null;
  readonly last: number | null;
  readonly loses: boolean;
}

const NOTHING_TAKEN: Part = { lotKey: null, first: null, last: null, loses: false };

/** What entries took from lots, one after the other; an operation has one entry in each ledger. */
function takenBy(drafts: readonly LedgerDraft[]): { all: DraftAllocation[]; parts: Part[] } {
  const all: DraftAllocation[] = [];
  const parts = drafts.flatMap(({ operations, allocations }) => {
    if (allocations.length === 0) return operations.map(() => NOTHING_TAKEN);
    const real = allocations.filter(({ amount, lost }) => amount !== 0n || lost !== 0n);
    const byOperation = Map.groupBy(real, ({ operationKey }) => operationKey);
    return operations.map(({ operationKey, entries: [entry] }): Part => {
      const own = byOperation.get(operationKey);
      if (own === undefined) return NOTHING_TAKEN;
      const lotKey = onlyLotOf(own, entry);
      if (lotKey !== null) return { ...NOTHING_TAKEN, lotKey };
      const first = all.length + 1;
      all.push(...own);
      return { lotKey: null, first, last: all.length, loses: own.some(({ lost }) => lost !== 0n) };
    });
  });
  return { all, parts };
}

/** The lot that gave all of an entry's amount and lost nothing; null where it isn't one alone. */
function onlyLotOf([only, ...others]: readonly DraftAllocation[], entry: Entry | undefined): string | null {
  if (only === undefined || entry === undefined || others.length > 0) return null;
  return only.lost === 0n && only.amount === -entry.amount ? only.lotKey : null;
}

function deferEntries(
  tx: Transaction,
  tenantKey: string,
  drafts: readonly LedgerDraft[],
  { now }: WriteFacts,
): void {
  const entries: Entry[] = [];
  const left = drafts.map(({ operations, state }): LeftLedger => {
    entries.push(...operations.flatMap((operation) => operation.entries));
    return { state, lastPlace: entries.length };
  });
  const known = left.filter(({ state }) => state.isNew !== true);
  const taken = takenBy(drafts);
  const values = [
    ...[tenantKey, entries.length, now],
    ...valuesLeft(known, now),
    taken.all.map(({ lotKey }) => lotKey),
    taken.all.map(({ amount }) => amount),
    taken.all.map(({ lost }) => lost),
    ...valuesOf(entries, now),
    sparse(taken.parts, ({ first }) => first),
    sparse(taken.parts, ({ last }) => last),
    sparse(taken.parts, ({ loses }) => loses, false),
    drafts.flatMap(({ operations }) => operations.flatMap((one) => one.entries.map(() => accountOf(one)))),
    sparse(taken.parts, ({ lotKey }) => lotKey),
  ];
  tx.defer(writeEntries, values, ([feed]) => {
    if (feed === undefined) return;
    for (const [index, entry] of entries.entries()) entry.feedPosition = feed.before + BigInt(index + 1);
  });
  const fresh = left.filter(({ state }) => state.isNew === true);
  deferNewLedgers(tx, tenantKey, entries.length, fresh);
}

/** The columns of ledgers, as their entries leave them. */
function valuesLeft(ledgers: readonly LeftLedger[], now: Date): unknown[] {
  const states = ledgers.map(({ state }) => state);
  return [
    states.map(({ ledgerKey }) => ledgerKey),
    states.map(({ memberKey }) => memberKey),
    states.map(({ asset }) => asset),
    states.map(({ posted }) => posted),
    sparse(states, ({ pending }) => pending, 0n),
    sparse(states, ({ held }) => held, 0n),
    sparse(states, ({ debt }) => debt, 0n),
    states.map(({ version }) => version),
    sparse(states, ({ settleAt }) => settleAt),
    sparse(states, ({ recordedAt }) => unless(now, recordedAt)),
    ledgers.map(({ lastPlace }) => lastPlace),
  ];
}

/** The columns of entries that are theirs alone. */
function valuesOf(entries: readonly Entry[], now: Date): unknown[] {
  return [
    entries.map(({ ledgerKey }) => ledgerKey),
    entries.map(({ version }) => version),
    entries.map(({ operationKey }) => operationKey),
    entries.map(({ kind }) => kind),
    entries.map(({ amount }) => amount),
    sparse(entries, ({ postedDelta, amount }) => (postedDelta === amount ? null : postedDelta)),
    sparse(entries, ({ pendingDelta }) => pendingDelta, 0n),
    sparse(entries, ({ heldDelta }) => heldDelta, 0n),
    entries.map(({ balanceAfter }) => balanceAfter),
    sparse(entries, ({ pendingAfter }) => pendingAfter, 0n),
    sparse(entries, ({ heldAfter }) => heldAfter, 0n),
    sparse(entries, ({ reason }) => reason),
    sparse(entries, ({ availableAt }) => availableAt),
    sparse(entries, ({ expiresAt }) => expiresAt),
    sparse(entries, ({ occurredAt }) => unless(now, occurredAt)),
    sparse(entries, ({ recordedAt }) => unless(now, recordedAt)),
  ];
}

/** A moment, where it isn't the one that the statement takes when it is told none. */
function unless(usual: Date, moment: Date | null): Date | null {
  return moment?.getTime() === usual.getTime() ? null : moment;
}
