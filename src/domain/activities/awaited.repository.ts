import { newKey } from '../../kernel/ids.ts';
import { type Sql, statement } from '../../persistence/index.ts';
import type { Posting } from '../ledgers/index.ts';
import type { ProgramDefinition } from '../programs/index.ts';

interface AwaitingLots {
  readonly memberKey: string;
  readonly asset: string;
  readonly lotKeys: string[];
}

/**
 * Also where a member lives on in another: the lots are there then, and name those that they came from. They
 * are looked up by operation, however many PostgreSQL expects; by `case`, since under row security it looks
 * nothing up by what `coalesce` answers.
 */
const selectAwaiting = statement<AwaitingLots>(
  'lot.awaiting',
  `select l.member_id as "memberKey", l.asset, array_agg(l.lot_id order by l.lot_id) as "lotKeys"
     from activity a
     join operation o on o.tenant_id = $1 and o.activity_id = a.activity_id and o.kind = 'EARN'
    cross join lateral (
          select n.member_id, n.asset, l.lot_id
            from ledger f
            join member m on m.tenant_id = $1 and m.member_id = f.member_id
            join ledger n on n.tenant_id = $1 and n.asset = f.asset
                         and n.member_id = case when m.merged_into is null then m.member_id
                                                else m.merged_into end
            join open_lot l on l.tenant_id = $1 and l.ledger_id = n.ledger_id and l.pending
                      and l.awaits = $2
                      and (l.operation_id = o.operation_id or l.origin_lot_id in (
                            select r.lot_id from lot r
                             where r.tenant_id = $1 and r.ledger_id = f.ledger_id
                               and r.operation_id = o.operation_id))
           where f.tenant_id = $1 and f.ledger_id = o.ledger_ids[1]
          offset 0) l
    where a.tenant_id = $1 and a.type = any($3::text[]) and a.order_number = $4
    group by l.member_id, l.asset`,
);

/**
 * The activities whose credits wait for an activity of this type; none if nothing does. An asset that waits
 * may have been given by an extension, for any activity that the program knows.
 */
function awaitingTypes({ rules, assets }: ProgramDefinition, type: string): string[] {
  const waiting = new Set(assets.flatMap(({ code, maturity }) => (maturity?.event === type ? code : [])));
  if (waiting.size > 0) {
    const others = new Set(['purchase', ...rules.map(({ trigger }) => trigger)]);
    others.delete(type);
    return [...others];
  }
  const triggers = rules.flatMap(({ trigger, postings }) =>
    postings.some(({ availableOn }) => availableOn === type) ? trigger : [],
  );
  return [...new Set(triggers)];
}

/** What falls due because of an activity that names an order: a posting for each ledger with such lots. */
export async function awaitedBy(
  sql: Sql,
  tenantKey: string,
  definition: ProgramDefinition,
  activity: {
    readonly type: string;
    readonly orderNumber: string | null;
    readonly activityKey: string;
    readonly occurredAt: Date | null;
  },
): Promise<Posting[]> {
  const { type, orderNumber, activityKey, occurredAt } = activity;
  const types = orderNumber === null ? [] : awaitingTypes(definition, type);
  if (types.length === 0) return [];
  const rows = await sql.run(selectAwaiting, [tenantKey, type, types, orderNumber]);
  return rows.map(({ memberKey, asset, lotKeys }): Posting => {
    const reference = { type: 'order', id: orderNumber ?? '' };
    return {
      ...{ operationKey: newKey(), kind: 'MATURE', memberKey, asset, amount: 0n, whole: true, lotKeys },
      ...{ reason: type, reference, explanation: null, activityKey, occurredAt },
      act: activityKey,
    };
  });
}
