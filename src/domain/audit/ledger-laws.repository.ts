import { type Sql, statement } from '../../persistence/index.ts';
import { ledgerKeyOf } from '../ledgers/index.ts';
import type { BreachRow, Law } from './law.ts';

const AT_ONCE = 10_000;
const NAMED = 20;
const FIRST_KEY = '00000000-0000-0000-0000-000000000000';

interface OwnedLedger {
  readonly ledger_id: string;
  readonly member_id: string;
  readonly asset: string;
}

const selectOwned = statement<OwnedLedger>(
  'audit.ledger_owners',
  `select ledger_id, member_id, asset from ledger where tenant_id = $1 and ledger_id > $2
    order by ledger_id limit $3`,
);

/** Looked at here, some at a time: PostgreSQL has no UUID of version 5. Whose a ledger is never changes. */
async function findForeign(sql: Sql, tenantKey: string): Promise<readonly BreachRow[]> {
  const named: OwnedLedger[] = [];
  let violations = 0n;
  for (let after = FIRST_KEY; ; ) {
    const ledgers = await sql.run(selectOwned, [tenantKey, after, AT_ONCE]);
    for (const ledger of ledgers) {
      if (ledgerKeyOf(ledger.member_id, ledger.asset) === ledger.ledger_id) continue;
      violations += 1n;
      if (named.length < NAMED) named.push(ledger);
    }
    const last = ledgers.at(-1);
    if (last === undefined || ledgers.length < AT_ONCE) break;
    after = last.ledger_id;
  }
  return named.map((ledger) => ({ ...ledger, violations }));
}

export const ledgerLaws: readonly Law[] = [
  {
    code: 'ledger-owners',
    says: {
      en: 'a ledger is of the member and the asset that its key was made of',
      'zh-CN': '账户属于生成其标识的会员与资产',
    },
    broken: findForeign,
  },
];
