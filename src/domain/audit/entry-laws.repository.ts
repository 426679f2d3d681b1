import { statement } from '../../persistence/index.ts';
import type { BreachRow, Law } from './law.ts';

const NAMED = 'select b.*, count(*) over () as violations from (';
const FIRST = ') b limit 20';

/** Each entry beside the one before it in its ledger. */
const CHAIN = `
  select e.*, lag(version, 1, 0) over chain as last_version,
         lag(posted_after, 1, 0) over chain + posted_delta as posted_sum,
         lag(pending_after, 1, 0) over chain + pending_delta as pending_sum,
         lag(held_after, 1, 0) over chain + held_delta as held_sum,
         lag(recorded_at, 1, '-infinity') over chain as last_recorded,
         lag(feed_position, 1, 0) over chain as last_position
    from entry e where tenant_id = $1
  window chain as (partition by ledger_id order by version)`;

const gaps = statement<BreachRow>(
  'audit.entry_versions',
  `${NAMED}select ledger_id, version, last_version from (${CHAIN}) c where version <> last_version + 1
            ${FIRST}`,
);
const sums = statement<BreachRow>(
  'audit.entry_sums',
  `${NAMED}select ledger_id, version from (${CHAIN}) c
            where posted_after <> posted_sum or pending_after <> pending_sum or held_after <> held_sum
            ${FIRST}`,
);
const times = statement<BreachRow>(
  'audit.entry_order',
  `${NAMED}select ledger_id, version, operation_id from (${CHAIN}) c
            where recorded_at < last_recorded or feed_position <= last_position${FIRST}`,
);
/** What lies at or below `events_from` may have been forgotten: there, nothing but a repetition is a fault. */
const positions = statement<BreachRow>(
  'audit.feed_positions',
  `${NAMED}select ledger_id, version, feed_position
             from (select p.*, lag(feed_position, 1, 0) over (order by feed_position) as last_position
                     from (select ledger_id, version, feed_position from entry where tenant_id = $1
                            union all
                           select null, null, position from feed_event where tenant_id = $1) p) c,
                  tenant_feed f
            where f.tenant_id = $1
              and (feed_position = last_position
                   or feed_position > f.events_from
                      and feed_position <> greatest(last_position, f.events_from) + 1)
           union all
           select null, null, position from tenant_feed
            where tenant_id = $1
              and position <> greatest(
                    events_from,
                    (select coalesce(max(feed_position), 0) from entry where tenant_id = $1),
                    (select coalesce(max(position), 0) from feed_event where tenant_id = $1))
            ${FIRST}`,
);
const lastEntries = statement<BreachRow>(
  'audit.ledger_last_entry',
  `${NAMED}select l.ledger_id, l.posted, l.pending, l.held, l.version as ledger_version
             from ledger l
             left join lateral (select * from entry e where e.tenant_id = $1 and e.ledger_id = l.ledger_id
                                 order by version desc limit 1) e on true
            where l.tenant_id = $1
              and (l.posted, l.pending, l.held, l.version, l.feed_position, l.recorded_at)
                  is distinct from (coalesce(e.posted_after, 0), coalesce(e.pending_after, 0),
                    coalesce(e.held_after, 0), coalesce(e.version, 0), coalesce(e.feed_position, 0),
                    e.recorded_at)${FIRST}`,
);
const homeless = statement<BreachRow>(
  'audit.entry_ledger',
  `${NAMED}select e.ledger_id, e.version, e.operation_id from entry e
            where e.tenant_id = $1
              and not exists (select from ledger l where l.tenant_id = $1 and l.ledger_id = e.ledger_id)
            ${FIRST}`,
);

/** What holds of entries, and of ledgers as sums of them. */
export const entryLaws: readonly Law[] = [
  {
    code: 'entry-versions',
    says: {
      en: 'versions count entries from 1 without a gap',
      'zh-CN': '流水版本号自 1 起连续无缺',
    },
    broken: gaps,
  },
  {
    code: 'entry-sums',
    says: {
      en: 'each entry’s values are those before it and its deltas',
      'zh-CN': '每条流水的余额等于上一条余额加本条变动',
    },
    broken: sums,
  },
  {
    code: 'entry-order',
    says: {
      en: 'nothing is recorded before the entry before it, in time or in the feed',
      'zh-CN': '流水的记录时间与动账位置不早于上一条',
    },
    broken: times,
  },
  {
    code: 'feed-positions',
    says: {
      en: 'feed positions count entries, and events that are kept, without a gap, up to the feed’s own',
      'zh-CN': '动态位置由流水与保留期内的事件连续编号，无缺无重，直至当前位置',
    },
    broken: positions,
  },
  {
    code: 'ledger-last-entry',
    says: {
      en: 'a ledger is as its last entry left it',
      'zh-CN': '账户与其最后一条流水一致',
    },
    broken: lastEntries,
  },
  {
    code: 'entry-ledger',
    says: { en: 'each entry stands in a ledger that there is', 'zh-CN': '每条流水都属于一个存在的账户' },
    broken: homeless,
  },
];
