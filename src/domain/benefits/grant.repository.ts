import { type EventTypes, emitEvents, type FeedEvent } from '../../events/index.ts';
import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { Grant, GrantStatus } from './grant.entity.ts';

/** A grant as it is stored, without what is worked out from it. */
export type StoredGrant = Omit<Grant, 'status'>;

const columns = `
  tenant_id as "tenantKey", grant_id as "grantKey", member_id as "memberKey", benefit as "benefitCode",
  source, reason, rule, activity_id as "activityKey", granted_by as "grantedBy", tier_held as "tierHeld",
  takes_stock as "takesStock", uses_left::integer as "usesLeft", times_used as "timesUsed",
  valid_from as "validFrom", valid_until as "validUntil", revoked_at as "revokedAt",
  revoke_reason as "revokeReason", revoked_by as "revokedBy", created_at as "createdAt",
  changed_at as "changedAt"`;
const status = `
  case when revoked_at is not null then 'REVOKED'
       when valid_until <= (select business_time()) then 'EXPIRED'
       when uses_left = 0 then 'USED_UP'
       when valid_from > (select business_time()) then 'SCHEDULED'
       else 'AVAILABLE' end as status`;

const selectPages = statement<Grant>(
  'grant.pages',
  `select g.* from unnest($2::uuid[]) as wanted (member_id)
    cross join lateral (
      select * from (
        select ${columns}, ${status}
          from benefit_grant
         where tenant_id = $1 and member_id = wanted.member_id and grant_id < $4::uuid) as own
       where $3::text is null or status = $3
       order by "grantKey" desc limit $5) g`,
);
const selectGrants = statement<Grant>(
  'grant.by_keys',
  `select ${columns}, ${status} from benefit_grant where tenant_id = $1 and grant_id = any($2::uuid[])`,
);
/** In the order of their keys, so that no two transactions wait for each other. */
const lockGrants = statement<StoredGrant>(
  'grant.lock',
  `select ${columns} from benefit_grant where tenant_id = $1 and grant_id = any($2::uuid[])
    order by grant_id for update`,
);
const selectGrantsOfActivity = statement<{ grantKey: string; benefitCode: string; takesStock: boolean }>(
  'grant.of_activity',
  `select grant_id as "grantKey", benefit as "benefitCode", takes_stock as "takesStock" from benefit_grant
    where tenant_id = $1 and activity_id = $2 and rule = any($3::text[]) and revoked_at is null
      and times_used = 0`,
);
/** A tier's grant that is there already stays as it is. */
const insertGrants = statement<ToldGrant>(
  'grant.insert',
  `insert into benefit_grant (tenant_id, grant_id, member_id, benefit, source, reason, rule, activity_id,
                              granted_by, tier_held, takes_stock, uses_left, valid_from, valid_until,
                              created_at)
   select $1, *, $15::timestamptz
     from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[],
                 $9::text[], $10::boolean[], $11::boolean[], $12::bigint[], $13::timestamptz[],
                 $14::timestamptz[])
   on conflict (tenant_id, member_id, benefit) where tier_held do nothing
   returning grant_id as "grantKey", member_id as "memberKey"`,
);
const updateGrants = statement(
  'grant.update',
  `update benefit_grant
      set uses_left = g.uses_left, times_used = g.times_used, takes_stock = g.takes_stock,
          revoked_at = g.revoked_at, revoke_reason = g.revoke_reason, revoked_by = g.revoked_by,
          changed_at = g.changed_at
     from unnest($2::uuid[], $3::bigint[], $4::integer[], $5::boolean[], $6::timestamptz[], $7::text[],
                 $8::text[], $9::timestamptz[])
       as g (grant_id, uses_left, times_used, takes_stock, revoked_at, revoke_reason, revoked_by, changed_at)
    where benefit_grant.tenant_id = $1 and benefit_grant.grant_id = any($2::uuid[])
      and benefit_grant.grant_id = g.grant_id`,
);
const selectStatus = statement<{ status: string }>(
  'grant.member_status',
  'select status from member where tenant_id = $1 and member_id = $2',
);
const selectNewestVersion = statement<{ version: number }>(
  'grant.benefit_version',
  `select version from program
    where tenant_id = $1 and definition -> 'benefits' @> jsonb_build_array(jsonb_build_object('code', $2::text))
    order by version desc limit 1`,
);

/** One member's page after a place, of one status or of any. */
export async function findGrantPages(
  sql: Sql,
  tenantKey: string,
  memberKeys: readonly string[],
  page: { readonly status: GrantStatus | null; readonly before: string; readonly most: number },
): Promise<Grant[]> {
  return await sql.run(selectPages, [tenantKey, memberKeys, page.status, page.before, page.most]);
}

export async function findGrants(
  sql: Sql,
  tenantKey: string,
  grantKeys: readonly string[],
): Promise<Grant[]> {
  return await sql.run(selectGrants, [tenantKey, grantKeys]);
}

export async function lockByKeys(
  tx: Transaction,
  tenantKey: string,
  grantKeys: readonly string[],
): Promise<StoredGrant[]> {
  return await tx.run(lockGrants, [tenantKey, grantKeys]);
}

/** The grants that these rules gave for an activity, as far as nobody has used or revoked them. */
export async function findUnusedOfActivity(
  tx: Transaction,
  tenantKey: string,
  activityKey: string,
  rules: readonly string[],
): Promise<{ grantKey: string; benefitCode: string; takesStock: boolean }[]> {
  return await tx.run(selectGrantsOfActivity, [tenantKey, activityKey, rules]);
}

type ToldGrant = Pick<Grant, 'grantKey' | 'memberKey'>;

/** Something that happened to a granted benefit. */
export function ofGrant(
  type: EventTypes['grants'],
  { grantKey, memberKey }: ToldGrant,
  detail?: FeedEvent['detail'],
): FeedEvent {
  return { stream: 'grants', type, memberKey, subjectKey: grantKey, detail };
}

/** Writes new grants of one moment, and tells of them. */
export async function insertNew(
  tx: Transaction,
  tenantKey: string,
  grants: readonly StoredGrant[],
  createdAt: Date,
): Promise<void> {
  if (grants.length === 0) return;
  const column = (pick: (grant: StoredGrant) => unknown): unknown[] => grants.map(pick);
  const inserted = await tx.run(insertGrants, [
    tenantKey,
    column(({ grantKey }) => grantKey),
    column(({ memberKey }) => memberKey),
    column(({ benefitCode }) => benefitCode),
    column(({ source }) => source),
    column(({ reason }) => reason),
    column(({ rule }) => rule),
    column(({ activityKey }) => activityKey),
    column(({ grantedBy }) => grantedBy),
    column(({ tierHeld }) => tierHeld),
    column(({ takesStock }) => takesStock),
    column(({ usesLeft }) => usesLeft),
    column(({ validFrom }) => validFrom),
    column(({ validUntil }) => validUntil),
    createdAt,
  ]);
  emitEvents(
    tx,
    tenantKey,
    inserted.map((grant) => ofGrant('GRANTED', grant)),
  );
}

/** Writes what a use, an undo or a revocation changes. */
export async function update(
  tx: Transaction,
  tenantKey: string,
  grants: readonly StoredGrant[],
): Promise<void> {
  if (grants.length === 0) return;
  const column = (pick: (grant: StoredGrant) => unknown): unknown[] => grants.map(pick);
  await tx.run(updateGrants, [
    tenantKey,
    column(({ grantKey }) => grantKey),
    column(({ usesLeft }) => usesLeft),
    column(({ timesUsed }) => timesUsed),
    column(({ takesStock }) => takesStock),
    column(({ revokedAt }) => revokedAt),
    column(({ revokeReason }) => revokeReason),
    column(({ revokedBy }) => revokedBy),
    column(({ changedAt }) => changedAt),
  ]);
}

/** A member's status; null when there is no such member. */
export async function findMemberStatus(
  sql: Sql,
  tenantKey: string,
  memberKey: string,
): Promise<string | null> {
  const [row] = await sql.run(selectStatus, [tenantKey, memberKey]);
  return row?.status ?? null;
}

/** The newest version of the program that has a benefit; null when none has. */
export async function findVersionWith(sql: Sql, tenantKey: string, benefit: string): Promise<number | null> {
  const [row] = await sql.run(selectNewestVersion, [tenantKey, benefit]);
  return row?.version ?? null;
}
