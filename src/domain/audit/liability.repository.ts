import { type Sql, statement, type Transaction } from '../../persistence/index.ts';

const beginRollUp = statement(
  'leg_rollup.begin',
  `insert into leg_rollup (tenant_id, position, time_zone) values ($1, 0, $2) on conflict do nothing`,
);
const lockRollUp = statement<{ position: bigint }>(
  'leg_rollup.lock',
  'select position from leg_rollup where tenant_id = $1 for update',
);
/** A position is visible together with all before it, so nothing of what is summed comes later. */
const rollUp = statement<{ legs: bigint }>(
  'leg_rollup.run',
  `with feed as (select position from tenant_feed where tenant_id = $1),
   fresh as (
     select g.asset, g.account, (g.recorded_at at time zone u.time_zone)::date as day,
            sum(g.amount) as amount, min(g.position) as first_position,
            max(g.position) as last_position, count(*) as legs
       from leg g join leg_rollup u on u.tenant_id = $1
      where g.tenant_id = $1 and g.position > $2 and g.position <= (select position from feed)
      group by 1, 2, 3),
   moved as (update leg_rollup set position = (select position from feed) where tenant_id = $1),
   summed as (
     insert into leg_day (tenant_id, asset, account, day, amount, first_position, last_position)
     select $1, asset, account, day, amount, first_position, last_position from fresh
         on conflict (tenant_id, asset, account, day) do update
        set amount = leg_day.amount + excluded.amount,
            first_position = least(leg_day.first_position, excluded.first_position),
            last_position = greatest(leg_day.last_position, excluded.last_position))
   select coalesce(sum(legs), 0)::bigint as legs from fresh`,
);

interface LiabilityRow {
  readonly asset: string;
  readonly at: Date;
  readonly inFuture: boolean;
  readonly issued: string;
  readonly redeemed: string;
  readonly paidBack: string;
  readonly breakage: string;
  readonly transferred: string;
  readonly adjusted: string;
}
/**
 * Whole days as they are summed, the legs of the moment's own day, and those that no sum has yet. These are a
 * range with two ends, so that they are found by the feed's index, and the moment is asked for once.
 */
const selectLiability = statement<LiabilityRow>(
  'leg.liability',
  `with head as (
     select u.position, u.time_zone, (coalesce($2, business_time()) at time zone u.time_zone)::date as day
       from leg_rollup u where u.tenant_id = $1),
   span as (select min(d.first_position) as first_position, max(d.last_position) as last_position
              from leg_day d, head where d.tenant_id = $1 and d.day = head.day),
   part as (
     select d.asset, d.account, d.amount from leg_day d, head where d.tenant_id = $1 and d.day < head.day
     union all
     select g.asset, g.account, g.amount from leg g, head, span
      where g.tenant_id = $1 and g.position between span.first_position and span.last_position
        and g.position <= head.position and (g.recorded_at at time zone head.time_zone)::date = head.day
        and g.recorded_at <= (select coalesce($2, business_time()))
     union all
     select g.asset, g.account, g.amount from leg g
      where g.tenant_id = $1 and g.position > (select coalesce(max(position), 0) from head)
        and g.position <= (select position from tenant_feed where tenant_id = $1)
        and g.recorded_at <= (select coalesce($2, business_time())))
   select asset, coalesce($2, business_time()) as at, coalesce($2 > business_time(), false) as "inFuture",
          coalesce(-sum(amount) filter (where account = 'ISSUED'), 0)::text as issued,
          coalesce(sum(amount) filter (where account = 'REDEEMED'), 0)::text as redeemed,
          coalesce(sum(amount) filter (where account = 'PAID_BACK'), 0)::text as "paidBack",
          coalesce(sum(amount) filter (where account = 'BREAKAGE'), 0)::text as breakage,
          coalesce(-sum(amount) filter (where account = 'TRANSFERRED'), 0)::text as transferred,
          coalesce(-sum(amount) filter (where account = 'ADJUSTED'), 0)::text as adjusted
     from part group by asset order by asset`,
);

/** What the lots of each portion had left at the moment. */
const selectPortions = statement<{ asset: string; portion: 'PAID' | 'BONUS'; amount: string }>(
  'lot.liability',
  `select l.asset, t.portion, sum(t.amount - coalesce(a.taken, 0))::text as amount
     from lot t
     join ledger l on l.tenant_id = $1 and l.ledger_id = t.ledger_id
     left join (
       select e.ledger_id, u.lot_id, sum(u.amount) as taken
         from entry e cross join lateral unnest(e.lot_ids, e.taken) as u (lot_id, amount)
        where e.tenant_id = $1 and e.recorded_at <= coalesce($2, business_time())
          and e.ledger_id in (select ledger_id from lot where tenant_id = $1 and portion is not null)
        group by e.ledger_id, u.lot_id) a on a.ledger_id = t.ledger_id and a.lot_id = t.lot_id
    where t.tenant_id = $1 and t.portion is not null and t.created_at <= coalesce($2, business_time())
    group by l.asset, t.portion`,
);

/** What was given in one asset up to a moment, what became of it, and what is still owed to members. */
export interface Liability {
  readonly asset: string;
  readonly at: Date;
  /** Whether that moment hasn't come. */
  readonly inFuture: boolean;
  readonly issued: bigint;
  readonly redeemed: bigint;
  /** Stored value that was paid back to members in money. */
  readonly paidBack: bigint;
  readonly breakage: bigint;
  /** What transfers brought in, less what they took out: zero unless something was lost on the way. */
  readonly transferred: bigint;
  readonly adjusted: bigint;
  /** What members hold, posted and pending together. */
  readonly outstanding: bigint;
  /** What lots of stored value have of it: paid in by members, and given on top. */
  readonly paid: bigint;
  readonly bonus: bigint;
}

/** Sums what no sum has yet, once, however many do so at a time; answers how many legs that were. */
export async function rollUpLegs(tx: Transaction, tenantKey: string, timeZone: string): Promise<bigint> {
  await tx.run(beginRollUp, [tenantKey, timeZone]);
  const [locked] = await tx.run(lockRollUp, [tenantKey]);
  const [row] = await tx.run(rollUp, [tenantKey, locked?.position ?? 0n]);
  return row?.legs ?? 0n;
}

/** @param at now when null */
export async function findLiabilities(sql: Sql, tenantKey: string, at: Date | null): Promise<Liability[]> {
  const [rows, portions] = await Promise.all([
    sql.run(selectLiability, [tenantKey, at]),
    sql.run(selectPortions, [tenantKey, at]),
  ]);
  const portionOf = (asset: string, portion: 'PAID' | 'BONUS'): bigint =>
    BigInt(portions.find((one) => one.asset === asset && one.portion === portion)?.amount ?? 0);
  return rows.map((row) => {
    const [issued, redeemed, breakage] = [BigInt(row.issued), BigInt(row.redeemed), BigInt(row.breakage)];
    const [transferred, adjusted] = [BigInt(row.transferred), BigInt(row.adjusted)];
    const paidBack = BigInt(row.paidBack);
    const outstanding = issued + adjusted + transferred - redeemed - paidBack - breakage;
    const [paid, bonus] = [portionOf(row.asset, 'PAID'), portionOf(row.asset, 'BONUS')];
    const given = { issued, adjusted, transferred };
    return { ...row, ...given, redeemed, paidBack, breakage, outstanding, paid, bonus };
  });
}
