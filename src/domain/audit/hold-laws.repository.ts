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
];
