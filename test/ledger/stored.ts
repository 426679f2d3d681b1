import type pg from 'pg';
import { toPublicId } from '../../src/kernel/ids.ts';
import type { LedgerModel } from './model.ts';

/** A ledger with its lots and holds, as it is stored and as the model has it. */
interface Whole {
  readonly posted: string;
  readonly pending: string;
  readonly held: string;
  readonly debt: string;
  /** As they were made: amount, what is left, held, whether it is due (or gone), when it is over. */
  readonly lots: readonly (readonly [string, string, string, boolean, number | null])[];
  /** By key: captured, released, status. */
  readonly holds: Readonly<Record<string, readonly [string, string, string]>>;
}

interface StoredLedger extends Whole {
  readonly member: string;
  readonly asset: string;
  readonly version: string;
}

/** All ledgers of the tenant that the connection is set to, by member and asset. */
export async function storedLedgers(owner: pg.Client): Promise<Map<string, StoredLedger>> {
  const { rows } = await owner.query<StoredLedger>(
    `select l.member_id as member, l.asset, l.posted, l.pending, l.held, l.debt, l.version,
            coalesce((select json_agg(json_build_array(t.amount::text, t.remaining::text, t.held::text,
                                        not t.pending or t.remaining = 0,
                                        extract(epoch from t.expires_at) * 1000)
                               order by t.lot_id)
                        from lot t where t.tenant_id = l.tenant_id and t.ledger_id = l.ledger_id), '[]') as lots,
            coalesce((select json_object_agg(h.hold_id,
                               json_build_array(h.captured::text, h.released::text, h.status))
                        from hold h where h.tenant_id = l.tenant_id and h.ledger_id = l.ledger_id), '{}') as holds
       from ledger l order by l.ledger_id`,
  );
  return new Map(rows.map((row) => [`${toPublicId('member', row.member)} ${row.asset}`, row]));
}

export function asStored(model: LedgerModel): Whole {
  const lots = model.lots.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  return {
    ...{ posted: String(model.posted), pending: String(model.pending) },
    ...{ held: String(model.held), debt: String(model.debt) },
    lots: lots.map((lot) => [
      ...([String(lot.amount), String(lot.left), String(model.heldOf(lot))] as const),
      ...([lot.due || lot.left === 0n, lot.overAt?.getTime() ?? null] as const),
    ]),
    holds: Object.fromEntries(
      model.holds.map((one) => [
        one.key,
        [String(one.captured), String(one.released), one.ended ?? 'ACTIVE'] as const,
      ]),
    ),
  };
}

/** An entry as it is written, with the kind of its operation. */
export interface StoredEntry {
  readonly operation: string;
  readonly kind: string;
  readonly place: string;
  readonly now: Date;
  readonly after: readonly [string, string, string];
}

/** The tenant's entries, in the order of the feed. */
export async function storedEntries(owner: pg.Client): Promise<StoredEntry[]> {
  const { rows } = await owner.query(
    `select e.operation_id as operation, o.kind, l.member_id as member, l.asset, o.created_at as now,
            e.posted_after, e.pending_after, e.held_after
       from entry e
       join operation o on o.tenant_id = e.tenant_id and o.operation_id = e.operation_id
       join ledger l on l.tenant_id = e.tenant_id and l.ledger_id = e.ledger_id
      order by e.feed_position`,
  );
  return rows.map((row) => ({
    ...{ operation: row.operation, kind: row.kind, now: row.now },
    place: `${toPublicId('member', row.member)} ${row.asset}`,
    after: [String(row.posted_after), String(row.pending_after), String(row.held_after)],
  }));
}
