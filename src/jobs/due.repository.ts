import { type Sql, statement } from '../persistence/index.ts';

/** What of a tenant is due, by its own clock. */
export interface DueWork {
  readonly now: Date;
  /** The local day up to which its daily work is done; null before the first time. */
  readonly day: string | null;
  /** Null while it has no program, and so nothing to do. */
  readonly programVersion: number | null;
  /** Lots fell due or expired, or holds ended. */
  readonly settle: boolean;
  /** Tiers changed, and the rules were not asked. */
  readonly announce: boolean;
  /** Operations are not sealed. */
  readonly seal: boolean;
}

/**
 * An operation stands in the chain where its first entry does, so entries of what is sealed may lie behind
 * the last link: within what one commit writes. Were it more than 5,000, a job would find nothing to seal.
 */
const selectDueWork = statement<DueWork>(
  'job.due_work',
  `select business_time() as now, t.program_version as "programVersion",
          (select d.day from daily_run d where d.tenant_id = $1) as day,
          exists (select from lot l
                   where l.tenant_id = $1 and l.pending and l.available_at <= business_time())
            or exists (select from lot l
                        where l.tenant_id = $1 and l.remaining > 0 and l.remaining > l.held
                          and l.expires_at <= business_time())
            or exists (select from hold h
                        where h.tenant_id = $1 and h.status = 'ACTIVE' and h.expires_at <= business_time())
            as settle,
          exists (select from tier_change c where c.tenant_id = $1 and c.announced_at is null) as announce,
          exists (select from entry e
                   where e.tenant_id = $1 and e.feed_position > head.position
                     and not exists (select from operation_chain o
                                      where o.tenant_id = $1 and o.operation_id = e.operation_id
                                        and o.position <= head.position
                                        and o.position > head.position - 5000)) as seal
     from tenant t
     join lateral (select coalesce(max(o.position), 0) as position from operation_chain o
                    where o.tenant_id = $1) head on true
    where t.tenant_id = $1`,
);

/** Null when there is no such tenant. */
export async function findDueWork(sql: Sql, tenantKey: string): Promise<DueWork | null> {
  const [row] = await sql.run(selectDueWork, [tenantKey]);
  return row ?? null;
}
