import { statement } from '../../persistence/index.ts';
import type { BreachRow, Law } from './law.ts';

const NAMED = 'select b.*, count(*) over () as violations from (';
const FIRST = ') b limit 20';

const lots = statement<BreachRow>(
  'audit.hold_lots',
  `${NAMED}select ledger_id, lot_id, t.held, m.held as of_holds
             from (select ledger_id, lot_id, held from lot where tenant_id = $1) t
             full join (select ledger_id, lot_id, sum(amount) as held from hold_lot where tenant_id = $1
                         group by ledger_id, lot_id) m using (ledger_id, lot_id)
            where coalesce(t.held, 0) <> coalesce(m.held, 0)${FIRST}`,
);
const rests = statement<BreachRow>(
  'audit.hold_rests',
  `${NAMED}select h.ledger_id, h.hold_id, h.amount, h.captured, h.released, m.held as of_lots
             from hold h
             left join (select hold_id, sum(amount) as held from hold_lot where tenant_id = $1
                         group by hold_id) m using (hold_id)
            where h.tenant_id = $1
              and (h.amount - h.captured - h.released <> coalesce(m.held, 0)
                or h.captured < 0 or h.released < 0 or h.captured + h.released > h.amount
                or (h.status = 'ACTIVE') <> (h.captured + h.released < h.amount))${FIRST}`,
);
const ledgers = statement<BreachRow>(
  'audit.hold_ledgers',
  `${NAMED}select l.ledger_id, l.held, h.rest as of_holds
             from (select ledger_id, held from ledger where tenant_id = $1) l
             full join (select ledger_id, sum(amount - captured - released) as rest from hold
                         where tenant_id = $1 group by ledger_id) h using (ledger_id)
            where coalesce(l.held, 0) <> coalesce(h.rest, 0)${FIRST}`,
);

const changes = statement<BreachRow>(
  'audit.record_changes',
  `${NAMED}select c.operation_id, c.status, c.amount, x.pending, h.held
             from (select * from record_change where tenant_id = $1) c
            cross join lateral (
              select coalesce(sum(l.remaining) filter (where l.pending), 0) as pending from lot l
               where l.tenant_id = $1 and l.ledger_id = c.ledger_id and l.operation_id = c.operation_id) x
            cross join lateral (
              select coalesce(sum(o.amount - o.captured - o.released), 0) as held from hold o
               where o.tenant_id = $1 and o.hold_id = c.hold_id) h
            where (x.pending, h.held) is distinct from
                  (case when c.status = 'ASKED' and c.hold_id is null then c.amount else 0 end,
                   case when c.status = 'ASKED' and c.hold_id is not null then -c.amount else h.held end)
               or (c.status in ('DONE', 'REFUSED') and h.held <> 0)
               or (c.status = 'ASKED' and not exists (
                     select from record_lane r where r.tenant_id = $1 and r.ledger_id = c.ledger_id))${FIRST}`,
);

/** What holds of holds, and of the lots that they have. */
export const holdLaws: readonly Law[] = [
  {
    code: 'hold-lots',
    says: {
      en: 'what is held of a lot is what holds have of it',
      'zh-CN': '批次的冻结部分等于各冻结在其中的部分之和',
    },
    broken: lots,
  },
  {
    code: 'hold-rests',
    says: {
      en: 'a hold has as much of lots as it has left, is active while it has, and never gives more than it had',
      'zh-CN': '冻结的剩余等于其在批次中的部分，有剩余即有效，且扣除与释放不超过冻结额',
    },
    broken: rests,
  },
  {
    code: 'hold-ledgers',
    says: {
      en: 'what is held of a ledger is what its holds have left',
      'zh-CN': '账户的冻结额等于其各冻结的剩余之和',
    },
    broken: ledgers,
  },
  {
    code: 'record-changes',
    says: {
      en: 'what another system is asked for is pending or held as a whole, and stands in its ledger’s queue; what is settled is neither',
      'zh-CN': '向其他系统请求的变更全额处于待入账或冻结，并在其账户的队列中；已有结果的两者皆无',
    },
    broken: changes,
  },
];
