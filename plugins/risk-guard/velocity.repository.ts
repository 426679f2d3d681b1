import type { PluginEvent, PluginSql } from '../../src/extension/index.ts';

/** How often something may happen to one member within a while. */
export interface Limit {
  readonly event: string;
  readonly most: number;
  readonly withinMinutes: number;
}

export const tables = {
  migrations: [
    {
      name: '0001_velocity',
      sql: `
        create table velocity_limit (
          tenant_id uuid not null,
          event text not null,
          most integer not null check (most > 0),
          within_minutes integer not null check (within_minutes > 0),
          primary key (tenant_id, event)
        );
        create table seen (
          tenant_id uuid not null,
          event_id text not null,
          member_id text not null,
          event text not null,
          at timestamptz not null,
          primary key (tenant_id, event_id)
        );
        create index seen_by_member on seen (tenant_id, member_id, event, at);`,
    },
  ],
};

export async function findLimits(sql: PluginSql): Promise<Limit[]> {
  return await sql.run(
    `select event, most, within_minutes as "withinMinutes" from velocity_limit where tenant_id = $1 order by 1`,
    [sql.tenantKey],
  );
}

export async function saveLimit(sql: PluginSql, { event, most, withinMinutes }: Limit): Promise<void> {
  await sql.run(
    `insert into velocity_limit (tenant_id, event, most, within_minutes) values ($1, $2, $3, $4)
     on conflict (tenant_id, event) do update set most = excluded.most, within_minutes = excluded.within_minutes`,
    [sql.tenantKey, event, most, withinMinutes],
  );
}

export async function saveSeen(sql: PluginSql, events: readonly PluginEvent[]): Promise<void> {
  const about = events.filter(({ member }) => member !== null);
  await sql.run(
    `insert into seen (tenant_id, event_id, member_id, event, at)
     select $1, e.id, e.member_id, e.event, e.at
       from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) as e (id, member_id, event, at)
     on conflict do nothing`,
    [
      sql.tenantKey,
      about.map(({ id }) => id),
      about.map(({ member }) => member?.id),
      about.map(({ type }) => type),
      about.map(({ occurredAt }) => occurredAt),
    ],
  );
}

export async function forgetSeen(sql: PluginSql, days: number): Promise<void> {
  await sql.run(`delete from seen where tenant_id = $1 and at < $2::timestamptz - $3 * interval '1 day'`, [
    sql.tenantKey,
    sql.now,
    days,
  ]);
}

/** How far members have used up their tightest limit, in percent; 0 for those who did nothing. */
export async function scoresOf(sql: PluginSql, memberIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await sql.run<{ memberId: string; score: number }>(
    `select m.member_id as "memberId", least(100, coalesce(max(c.count * 100 / l.most), 0))::int as score
       from unnest($2::text[]) as m (member_id)
       left join velocity_limit l on l.tenant_id = $1
       left join lateral (
         select count(*) from seen s
          where s.tenant_id = $1 and s.member_id = m.member_id and s.event = l.event
            and s.at > $3::timestamptz - l.within_minutes * interval '1 minute') c on true
      group by 1`,
    [sql.tenantKey, memberIds, sql.now],
  );
  return new Map(rows.map(({ memberId, score }) => [memberId, score]));
}
