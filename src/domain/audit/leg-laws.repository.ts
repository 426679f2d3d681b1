import { statement } from '../../persistence/index.ts';
import type { BreachRow, Law } from './law.ts';

const NAMED = 'select b.*, count(*) over () as violations from (';
const FIRST = ') b limit 20';

const balances = statement<BreachRow>(
  'audit.leg_balances',
  `${NAMED}select operation_id, asset, sum(amount) as sum
             from (select e.operation_id, l.asset, e.posted_delta + e.pending_delta as amount
                     from entry e join ledger l on l.tenant_id = $1 and l.ledger_id = e.ledger_id
                    where e.tenant_id = $1
                   union all
                   select operation_id, asset, amount from leg where tenant_id = $1) sides
            group by operation_id, asset having sum(amount) <> 0${FIRST}`,
);
const accounts = statement<BreachRow>(
  'audit.leg_accounts',
  `${NAMED}select g.operation_id, g.asset, g.account, g.position, o.kind
             from leg g
             left join operation o on o.tenant_id = $1 and o.operation_id = g.operation_id
             left join operation r on r.tenant_id = $1 and r.operation_id = o.ref_operation_id
             left join (select operation_id, min(feed_position) as position,
                               (array_agg(recorded_at order by feed_position))[1] as recorded_at
                          from entry where tenant_id = $1 group by operation_id) e
                    on e.operation_id = g.operation_id
            where g.tenant_id = $1
              and (e.position is distinct from g.position or e.recorded_at is distinct from g.recorded_at
                or g.account <> 'BREAKAGE'
                   and g.account is distinct from
                       case when coalesce(r.pays_back, o.pays_back) then 'PAID_BACK' else
                       case coalesce(r.kind, o.kind)
                         when 'EARN' then 'ISSUED'
                         when 'REDEEM' then 'REDEEMED' when 'CAPTURE' then 'REDEEMED'
                         when 'ADJUST' then 'ADJUSTED' when 'TRANSFER' then 'TRANSFERRED'
                         when 'MERGE' then 'TRANSFERRED' end end
                or g.account = 'BREAKAGE' and not coalesce(o.pays_back, false)
                   and o.kind in ('EARN', 'REDEEM', 'ADJUST', 'HOLD', 'MATURE'))
            ${FIRST}`,
);
const days = statement<BreachRow>(
  'audit.leg_days',
  `${NAMED}select asset, account, day::text as day, d.amount, s.amount as legs
             from (select * from leg_day where tenant_id = $1) d
             full join (select g.asset, g.account, (g.recorded_at at time zone u.time_zone)::date as day,
                               sum(g.amount) as amount, min(g.position) as first_position,
                               max(g.position) as last_position
                          from leg g join leg_rollup u on u.tenant_id = $1 and g.position <= u.position
                         where g.tenant_id = $1 group by 1, 2, 3) s using (asset, account, day)
            where (d.amount, d.first_position, d.last_position)
                    is distinct from (s.amount, s.first_position, s.last_position)${FIRST}`,
);

/** What holds of the program's own side. */
export const legLaws: readonly Law[] = [
  {
    code: 'leg-balances',
    says: {
      en: 'the entries of an operation and its legs sum to zero in every asset',
      'zh-CN': '每个操作的流水与对方分录按资产合计为零',
    },
    broken: balances,
  },
  {
    code: 'leg-accounts',
    says: {
      en: 'each leg is in the account of what was done, at the operation’s first entry',
      'zh-CN': '对方分录记入与操作相符的科目，并位于其首条流水处',
    },
    broken: accounts,
  },
  {
    code: 'leg-days',
    says: {
      en: 'the sums of a day are those of its legs',
      'zh-CN': '每日汇总等于当日对方分录之和',
    },
    broken: days,
  },
];
