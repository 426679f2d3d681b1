import { statement, type Transaction } from '../../persistence/index.ts';
import { type LegSource, legsOf } from './leg.policy.ts';

/** The feed stands where the entries that were written just before have left it, and is locked. */
const insertLegs = statement(
  'leg.insert',
  `insert into leg (tenant_id, position, asset, account, operation_id, amount, recorded_at)
   select $1, f.position - $2::bigint + g.place, g.asset, g.account, g.operation_id, g.amount, g.recorded_at
     from tenant_feed f, (
       select unnest($3::bigint[]) as place, unnest($4::text[]) as asset, unnest($5::text[]) as account,
              unnest($6::uuid[]) as operation_id, unnest($7::bigint[]) as amount,
              unnest($8::timestamptz[]) as recorded_at) g
    where f.tenant_id = $1`,
);

/** Writes the legs of operations behind their entries, with the COMMIT. */
export function deferLegs(tx: Transaction, tenantKey: string, sources: readonly LegSource[]): void {
  const legs = legsOf(sources);
  if (legs.length === 0) return;
  const entries = sources.reduce((sum, source) => sum + source.entries.length, 0);
  tx.defer(insertLegs, [
    tenantKey,
    entries,
    legs.map(({ place }) => place),
    legs.map(({ asset }) => asset),
    legs.map(({ account }) => account),
    legs.map(({ operationKey }) => operationKey),
    legs.map(({ amount }) => amount),
    legs.map(({ recordedAt }) => recordedAt),
  ]);
}
