import { statement } from '../../persistence/index.ts';
import type { BreachRow, Law } from './law.ts';

const NAMED = 'select b.*, count(*) over () as violations from (';
const FIRST = ') b limit 20';

/** What the lots of each ledger come to. */
const LOTS = `
  select ledger_id, sum(remaining) as remaining, sum(held) as held,
         coalesce(sum(remaining) filter (where pending), 0) as pending,
         coalesce(sum(remaining - held) filter (where not pending), 0) as free,
         min(case when pending then available_at when remaining > held then expires_at end)
           filter (where remaining > 0) as settles
    from lot where tenant_id = $1 group by ledger_id`;

/** What entries took from each lot, and what of that time took. */
const TAKEN = `
  select e.ledger_id, u.lot_id, sum(u.amount) as taken, sum(u.lost) as lost
    from entry e cross join lateral unnest(e.lot_ids, e.taken, e.lost) as u (lot_id, amount, lost)
   where e.tenant_id = $1 group by e.ledger_id, u.lot_id`;

const balances = statement<BreachRow>(
  'audit.lot_balances',
  `${NAMED}select l.ledger_id, l.posted, l.pending, l.held, l.debt, o.remaining as lots_remaining,
                  o.held as lots_held
             from ledger l left join (${LOTS}) o using (ledger_id)
            where l.tenant_id = $1
              and (coalesce(o.remaining, 0) - l.debt <> l.posted + l.pending
                or coalesce(o.pending, 0) <> l.pending or coalesce(o.held, 0) <> l.held)${FIRST}`,
);
const debts = statement<BreachRow>(
  'audit.ledger_debts',
  `${NAMED}select l.ledger_id, l.posted, l.held, l.debt, e.version
             from ledger l
             left join (${LOTS}) o using (ledger_id)
             left join (select ledger_id, min(version) as version from entry
                         where tenant_id = $1 and kind in ('REDEEM', 'HOLD', 'TRANSFER') and amount < 0
                           and posted_after - held_after < 0 group by ledger_id) e using (ledger_id)
            where l.tenant_id = $1 and (l.debt > 0 and o.free > 0 or e.version is not null)${FIRST}`,
);
const settlements = statement<BreachRow>(
  'audit.ledger_settlement',
  `${NAMED}select l.ledger_id, l.settle_at, least(o.settles, h.ends) as settles
             from ledger l
             left join (${LOTS}) o using (ledger_id)
             left join (select ledger_id, min(expires_at) as ends from hold
                         where tenant_id = $1 and status = 'ACTIVE' group by ledger_id) h using (ledger_id)
            where l.tenant_id = $1 and least(o.settles, h.ends) is not null
              and (l.settle_at is null or l.settle_at > least(o.settles, h.ends))${FIRST}`,
);
const takings = statement<BreachRow>(
  'audit.lot_taken',
  `${NAMED}select ledger_id, lot_id, t.amount, t.remaining, a.taken, t.lost, a.lost as taken_by_time
             from (select * from lot where tenant_id = $1) t full join (${TAKEN}) a using (ledger_id, lot_id)
            where (t.amount - coalesce(a.taken, 0), t.lost)
                  is distinct from (t.remaining::numeric, coalesce(a.lost, 0))${FIRST}`,
);
const maturities = statement<BreachRow>(
  'audit.lot_maturity',
  `${NAMED}select ledger_id, lot_id from lot where tenant_id = $1
              and (pending <> (matured_at is null) or matured_at < created_at
                or expires_at <= available_at)${FIRST}`,
);
const credits = statement<BreachRow>(
  'audit.lot_credits',
  `${NAMED}select operation_id, ledger_id, e.amount, t.lots, t.portions, t.amount as lot_amount
             from (select * from entry where tenant_id = $1) e
             full join (select operation_id, ledger_id, count(*) as lots, sum(amount) as amount,
                               count(distinct portion) as portions
                          from lot where tenant_id = $1 group by operation_id, ledger_id) t
                  using (operation_id, ledger_id)
            where e.kind in ('EARN', 'ADJUST') and e.amount > 0
                    and (t.amount is distinct from e.amount
                      or t.lots > 1 and (e.kind, t.lots, t.portions) is distinct from ('EARN', 2, 2))
               or e.kind = 'TRANSFER' and e.amount > 0 and t.amount is distinct from e.amount
               or t.lots > 0 and (e.kind is null or e.amount <= 0 and e.kind <> 'MERGE'
                    or e.kind not in ('EARN', 'ADJUST', 'TRANSFER', 'REVERSE', 'MERGE')
                    or e.kind = 'MERGE' and t.amount < e.amount
                    or e.kind = 'REVERSE' and t.amount > e.posted_delta)${FIRST}`,
);
/** What a final capture gives back may pay a debt at once, from the lots that were held. */
const spends = statement<BreachRow>(
  'audit.lot_spends',
  `${NAMED}select e.operation_id, e.ledger_id, e.amount, a.taken
             from entry e
            cross join lateral (select sum(u.amount) as whole, sum(u.amount - coalesce(u.lost, 0)) as taken
                                  from unnest(e.taken, e.lost) as u (amount, lost)) a
            where e.tenant_id = $1 and e.amount < 0
              and (case when e.kind = 'MERGE' then false
                        when e.kind = 'EXPIRE' then coalesce(a.whole, 0) <> -e.amount
                        when e.kind in ('REDEEM', 'TRANSFER') then coalesce(a.taken, 0) <> -e.amount
                        when e.kind = 'CAPTURE'
                          then coalesce(a.taken, 0) not between -e.amount and -e.held_delta
                        else coalesce(a.taken, 0) > -e.amount end)${FIRST}`,
);

const portions = statement<BreachRow>(
  'audit.lot_portions',
  `${NAMED}select t.ledger_id, t.lot_id, t.portion, f.portion as origin_portion
             from lot t join lot f on f.tenant_id = $1 and f.lot_id = t.origin_lot_id
            where t.tenant_id = $1 and t.portion is distinct from f.portion${FIRST}`,
);

const openLots = statement<BreachRow>(
  'audit.open_lots',
  `${NAMED}select ledger_id, lot_id, o.amount, t.amount as lot_amount, o.lost, t.lost as lot_lost, o.available_at,
                  t.available_at as lot_available_at, o.expires_at, t.expires_at as lot_expires_at
             from (select * from open_lot where tenant_id = $1) o
             left join (select * from lot where tenant_id = $1) t using (ledger_id, lot_id)
            where (o.operation_id, o.amount, o.lost, o.pending, o.available_at, o.expires_at, o.idles_since,
                   o.origin_lot_id, o.awaits, o.portion)
                  is distinct from
                  (t.operation_id, t.amount, t.lost, t.pending, t.available_at, t.expires_at,
                   case when t.idles then t.created_at end, t.origin_lot_id, t.awaits, t.portion)${FIRST}`,
);

/** What holds of lots, and of what was taken from them. */
export const lotLaws: readonly Law[] = [
  {
    code: 'lot-balances',
    says: {
      en: 'what lots have left, less the debt, is what is posted and pending; their pending and held parts too',
      'zh-CN': '批次余量减欠额等于已入账与待生效之和，待生效与冻结部分亦然',
    },
    broken: balances,
  },
  {
    code: 'ledger-debts',
    says: {
      en: 'no ledger owes while it has something free, and no spend left one below zero',
      'zh-CN': '有可用余量的账户不欠额，消费不会使余额低于零',
    },
    broken: debts,
  },
  {
    code: 'ledger-settlement',
    says: {
      en: 'a ledger is settled no later than its lots and holds ask for',
      'zh-CN': '账户的结算时间不晚于其批次与冻结所需',
    },
    broken: settlements,
  },
  {
    code: 'lot-taken',
    says: {
      en: 'a lot has left what was not taken from it, and lost what time took',
      'zh-CN': '批次余量等于总额减去已取用，其中因时间失去的部分相符',
    },
    broken: takings,
  },
  {
    code: 'lot-maturity',
    says: {
      en: 'a lot has matured if it isn’t pending, and not before it was made',
      'zh-CN': '非待生效的批次已生效，且不早于其生成',
    },
    broken: maturities,
  },
  {
    code: 'lot-credits',
    says: {
      en: 'each credit made a lot of its amount or one of each portion, transfers and mergers what they brought, nothing else did',
      'zh-CN': '每笔入账恰好生成等额批次（储值本金与赠金至多各一），转赠与合并生成其所带的批次',
    },
    broken: credits,
  },
  {
    code: 'lot-spends',
    says: {
      en: 'spends and expiries took their amount from lots (corrections may owe the rest)',
      'zh-CN': '消费与过期的金额取自批次（更正可欠余额）',
    },
    broken: spends,
  },
  {
    code: 'lot-portions',
    says: {
      en: 'what came from a lot of another ledger is of the same portion',
      'zh-CN': '来自其他账户的批次与原批次同属本金或赠金',
    },
    broken: portions,
  },
  {
    code: 'open-lots',
    says: {
      en: 'what is left of a lot says of the lot what the lot says itself',
      'zh-CN': '未用完批次的余量记录与批次本身的内容一致',
    },
    broken: openLots,
  },
];
