import { type EventStream, type FeedItem, type FeedRange, STREAMS } from '../../events/index.ts';
import { type Sql, statement } from '../../persistence/index.ts';
import { feedCursor } from '../ledgers/index.ts';
import type { ToldEvent } from './feed-event.types.ts';

interface EventRow {
  readonly position: bigint;
  readonly stream: EventStream;
  readonly type: string;
  readonly memberKey: string | null;
  readonly subjectKey: string;
  readonly detail: Readonly<Record<string, unknown>> | null;
  readonly occurredAt: Date;
}

const columns = `e.position, e.stream, e.type, e.member_id as "memberKey", e.subject_id as "subjectKey", e.detail,
  e.occurred_at as "occurredAt"`;

const selectAll = statement<EventRow>(
  'feed_event.after',
  `select ${columns} from feed_event e
    where e.tenant_id = $1 and e.position > $2 order by e.position limit $3`,
);
const selectOfStream = statement<EventRow>(
  'feed_event.of_stream',
  `select ${columns} from feed_event e
    where e.tenant_id = $1 and e.stream = $4 and e.position > $2 order by e.position limit $3`,
);
/** Each stream is read in its own order, so that a page costs a page, however rarely the member comes up. */
const selectOfMember = statement<EventRow>(
  'feed_event.of_member',
  `select found.*
     from unnest($4::text[]) as s (stream)
    cross join lateral (
      select ${columns} from feed_event e
       where e.tenant_id = $1 and e.stream = s.stream and e.member_id = $5 and e.position > $2
       order by e.position limit $3) found
    order by found.position limit $3`,
);

/** What the feed holds besides entries, in the order of the commits. */
export async function readFeedEvents(
  sql: Sql,
  tenantKey: string,
  range: FeedRange,
): Promise<FeedItem<ToldEvent>[]> {
  return (await readRows(sql, tenantKey, range)).map(({ position, stream, ...row }) => ({
    position,
    stream,
    memberKey: row.memberKey,
    event: { ...row, cursor: feedCursor(tenantKey, position) },
  }));
}

async function readRows(
  sql: Sql,
  tenantKey: string,
  { stream, memberKey, after, limit }: FeedRange,
): Promise<EventRow[]> {
  const values = [tenantKey, after, limit];
  if (memberKey !== null) {
    const streams = stream === null ? STREAMS : [stream];
    return await sql.run(selectOfMember, [...values, streams, memberKey]);
  }
  if (stream !== null) return await sql.run(selectOfStream, [...values, stream]);
  return await sql.run(selectAll, values);
}
