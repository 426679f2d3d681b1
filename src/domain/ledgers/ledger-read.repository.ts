import { type Sql, statement } from '../../persistence/index.ts';
import type { Entry } from './entry.entity.ts';
import type { BriefEntry } from './entry.lookahead.ts';
import type { Hold } from './hold.entity.ts';
import type { Ledger } from './ledger.entity.ts';
import type { HoldStatus } from './ledger.enums.types.ts';
import type { Lot } from './lot.entity.ts';
import type { ExtensionReference, LedgerOperation } from './operation.entity.ts';
import { type ReadLedger, settleOwing } from './owing-ledgers.ts';

/** business_time() of tenant $1, written out: the function is a statement of its own, this one is not. */
const NOW = `
  (select date_trunc('milliseconds', now() + c.clock_offset) from tenant c where c.tenant_id = $1)`;

/** A ledger's columns, and what time has done to it that no operation has settled yet. */
const ledgerColumns = `
  l.tenant_id as "tenantKey", l.ledger_id as "ledgerKey", l.member_id as "memberKey", l.asset as "assetCode",
  l.posted, l.pending, l.held, l.debt, l.floor, l.version, l.feed_position as "feedPosition",
  l.recorded_at as "recordedAt", l.settle_at as "settleAt",
  coalesce(s.due, 0)::bigint as due, coalesce(s.expired, 0)::bigint as expired,
  coalesce(s.lapsed, 0)::bigint as lapsed,
  case when l.debt > 0 and l.settle_at <= ${NOW} then ${NOW} end as "owingAt"`;
const unsettled = `
  left join lateral (
    select sum(o.remaining) filter (where o.pending and o.available_at <= ${NOW}) as due,
           sum(o.remaining - o.held + coalesce(r.amount, 0))
             filter (where o.expires_at <= ${NOW}
                       and o.available_at <= ${NOW}) as expired,
           sum(r.amount) as lapsed
      from open_lot o
      left join (
        select a.lot_id, sum(a.amount) as amount
          from hold h
          join hold_lot a on a.tenant_id = h.tenant_id and a.ledger_id = h.ledger_id and a.hold_id = h.hold_id
         where h.tenant_id = l.tenant_id and h.ledger_id = l.ledger_id and h.status = 'ACTIVE'
           and h.expires_at <= ${NOW}
         group by a.lot_id) r on r.lot_id = o.lot_id
     where o.tenant_id = l.tenant_id and o.ledger_id = l.ledger_id
  ) s on l.settle_at <= ${NOW}`;

const selectByMembers = statement<ReadLedger>(
  'ledger.by_members',
  `select ${ledgerColumns} from ledger l ${unsettled} where l.tenant_id = $1 and l.member_id = any($2::uuid[])`,
);
const selectByKeys = statement<ReadLedger>(
  'ledger.by_keys',
  `select ${ledgerColumns} from ledger l ${unsettled} where l.tenant_id = $1 and l.ledger_id = any($2::uuid[])`,
);

/** An entry is pending while the lot that it made is: till its moment, or till an event was sooner. */
const STATUS = `case when e.available_at > ${NOW} and exists (
    select from lot where lot.tenant_id = $1 and lot.ledger_id = e.ledger_id
       and lot.operation_id = e.operation_id and lot.pending) then 'PENDING' else 'POSTED' end`;

const entryColumns = `
  e.tenant_id as "tenantKey", e.ledger_id as "ledgerKey", e.version, e.operation_id as "operationKey", e.kind,
  e.amount, e.posted_delta as "postedDelta", e.pending_delta as "pendingDelta", e.held_delta as "heldDelta",
  e.posted_after as "balanceAfter", e.pending_after as "pendingAfter", e.held_after as "heldAfter",
  e.feed_position as "feedPosition", e.reason, e.available_at as "availableAt", e.expires_at as "expiresAt",
  e.occurred_at as "occurredAt", e.recorded_at as "recordedAt",
  ${STATUS} as status`;

const selectEntryPages = statement<Entry>(
  'entry.pages',
  `select ${entryColumns}
     from unnest($2::uuid[], $3::bigint[]) as wanted (ledger_id, before)
    cross join lateral (
      select * from entry
       where entry.tenant_id = $1 and entry.ledger_id = wanted.ledger_id and entry.version < wanted.before
       order by entry.version desc limit $4) e`,
);
/** The same, with what lists mostly show. */
const selectBriefPages = statement<BriefEntry>(
  'entry.brief_pages',
  `select e.ledger_id as "ledgerKey", e.version, e.kind, e.amount, e.posted_after as "balanceAfter", e.reason,
          e.occurred_at as "occurredAt",
          ${STATUS} as status
     from unnest($2::uuid[], $3::bigint[]) as wanted (ledger_id, before)
    cross join lateral (
      select * from entry
       where entry.tenant_id = $1 and entry.ledger_id = wanted.ledger_id and entry.version < wanted.before
       order by entry.version desc limit $4) e`,
);
const selectEntries = statement<Entry>(
  'entry.by_keys',
  `select ${entryColumns}, l.asset as "assetCode", l.member_id as "memberKey"
     from unnest($2::uuid[], $3::bigint[]) as wanted (ledger_id, version)
     join entry e on e.tenant_id = $1 and e.ledger_id = wanted.ledger_id and e.version = wanted.version
     join ledger l on l.tenant_id = $1 and l.ledger_id = e.ledger_id`,
);
/** Ledger by ledger: by the moments alone, all that expires in the tenant would be read. */
const selectExpiring = statement<{ ledgerKey: string; amount: bigint; expiresAt: Date }>(
  'lot.expiring',
  `select o.ledger_id as "ledgerKey", sum(o.remaining)::bigint as amount, o.expires_at as "expiresAt"
     from unnest($2::uuid[]) as k (ledger_id)
    cross join lateral (
      select * from open_lot where tenant_id = $1 and ledger_id = k.ledger_id offset 0) o
    where o.expires_at > ${NOW}
      and o.expires_at <= (${NOW} at time zone $3 + $4::interval) at time zone $3
                          + $5::interval
    group by o.ledger_id, o.expires_at order by o.expires_at`,
);
const lotColumns = `
  tenant_id as "tenantKey", ledger_id as "ledgerKey", lot_id as "lotKey", operation_id as "operationKey", amount,
  remaining, held, pending, available_at as "availableAt", expires_at as "expiresAt", created_at as "createdAt",
  matured_at as "maturedAt", portion`;
const selectLotPage = statement<Lot>(
  'lot.page',
  `select ${lotColumns} from lot
    where tenant_id = $1 and ledger_id = $2
      and (coalesce(expires_at, 'infinity'), lot_id) > ($3::timestamptz, $4::uuid)
    order by coalesce(expires_at, 'infinity'), lot_id limit $5`,
);
const selectHoldPage = statement<Hold>(
  'hold.page',
  `select tenant_id as "tenantKey", hold_id as "holdKey", ledger_id as "ledgerKey", amount, captured,
          case when lapsed then amount - captured else released end as released,
          case when lapsed then 'EXPIRED' else status end as status, expires_at as "expiresAt",
          created_at as "createdAt"
     from (select *, coalesce(status = 'ACTIVE' and expires_at <= ${NOW}, false) as lapsed
             from hold where tenant_id = $1 and ledger_id = $2 and hold_id < $4::uuid) h
    where $3::text is null or $3 = case when lapsed then 'EXPIRED' else status end
    order by hold_id desc limit $5`,
);
/** An operation's own, or the one of its activity's that it names. */
const EXPLANATION = `case when o.explained_by is null then o.explanation else
  (select a.explanations -> o.explained_by from activity a
    where a.tenant_id = $1 and a.activity_id = o.activity_id) end`;
const operationColumns = `
  tenant_id as "tenantKey", operation_id as "operationKey", kind, program_version as "programVersion",
  activity_id as "activityKey", reason, reference_type as "referenceType", reference_id as "referenceId",
  ref_operation_id as "refOperationKey", ${EXPLANATION} as "storedExplanation", pays_back as "paysBack",
  ledger_ids as "ledgerKeys", versions, input_hash as "inputHash", created_at as "createdAt"`;
const selectOperationsOf = statement<LedgerOperation>(
  'operation.of_activity',
  `select ${operationColumns} from operation o where tenant_id = $1 and activity_id = $2 order by operation_id`,
);
const selectOperations = statement<LedgerOperation>(
  'operation.by_keys',
  `select ${operationColumns} from operation o where tenant_id = $1 and operation_id = any($2::uuid[])`,
);
const selectAllocations = statement<Lot & { operation: string; taken: bigint }>(
  'allocation.by_operations',
  `select o.operation_id as operation, a.amount as taken, l.tenant_id as "tenantKey", l.ledger_id as "ledgerKey",
          l.lot_id as "lotKey", l.operation_id as "operationKey", l.amount, l.remaining, l.held, l.pending,
          l.available_at as "availableAt", l.expires_at as "expiresAt", l.created_at as "createdAt",
          l.matured_at as "maturedAt", l.portion
     from operation o
    cross join lateral unnest(o.ledger_ids, o.versions) as w (ledger_id, version)
     join entry e on e.tenant_id = $1 and e.ledger_id = w.ledger_id and e.version = w.version
    cross join lateral unnest(e.lot_ids, e.taken) as a (lot_id, amount)
     join lot l on l.tenant_id = $1 and l.ledger_id = e.ledger_id and l.lot_id = a.lot_id
    where o.tenant_id = $1 and o.operation_id = any($2::uuid[]) and a.amount <> 0
    order by l.expires_at, l.lot_id`,
);
/**
 * The balance after everything recorded by a moment, with what was due by then: the last entry's values, plus
 * the lots that were due but not matured, less the lots that were over but not expired, each as it stood
 * then.
 */
const selectBalanceAt = statement<{
  inFuture: boolean;
  posted: bigint;
  pending: bigint;
  held: bigint;
  due: bigint;
  expired: bigint;
  lapsed: bigint;
}>(
  'ledger.balance_at',
  `with held as (
     select a.lot_id, coalesce(sum(a.amount) filter (where h.expires_at <= $3), 0) as lapsed,
            coalesce(sum(a.amount) filter (where h.expires_at > $3 or h.expires_at is null), 0) as kept
       from hold_lot a
       join hold h on h.tenant_id = $1 and h.hold_id = a.hold_id
      where a.tenant_id = $1 and a.ledger_id = $2 and a.recorded_at <= $3
      group by a.lot_id),
   taken as (
     select a.lot_id, sum(a.amount) as taken
       from entry e cross join lateral unnest(e.lot_ids, e.taken) as a (lot_id, amount)
      where e.tenant_id = $1 and e.ledger_id = $2 and e.recorded_at <= $3
      group by a.lot_id),
   lots as (
     select l.available_at <= $3 as is_due, coalesce(l.expires_at <= $3, false) as is_over,
            coalesce(l.matured_at > $3, true) as was_pending, coalesce(h.kept, 0) as held,
            l.amount - coalesce(t.taken, 0) as remained
       from lot l
       left join held h on h.lot_id = l.lot_id
       left join taken t on t.lot_id = l.lot_id
      where l.tenant_id = $1 and l.ledger_id = $2 and l.created_at <= $3 and l.available_at <= $3)
   select $3::timestamptz > business_time() as "inFuture",
          coalesce(e.posted_after, 0) as posted, coalesce(e.pending_after, 0) as pending,
          coalesce(e.held_after, 0) as held,
          (select coalesce(sum(remained) filter (where was_pending), 0)::bigint from lots) as due,
          (select coalesce(sum(remained - held) filter (where is_over and remained > held), 0)::bigint
             from lots) as expired,
          (select coalesce(sum(lapsed), 0)::bigint from held) as lapsed
     from (select 1) as one
     left join lateral (
       select * from entry where tenant_id = $1 and ledger_id = $2 and recorded_at <= $3
        order by version desc limit 1) e on true`,
);
const selectDue = statement<{ ledgerKey: string }>(
  'lot.due',
  `select ledger_id as "ledgerKey" from (
     (select ledger_id from open_lot
       where tenant_id = $1 and pending and available_at <= business_time()
       order by available_at limit $2)
     union
     (select ledger_id from open_lot
       where tenant_id = $1 and expires_at <= business_time() and remaining > held
       order by expires_at limit $2)
     union
     (select ledger_id from hold where tenant_id = $1 and status = 'ACTIVE' and expires_at <= business_time()
       order by expires_at limit $2)) as due
   order by ledger_id`,
);
const selectFeedPosition = statement<{ position: bigint }>(
  'feed.position',
  'select position from tenant_feed where tenant_id = $1',
);
const selectEntriesAfter = statement<Entry>(
  'entry.after_positions',
  `select ${entryColumns}, l.asset as "assetCode", l.member_id as "memberKey"
     from ledger l
     join entry e on e.tenant_id = $1 and e.ledger_id = l.ledger_id
    where l.tenant_id = $1 and l.member_id = $2
      and l.feed_position > $3
      and e.version > coalesce((select p.version from entry p
                                 where p.tenant_id = $1 and p.ledger_id = l.ledger_id
                                   and p.feed_position <= $3
                                 order by p.version desc limit 1), 0)
    order by e.feed_position limit $4`,
);
/** Of everybody, and nothing that was committed later than the position that is read with it. */
const selectFeed = statement<Entry>(
  'entry.feed',
  `select ${entryColumns}, l.asset as "assetCode", l.member_id as "memberKey"
     from entry e
     join ledger l on l.tenant_id = $1 and l.ledger_id = e.ledger_id
    where e.tenant_id = $1 and e.feed_position > $2
    order by e.feed_position limit $3`,
);

const selectMemberExists = statement<{ exists: boolean }>(
  'ledger.member_exists',
  'select exists (select from member where tenant_id = $1 and member_id = $2) as exists',
);

const selectEarned = statement<EarnedByActivity>(
  'operation.earned',
  `select o.operation_id as "operationKey", why.explanation -> 'rule' ->> 'code' as rule,
          why.explanation -> 'extension' as extension, l.asset, e.amount,
          coalesce((select sum(-x.amount)::bigint from operation r
                      join entry x on x.tenant_id = $1 and x.ledger_id = r.ledger_ids[1]
                                  and x.version = r.versions[1]
                     where r.tenant_id = $1 and r.ref_operation_id = o.operation_id), 0) as reversed
     from operation o
    cross join lateral (select ${EXPLANATION} as explanation) why
     join entry e on e.tenant_id = $1 and e.ledger_id = o.ledger_ids[1] and e.version = o.versions[1]
     join ledger l on l.tenant_id = $1 and l.ledger_id = e.ledger_id
    where o.tenant_id = $1 and o.activity_id = $2 and o.kind = 'EARN'
    order by o.operation_id`,
);

/** What an activity earned in one operation, and what of that was taken back so far. */
export interface EarnedByActivity {
  readonly operationKey: string;
  /** The rule that gave it; null when an extension did. */
  readonly rule: string | null;
  readonly extension: ExtensionReference | null;
  readonly asset: string;
  readonly amount: bigint;
  readonly reversed: bigint;
}

const EARLIEST = '-infinity';
const NO_KEY = '00000000-0000-0000-0000-000000000000';
const LAST_KEY = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** What is read of ledgers, for one tenant. */
export class LedgerReads {
  readonly #sql: Sql;
  readonly #tenantKey: string;

  constructor(sql: Sql, tenantKey: string) {
    this.#sql = sql;
    this.#tenantKey = tenantKey;
  }

  async byMembers(memberKeys: readonly string[]): Promise<Ledger[]> {
    const rows = await this.#sql.run(selectByMembers, [this.#tenantKey, memberKeys]);
    return await settleOwing(this.#sql, this.#tenantKey, rows);
  }

  async byKeys(ledgerKeys: readonly string[]): Promise<Ledger[]> {
    const rows = await this.#sql.run(selectByKeys, [this.#tenantKey, ledgerKeys]);
    return await settleOwing(this.#sql, this.#tenantKey, rows);
  }

  /**
   * One more entry than asked for in each page, newest first, so that the caller knows whether there is
   * more.
   */
  entryPages(
    pages: readonly { ledgerKey: string; before: bigint }[],
    first: number,
    isBrief: boolean,
  ): Promise<BriefEntry[]> {
    const keys = pages.map(({ ledgerKey }) => ledgerKey);
    const befores = pages.map(({ before }) => before);
    const values = [this.#tenantKey, keys, befores, first + 1];
    return isBrief ? this.#sql.run(selectBriefPages, values) : this.#sql.run(selectEntryPages, values);
  }

  entries(wanted: readonly { ledgerKey: string; version: bigint }[]): Promise<Entry[]> {
    const keys = wanted.map(({ ledgerKey }) => ledgerKey);
    return this.#sql.run(selectEntries, [this.#tenantKey, keys, wanted.map(({ version }) => version)]);
  }

  /** @param within the days-and-longer part and the hours-and-shorter part of the span, ISO 8601 */
  expiring(
    ledgerKeys: readonly string[],
    timeZone: string,
    within: { days: string; time: string },
  ): Promise<{ ledgerKey: string; amount: bigint; expiresAt: Date }[]> {
    return this.#sql.run(selectExpiring, [this.#tenantKey, ledgerKeys, timeZone, within.days, within.time]);
  }

  lotPage(
    ledgerKey: string,
    after: { expiresAt: string; lotKey: string } | null,
    first: number,
  ): Promise<Lot[]> {
    const place = [after?.expiresAt ?? EARLIEST, after?.lotKey ?? NO_KEY];
    return this.#sql.run(selectLotPage, [this.#tenantKey, ledgerKey, ...place, first + 1]);
  }

  holdPage(
    ledgerKey: string,
    status: HoldStatus | null,
    before: string | null,
    first: number,
  ): Promise<Hold[]> {
    const values = [this.#tenantKey, ledgerKey, status, before ?? LAST_KEY, first + 1];
    return this.#sql.run(selectHoldPage, values);
  }

  operations(operationKeys: readonly string[]): Promise<LedgerOperation[]> {
    return this.#sql.run(selectOperations, [this.#tenantKey, operationKeys]);
  }

  operationsOf(activityKey: string): Promise<LedgerOperation[]> {
    return this.#sql.run(selectOperationsOf, [this.#tenantKey, activityKey]);
  }

  allocations(operationKeys: readonly string[]): Promise<(Lot & { operation: string; taken: bigint })[]> {
    return this.#sql.run(selectAllocations, [this.#tenantKey, operationKeys]);
  }

  async balanceAt(ledgerKey: string, at: Date) {
    const [row] = await this.#sql.run(selectBalanceAt, [this.#tenantKey, ledgerKey, at]);
    if (row === undefined) throw new Error('The balance at a moment has no row.');
    return row;
  }

  /** What an activity earned, an operation a row. */
  earnedBy(activityKey: string): Promise<EarnedByActivity[]> {
    return this.#sql.run(selectEarned, [this.#tenantKey, activityKey]);
  }

  async memberExists(memberKey: string): Promise<boolean> {
    const [row] = await this.#sql.run(selectMemberExists, [this.#tenantKey, memberKey]);
    return row?.exists === true;
  }

  /** Ledgers that time has changed and no operation has settled yet. */
  async due(limit: number): Promise<string[]> {
    const rows = await this.#sql.run(selectDue, [this.#tenantKey, limit]);
    return rows.map(({ ledgerKey }) => ledgerKey);
  }

  async feedPosition(): Promise<bigint> {
    const [row] = await this.#sql.run(selectFeedPosition, [this.#tenantKey]);
    return row?.position ?? 0n;
  }

  /** Entries behind a feed position, in commit order: a member's, or everybody's. */
  entriesAfter(memberKey: string | null, position: bigint, limit: number): Promise<Entry[]> {
    if (memberKey === null) return this.#sql.run(selectFeed, [this.#tenantKey, position, limit]);
    return this.#sql.run(selectEntriesAfter, [this.#tenantKey, memberKey, position, limit]);
  }
}
