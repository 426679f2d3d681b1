import { sparse, statement, type Transaction, unless } from '../../persistence/index.ts';
import { valuesOfOperations, type WriteFacts } from './draft-operation.ts';
import type { Entry } from './entry.entity.ts';
import type { LedgerDraft } from './ledger.policy.ts';
import type { DraftAllocation } from './ledger-draft.ts';
import { deferNewLedgers, type LeftLedger } from './new-ledger.repository.ts';
import { accountOf } from './program-account.policy.ts';

/**
 * The feed's position is taken here, last, because its lock is held until the commit. The ledgers, which are
 * there and locked, are found by their whole keys, as lots are. What entries took from lots comes in one
 * list, of which each has its part. An operation's only entry has its columns as well. Sets are unnested in
 * lists of columns: behind FROM each of them would be stored first.
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
                               lot_id, lot_ids, taken, lost, account, program_version, created_at,
                               activity_id, reference_type, reference_id, ref_operation_id, explanation,
                               explained_by, input_hash, pays_back)
     select $1, d.ledger_id, d.version, d.operation_id, d.kind, d.amount, d.posted_delta,
            nullif(d.pending_delta, 0), nullif(d.held_delta, 0), d.posted_after, nullif(d.pending_after, 0),
            nullif(d.held_after, 0), feed.before + d.place, d.reason, d.available_at, d.expires_at,
            coalesce(d.occurred_at, $3), nullif(coalesce(d.recorded_at, $3), coalesce(d.occurred_at, $3)),
            d.lot_id, case when d.last_part is not null then ($15::uuid[])[d.first_part:d.last_part] end,
            case when d.last_part is not null then ($16::bigint[])[d.first_part:d.last_part] end,
            case when d.loses then ($17::bigint[])[d.first_part:d.last_part] end, d.account,
            case when d.is_part then null else $39::integer end,
            case when d.is_part then null else nullif($3, coalesce(d.recorded_at, $3)) end, d.activity_id,
            d.reference_type, d.reference_id, d.ref_operation_id, d.explanation, d.explained_by,
            d.input_hash, d.pays_back
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
                unnest($37::"char"[]) as account, unnest($38::uuid[]) as lot_id,
                unnest($40::boolean[]) as is_part, unnest($41::uuid[]) as activity_id,
                unnest($42::text[]) as reference_type, unnest($43::text[]) as reference_id,
                unnest($44::uuid[]) as ref_operation_id, unnest($45::jsonb[]) as explanation,
                unnest($46::bigint[])::smallint as explained_by, unnest($47::bytea[]) as input_hash,
                unnest($48::boolean[]) as pays_back) d)
   select before from feed`,
);

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

/**
 * Writes entries, each with its operation where it has no other, and leaves their ledgers as they are after
 * them, with the COMMIT of the transaction; entries learn their feed positions then.
 * @param joint the keys of the operations that have several
 */
export function deferEntries(
  tx: Transaction,
  tenantKey: string,
  drafts: readonly LedgerDraft[],
  joint: ReadonlySet<string>,
  facts: WriteFacts,
): void {
  const { now } = facts;
  const entries: Entry[] = [];
  const left = drafts.map(({ operations, state }): LeftLedger => {
    entries.push(...operations.flatMap((operation) => operation.entries));
    return { state, lastPlace: entries.length };
  });
  const known = left.filter(({ state }) => state.isNew !== true);
  const taken = takenBy(drafts);
  const operations = drafts.flatMap((draft) => draft.operations);
  const alone = operations.map((one) => (joint.has(one.operationKey) ? null : one));
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
    operations.map(accountOf),
    sparse(taken.parts, ({ lotKey }) => lotKey),
    facts.programVersion,
    sparse(alone, (one) => one === null, false),
    ...valuesOfOperations(alone, facts),
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
