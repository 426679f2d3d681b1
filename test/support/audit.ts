import pg from 'pg';

/** One law of the ledger: a query for the rows that break it, of the tenant `$1`. */
interface Law {
  readonly says: string;
  readonly broken: string;
}

const CHAIN = `
  select e.*, lag(version, 1, 0) over chain as last_version,
         lag(posted_after, 1, 0) over chain + posted_delta as posted_sum,
         lag(pending_after, 1, 0) over chain + pending_delta as pending_sum,
         lag(held_after, 1, 0) over chain + held_delta as held_sum,
         lag(recorded_at, 1, '-infinity') over chain as last_recorded,
         lag(feed_position, 1, 0) over chain as last_position
    from entry e where tenant_id = $1
  window chain as (partition by ledger_id order by version)`;

const LOTS = `
  select ledger_id, sum(remaining) as remaining, sum(held) as held,
         coalesce(sum(remaining) filter (where pending), 0) as pending,
         coalesce(sum(remaining - held) filter (where not pending), 0) as free,
         min(case when pending then available_at when remaining > held then expires_at end)
           filter (where remaining > 0) as settles
    from lot where tenant_id = $1 group by ledger_id`;

const TAKEN = `
  select ledger_id, lot_id, sum(amount) as taken from allocation where tenant_id = $1 group by ledger_id, lot_id`;

export const LAWS: readonly Law[] = [
  {
    says: 'versions count entries from 1 without a gap',
    broken: `select ledger_id, version from (${CHAIN}) c where version <> last_version + 1`,
  },
  {
    says: 'each entry’s values are those before it and its deltas',
    broken: `select ledger_id, version from (${CHAIN}) c
              where posted_after <> posted_sum or pending_after <> pending_sum or held_after <> held_sum`,
  },
  {
    says: 'nothing is recorded before the entry before it, in time or in the feed',
    broken: `select ledger_id, version from (${CHAIN}) c
              where recorded_at < last_recorded or feed_position <= last_position`,
  },
  {
    says: 'feed positions count entries from 1 without a gap, up to the feed’s own',
    broken: `select count(*), min(feed_position), max(feed_position), count(distinct feed_position) from entry
              where tenant_id = $1
             having count(*) <> (select position from tenant_feed where tenant_id = $1)
                 or count(distinct feed_position) <> count(*) or max(feed_position) <> count(*)
                 or min(feed_position) <> 1`,
  },
  {
    says: 'a ledger is as its last entry left it',
    broken: `select l.ledger_id from ledger l
               left join lateral (select * from entry e where e.tenant_id = $1 and e.ledger_id = l.ledger_id
                                   order by version desc limit 1) e on true
              where l.tenant_id = $1
                and (l.posted, l.pending, l.held, l.version, l.feed_position, l.recorded_at)
                    is distinct from (coalesce(e.posted_after, 0), coalesce(e.pending_after, 0),
                      coalesce(e.held_after, 0), coalesce(e.version, 0), coalesce(e.feed_position, 0), e.recorded_at)`,
  },
  {
    says: 'what lots have left, less the debt, is what is posted and pending; their pending and held parts too',
    broken: `select l.ledger_id from ledger l left join (${LOTS}) o using (ledger_id)
              where l.tenant_id = $1
                and (coalesce(o.remaining, 0) - l.debt <> l.posted + l.pending
                  or coalesce(o.pending, 0) <> l.pending or coalesce(o.held, 0) <> l.held)`,
  },
  {
    says: 'no ledger owes while it has something free, or lies below its floor',
    broken: `select l.ledger_id from ledger l left join (${LOTS}) o using (ledger_id)
              where l.tenant_id = $1 and (l.debt > 0 and o.free > 0 or l.posted - l.held < l.floor)`,
  },
  {
    says: 'a ledger is settled no later than its lots ask for',
    broken: `select l.ledger_id, l.settle_at, o.settles from ledger l join (${LOTS}) o using (ledger_id)
              where l.tenant_id = $1 and o.settles is not null and (l.settle_at is null or l.settle_at > o.settles)`,
  },
  {
    says: 'a lot has left what was not taken from it',
    broken: `select t.lot_id from lot t left join (${TAKEN}) a using (ledger_id, lot_id)
              where t.tenant_id = $1 and t.amount - coalesce(a.taken, 0) <> t.remaining`,
  },
  {
    says: 'a lot has matured if it isn’t pending, and not before it was made',
    broken: `select lot_id from lot where tenant_id = $1
                and (pending <> (matured_at is null) or matured_at < created_at or expires_at <= available_at)`,
  },
  {
    says: 'each credit made one lot of its amount, and nothing else did',
    broken: `select e.operation_id from entry e
               full join (select * from lot where tenant_id = $1) t on t.operation_id = e.operation_id
              where (e.tenant_id = $1 and e.kind in ('EARN', 'ADJUST') and e.amount > 0 or t.lot_id is not null)
                and (t.amount, t.ledger_id) is distinct from (e.amount, e.ledger_id)`,
  },
  {
    says: 'spends and expiries took their amount from lots (corrections may owe the rest)',
    broken: `select e.operation_id from entry e
               left join (select operation_id, sum(amount) as taken from allocation where tenant_id = $1
                           group by operation_id) a using (operation_id)
              where e.tenant_id = $1 and e.amount < 0
                and (coalesce(a.taken, 0) > -e.amount
                  or e.kind in ('REDEEM', 'EXPIRE') and coalesce(a.taken, 0) <> -e.amount)`,
  },
  {
    says: 'an operation names the entries that it wrote, and each entry its operation',
    broken: `select o.operation_id from operation o
               full join (select operation_id, array_agg(ledger_id order by ledger_id) as ledgers,
                                 array_agg(version order by ledger_id) as versions, min(kind) as kind
                            from entry where tenant_id = $1 group by operation_id) e using (operation_id)
              where coalesce(o.tenant_id, $1) = $1
                and (o.ledger_ids, o.versions, o.kind) is distinct from (e.ledgers, e.versions, e.kind)`,
  },
  {
    says: 'what took from a lot is an operation, and so is what made it',
    broken: `select operation_id from (select operation_id from allocation where tenant_id = $1
                                       union select operation_id from lot where tenant_id = $1) used
              where operation_id not in (select operation_id from operation where tenant_id = $1)`,
  },
  {
    says: 'an operation stands under one key at most, and what a key answers is there',
    broken: `select made, count(*) from (
               select jsonb_array_elements_text(result -> 'operations') as made from idempotency where tenant_id = $1
               union all
               select result ->> 'operation' from idempotency where tenant_id = $1 and result ? 'operation') keyed
              group by made
             having count(*) > 1
                 or made not in (select operation_id::text from operation where tenant_id = $1)`,
  },
  {
    says: 'what is pinned is a version of the program that there is',
    broken: `select program_version from (select program_version from operation where tenant_id = $1
                                          union
                                          select program_version from activity where tenant_id = $1) used
              where program_version not in (select version from program where tenant_id = $1)`,
  },
];

/** Every breach of the ledger's laws in the whole database, one line each; asked on an owner's connection. */
export async function findBreaches(owner: pg.Client): Promise<string[]> {
  const breaches: string[] = [];
  const { rows: tenants } = await owner.query<{ key: string; code: string }>(
    'select tenant_id as key, code from tenant_directory order by code',
  );
  for (const { key, code } of tenants) {
    await owner.query(`select set_config('app.tenant_id', $1, false)`, [key]);
    for (const { says, broken } of LAWS) {
      const { rows } = await owner.query(broken, [key]);
      breaches.push(...rows.map((row) => `${code}: ${says}: ${JSON.stringify(row)}`));
    }
  }
  return breaches;
}

/** As `findBreaches`, on a connection of its own; for the end of every test file that posts. */
export async function auditLedgers(adminUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    return await findBreaches(client);
  } finally {
    await client.end();
  }
}
