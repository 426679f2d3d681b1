import { statement } from '../../persistence/index.ts';
import type { BreachRow, Law } from './law.ts';

const owners = statement<BreachRow>(
  'audit.row_members',
  `select b.*, count(*) over () as violations
     from (select kind, member_id, count(*) as rows
             from (select 'activity' as kind, member_id from activity where tenant_id = $1
                   union all
                   select 'ledger', member_id from ledger where tenant_id = $1
                   union all
                   select 'identity', member_id from member_identity where tenant_id = $1
                   union all
                   select 'tier', member_id from member_tier where tenant_id = $1) owned
            where not exists (select from member m where m.tenant_id = $1 and m.member_id = owned.member_id)
            group by kind, member_id) b limit 20`,
);

/** What holds of rows that no foreign key ties to their member. */
export const memberLaws: readonly Law[] = [
  {
    code: 'row-members',
    says: {
      en: 'activities, ledgers, identities and tiers belong to a member that there is',
      'zh-CN': '行为、账户、身份与等级属于实际存在的会员',
    },
    broken: owners,
  },
];
