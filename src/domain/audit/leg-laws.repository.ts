import { statement } from '../../persistence/index.ts';
import type { BreachRow, Law } from './law.ts';

const NAMED = 'select b.*, count(*) over () as violations from (';
const FIRST = ') b limit 20';

/** By the view of legs: a letter that it doesn't spell out would leave an entry without its other side. */
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
/** Letters as the view `leg` spells them out. What time took of an entry is what its amount has too much. */
const accounts = statement<BreachRow>(
  'audit.leg_accounts',
  `${NAMED}select e.operation_id, e.ledger_id, e.version, e.account, o.kind
             from entry e
             left join operation o on o.tenant_id = $1 and o.operation_id = e.operation_id
             left join operation r on r.tenant_id = $1 and r.operation_id = o.ref_operation_id
            where e.tenant_id = $1
              and (e.account is distinct from
                     case when coalesce(r.pays_back, o.pays_back) then 'P' else
                     case coalesce(r.kind, o.kind)
                       when 'EARN' then 'I' when 'REDEEM' then 'R' when 'CAPTURE' then 'R'
                       when 'ADJUST' then 'A' when 'TRANSFER' then 'T' when 'MERGE' then 'T' end end
                or e.posted_delta + e.pending_delta <> case when e.account is null then 0 else e.amount end
                   and not coalesce(o.pays_back, false)
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
      en: 'each entry stands against the account of what was done, and loses nothing to time where time can’t act',
      'zh-CN': '每条流水对应与操作相符的科目，且不应过期处无过期损失',
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
