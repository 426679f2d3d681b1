import { type Sql, statement, type Transaction } from '../persistence/index.ts';
import type { EventStream, EventTypes } from './feed.ts';

/** Something that happened and is no entry, to be told to whoever follows its stream. */
export type FeedEvent = { [Of in EventStream]: EventOf<Of> }[EventStream];

interface EventOf<Of extends EventStream> {
  readonly stream: Of;
  readonly type: EventTypes[Of];
  /** Whom it is about; null where that is nobody. */
  readonly memberKey: string | null;
  /** What it is about: the member, the change of a tier, the grant or the extension. */
  readonly subjectKey: string;
  /** What the subject doesn't say by itself: keys and names of fields, never personal data. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Positions are taken here, last, as those of entries are: the feed is locked until the commit. */
const insertEvents = statement(
  'feed_event.insert',
  `with feed as (
     update tenant_feed set position = position + cardinality($2::text[])
      where tenant_id = $1 returning position - cardinality($2::text[]) as before)
   insert into feed_event (tenant_id, position, stream, type, member_id, subject_id, detail, occurred_at,
                           recorded_at)
   select $1, feed.before + e.place, e.stream, e.type, e.member_id, e.subject_id, e.detail,
          (select business_time()), date_trunc('milliseconds', now())
     from unnest($2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::jsonb[])
            with ordinality as e (stream, type, member_id, subject_id, detail, place),
          feed`,
);

/**
 * The oldest events, as far as they are older than so many days: `recorded_at` need not be in the order of
 * positions, since a transaction may have waited, so what lies behind one that is kept is kept too.
 */
const raiseEventsFrom = statement<{ eventsFrom: bigint }>(
  'feed.raise_events_from',
  `with oldest as (
     select position, recorded_at < now() - $2 * interval '1 day' as is_old
       from feed_event where tenant_id = $1 order by position limit $3),
   old as (
     select max(position) as position from oldest
      where position < (select coalesce(min(position), 9223372036854775807) from oldest where not is_old))
   update tenant_feed f set events_from = old.position
     from old where f.tenant_id = $1 and old.position > f.events_from
   returning f.events_from as "eventsFrom"`,
);
const deleteOld = statement<{ position: bigint }>(
  'feed_event.delete_old',
  'delete from feed_event where tenant_id = $1 and position <= $2 returning position',
);

const selectEventsFrom = statement<{ eventsFrom: bigint }>(
  'feed.events_from',
  'select events_from as "eventsFrom" from tenant_feed where tenant_id = $1',
);

interface Columns {
  readonly streams: string[];
  readonly types: string[];
  readonly memberKeys: (string | null)[];
  readonly subjectKeys: string[];
  readonly details: (string | null)[];
}

/** What transactions have emitted so far: it is sent as one statement, together with the COMMIT. */
const emitted = new WeakMap<Transaction, Columns>();

/**
 * Forgets some of the events that are older than so many days; answers how many. That they may be gone is
 * written down before they are, so nobody goes on from a place behind which some are missing.
 */
export async function forgetEvents(
  tx: Transaction,
  tenantKey: string,
  days: number,
  most: number,
): Promise<number> {
  const [raised] = await tx.run(raiseEventsFrom, [tenantKey, days, most]);
  if (raised === undefined) return 0;
  return (await tx.run(deleteOld, [tenantKey, raised.eventsFrom])).length;
}

/**
 * Tells of what a transaction does. Nobody hears of it before the commit, nor ever if that fails or it is a
 * dry run.
 */
export function emitEvents(tx: Transaction, tenantKey: string, events: readonly FeedEvent[]): void {
  if (events.length === 0) return;
  let columns = emitted.get(tx);
  if (columns === undefined) {
    columns = { streams: [], types: [], memberKeys: [], subjectKeys: [], details: [] };
    emitted.set(tx, columns);
    const { streams, types, memberKeys, subjectKeys, details } = columns;
    // What is emitted after this is added to the same arrays, which are read when the transaction ends.
    tx.defer(insertEvents, [tenantKey, streams, types, memberKeys, subjectKeys, details]);
  }
  for (const { stream, type, memberKey, subjectKey, detail } of events) {
    columns.streams.push(stream);
    columns.types.push(type);
    columns.memberKeys.push(memberKey);
    columns.subjectKeys.push(subjectKey);
    columns.details.push(detail === undefined ? null : JSON.stringify(detail));
  }
}

/** Events up to this position may be forgotten: who comes from further back may have missed some. */
export async function findEventsFrom(sql: Sql, tenantKey: string): Promise<bigint> {
  const [row] = await sql.run(selectEventsFrom, [tenantKey]);
  return row?.eventsFrom ?? 0n;
}
