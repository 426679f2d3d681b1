import DataLoader from 'dataloader';
import { type Sql, statement } from '../../persistence/index.ts';
import { type ConnectionOf, decodeCursor, encodeCursor, toPage } from '../shared/index.ts';
import type { Grant, GrantStatus } from './benefit.entity.ts';

const selectPages = statement<Grant>(
  'grant.pages',
  `select g.* from unnest($2::uuid[]) as wanted (member_id)
    cross join lateral (
      select * from (
        select tenant_id as "tenantKey", grant_id as "grantKey", member_id as "memberKey", benefit as "benefitCode",
               uses_left::integer as "usesLeft", valid_from as "validFrom", valid_until as "validUntil",
               revoked_at as "revokedAt", created_at as "createdAt",
               case when revoked_at is not null then 'REVOKED'
                    when valid_until <= (select business_time()) then 'EXPIRED'
                    when uses_left = 0 then 'USED_UP'
                    when valid_from > (select business_time()) then 'SCHEDULED'
                    else 'AVAILABLE' end as status
          from benefit_grant
         where tenant_id = $1 and member_id = wanted.member_id and grant_id < $4::uuid) as own
       where $3::text is null or status = $3
       order by "grantKey" desc limit $5) g`,
);

const LAST_KEY = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

interface GrantPageKey {
  readonly memberKey: string;
  readonly status: GrantStatus | null;
  readonly first: number;
  readonly after: string | null;
}

export interface BenefitLoaders {
  readonly grantPage: DataLoader<GrantPageKey, ConnectionOf<Grant>, string>;
}

/** The batched reads of one request. */
export function createBenefitLoaders(sql: Sql, tenantKey: string, remember = true): BenefitLoaders {
  const bindingOf = ({ memberKey, status }: GrantPageKey): string =>
    `${tenantKey}|Member.grants|${memberKey}|${status ?? ''}`;
  return {
    grantPage: new DataLoader(
      async (keys) => {
        const pages = new Map<GrantPageKey, ConnectionOf<Grant>>();
        const alike = Map.groupBy(keys, ({ status, first, after }) => `${status} ${first} ${after}`);
        await Promise.all(
          [...alike.values()].map(async (same) => {
            const [like] = same;
            if (like === undefined) return;
            const before =
              like.after === null ? LAST_KEY : decodeCursor(bindingOf(like), like.after, 'after');
            const memberKeys = same.map(({ memberKey }) => memberKey);
            const rows = await sql.run(selectPages, [
              tenantKey,
              memberKeys,
              like.status,
              before,
              like.first + 1,
            ]);
            const byMember = Map.groupBy(rows, ({ memberKey }) => memberKey);
            for (const key of same) {
              const own = byMember.get(key.memberKey) ?? [];
              pages.set(
                key,
                toPage(own, key.first, ({ grantKey }) => encodeCursor(bindingOf(key), grantKey)),
              );
            }
          }),
        );
        return keys.map((key) => pages.get(key) ?? toPage<Grant>([], 0, () => ''));
      },
      {
        cache: remember,
        cacheKeyFn: ({ memberKey, status, first, after }) => `${memberKey} ${status} ${first} ${after}`,
      },
    ),
  };
}
