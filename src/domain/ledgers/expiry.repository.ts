import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { Entry } from './entry.entity.ts';
import type { ToldPlace } from './told-place.entity.ts';

/** What of a member's expired, as one entry says. */
export interface Expiry
  extends Pick<
    Entry,
    'ledgerKey' | 'version' | 'operationKey' | 'balanceAfter' | 'occurredAt' | 'assetCode' | 'memberKey'
  > {
  readonly position: bigint;
  /** Above 0. */
  readonly lost: bigint;
}

/** Where telling stands, and how far there is something to tell. */
export interface FoundPlace extends Pick<ToldPlace, 'position' | 'failingSince'> {
  readonly feed: bigint;
  /** Whether what comes next was tried for as long as it is. */
  readonly isOver: boolean;
}

/** For so long something is told again. */
const TRIED_FOR = `interval '1 hour'`;

/** Those who answer have a place from where the first of them was put in its stage; plugins, from now on. */
const insertPlace = statement(
  'told_place.begin',
  `insert into told_place (tenant_id, point, position)
   select $1, $2, coalesce((
            select min(staged.position)
              from extension x
             cross join lateral (
               select max(e.position) as position from feed_event e
                where e.tenant_id = $1 and e.stream = 'extensions' and e.subject_id = x.extension_id
                  and e.type in ('REGISTERED', 'STAGED')) staged
             where x.tenant_id = $1 and x.point = $2 and x.stage in ('SHADOW', 'CANARY', 'LIVE')), f.position)
     from tenant_feed f where f.tenant_id = $1
   on conflict do nothing`,
);
const selectPlace = statement<FoundPlace>(
  'told_place.find',
  `select p.position, p.failing_since as "failingSince", f.position as feed,
          coalesce(p.failing_since <= now() - ${TRIED_FOR}, false) as "isOver"
     from told_place p
     join tenant_feed f on f.tenant_id = $1
    where p.tenant_id = $1 and p.point = $2`,
);
const movePlaceTo = statement(
  'told_place.move',
  `update told_place
      set position = greatest(position, $3),
          failing_since = case when $4::boolean then coalesce(failing_since, now()) end
    where tenant_id = $1 and point = $2`,
);
const deletePlace = statement('told_place.end', 'delete from told_place where tenant_id = $1 and point = $2');

/** What ends with a hold whose lots were over by then is said by the entry that ends it. */
const selectExpiries = statement<Expiry>(
  'entry.expiries',
  `select x.* from (
     select e.feed_position as position, e.ledger_id as "ledgerKey", e.version, e.operation_id as "operationKey",
            e.posted_after as "balanceAfter", e.occurred_at as "occurredAt", l.asset as "assetCode",
            l.member_id as "memberKey",
            case e.kind when 'CAPTURE' then e.amount - e.posted_delta else -e.posted_delta end as lost
       from entry e
       join ledger l on l.tenant_id = $1 and l.ledger_id = e.ledger_id
      where e.tenant_id = $1 and e.feed_position > $2 and e.feed_position <= $3
        and e.kind in ('EXPIRE', 'RELEASE', 'CAPTURE')) x
    where x.lost > 0
    order by x.position limit $4`,
);

/** Where a tenant's telling stands; made where there is none yet. */
export async function findPlace(tx: Transaction, tenantKey: string, point: string): Promise<FoundPlace> {
  const [, [place]] = await Promise.all([
    tx.run(insertPlace, [tenantKey, point]),
    tx.run(selectPlace, [tenantKey, point]),
  ]);
  if (place === undefined) throw new Error(`The tenant ${tenantKey} has no feed.`);
  return place;
}

/** All up to a position was told, or given up; what comes next is failing, or not. */
export async function movePlace(
  tx: Transaction,
  tenantKey: string,
  point: string,
  { position, isFailing }: { readonly position: bigint; readonly isFailing: boolean },
): Promise<void> {
  await tx.run(movePlaceTo, [tenantKey, point, position, isFailing]);
}

/** Nobody answers any more: who answers later begins anew. */
export async function endPlace(tx: Transaction, tenantKey: string, point: string): Promise<void> {
  await tx.run(deletePlace, [tenantKey, point]);
}

/** What expired behind one position up to another, in the order in which it was written down. */
export async function findExpiries(
  sql: Sql,
  tenantKey: string,
  { behind, upTo, most }: { readonly behind: bigint; readonly upTo: bigint; readonly most: number },
): Promise<Expiry[]> {
  return await sql.run(selectExpiries, [tenantKey, behind, upTo, most]);
}
