import { statement } from '../../persistence/index.ts';
import type { BreachRow, Law } from './law.ts';

const NAMED = 'select b.*, count(*) over () as violations from (';
const FIRST = ') b limit 20';

const entries = statement<BreachRow>(
  'audit.operation_entries',
  `${NAMED}select operation_id, o.kind, e.kind as entry_kind
             from (select * from operation where tenant_id = $1) o
             full join (select operation_id, array_agg(ledger_id order by ledger_id, version) as ledgers,
                               array_agg(version order by ledger_id, version) as versions,
                               min(kind) as kind, max(kind) as last_kind
                          from entry where tenant_id = $1 group by operation_id) e using (operation_id)
            where (o.ledger_ids, o.versions) is distinct from (e.ledgers, e.versions)
                  and ((select array_agg(x.l order by x.l, x.v)
                          from unnest(o.ledger_ids, o.versions) x (l, v)),
                       (select array_agg(x.v order by x.l, x.v)
                          from unnest(o.ledger_ids, o.versions) x (l, v)))
                      is distinct from (e.ledgers, e.versions)
               or (o.kind, o.kind) is distinct from (e.kind, e.last_kind)${FIRST}`,
);
const makers = statement<BreachRow>(
  'audit.lot_makers',
  `${NAMED}select made.operation_id
             from (select distinct operation_id from lot where tenant_id = $1) made
            where not exists (select from operation o
                               where o.tenant_id = $1 and o.operation_id = made.operation_id)${FIRST}`,
);
/**
 * What a key answers, and whether it leaves the request's hash to that. An operation that was posted for a key
 * has it as its id, of version 8, and the hash; nothing else may stand under that key.
 */
const keys = statement<BreachRow>(
  'audit.operation_keys',
  `${NAMED}select made::uuid as operation_id, count(*) as keys
             from (select jsonb_array_elements_text(result -> 'operations') as made, false as leaves_hash
                     from idempotency where tenant_id = $1
                   union all
                   select result ->> 'operation', false from idempotency
                    where tenant_id = $1 and result ? 'operation'
                   union all
                   select operation_id::text, request_hash is null from idempotency
                    where tenant_id = $1 and operation_id is not null
                   union all
                   select operation_id::text, true from operation
                    where tenant_id = $1 and substr(operation_id::text, 15, 1) = '8'
                   union all
                   select i.key::text, false from idempotency i
                     join operation o on o.tenant_id = $1 and o.operation_id = i.key where i.tenant_id = $1
                   union all
                   select case when a.activity_id is null then i.activity_id else o.operation_id end::text,
                          false
                     from idempotency i
                     left join activity a on a.tenant_id = $1 and a.activity_id = i.activity_id
                     left join operation o on o.tenant_id = $1 and o.activity_id = i.activity_id
                    where i.tenant_id = $1 and i.activity_id is not null) keyed
             left join operation o on o.tenant_id = $1 and o.operation_id = made::uuid
            where made is not null
            group by made
           having count(*) > 1 or count(o.operation_id) = 0
               or bool_or(leaves_hash and o.input_hash is null)${FIRST}`,
);
const versions = statement<BreachRow>(
  'audit.program_versions',
  `${NAMED}select program_version from (select program_version from operation where tenant_id = $1
                                        union
                                        select program_version from activity where tenant_id = $1) used
            where program_version not in (select version from program where tenant_id = $1)${FIRST}`,
);
/** Where a ledger's points are now: in itself, or in that of the member whom its member lives on in. */
const NOW_IN = `
  select l.ledger_id, coalesce(n.ledger_id, l.ledger_id) as now_in
    from ledger l
    join member m on m.tenant_id = $1 and m.member_id = l.member_id
    left join ledger n on n.tenant_id = $1 and n.member_id = m.merged_into and n.asset = l.asset
   where l.tenant_id = $1`;
const reversals = statement<BreachRow>(
  'audit.operation_reversals',
  `${NAMED}select r.operation_id, r.ledger_id, r.reversed, o.amount
             from (select v.ref_operation_id as operation_id, n.now_in as ledger_id,
                          sum(abs(e.amount)) as reversed
                     from operation v
                     join entry e on e.tenant_id = $1 and e.operation_id = v.operation_id
                     join (${NOW_IN}) n on n.ledger_id = e.ledger_id
                    where v.tenant_id = $1 and v.kind = 'REVERSE' group by v.ref_operation_id, n.now_in) r
             left join (select e.operation_id, n.now_in as ledger_id, sum(abs(e.amount)) as amount
                          from entry e join (${NOW_IN}) n on n.ledger_id = e.ledger_id
                         where e.tenant_id = $1 group by e.operation_id, n.now_in) o
                    using (operation_id, ledger_id)
            where o.amount is null or r.reversed > o.amount${FIRST}`,
);

/** What holds of operations, of their keys, and of what they take back. */
export const operationLaws: readonly Law[] = [
  {
    code: 'operation-entries',
    says: {
      en: 'an operation names the entries that it wrote, and each entry its operation',
      'zh-CN': '操作列明其写入的流水，流水指明其操作',
    },
    broken: entries,
  },
  {
    code: 'lot-makers',
    says: { en: 'what made a lot is an operation', 'zh-CN': '生成批次的是存在的操作' },
    broken: makers,
  },
  {
    code: 'operation-keys',
    says: {
      en: 'an operation stands under one key at most, and what a key answers is there',
      'zh-CN': '操作至多对应一个幂等键，幂等键所答的操作存在',
    },
    broken: keys,
  },
  {
    code: 'program-versions',
    says: {
      en: 'what is pinned is a version of the program that there is',
      'zh-CN': '所引用的方案版本存在',
    },
    broken: versions,
  },
  {
    code: 'operation-reversals',
    says: {
      en: 'no more is taken back than there was, of an operation that there is',
      'zh-CN': '撤销的操作存在，且撤销不超过原额',
    },
    broken: reversals,
  },
];
