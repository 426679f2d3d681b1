import type { EventStream } from '../../events/index.ts';
import { type Sql, statement } from '../../persistence/index.ts';
import type { Entry } from '../ledgers/index.ts';
import { pointEventTypeOf } from '../live/index.ts';
import { type FeedFact, typeName } from './event-type.policy.ts';

/** An entry, as it is told. */
export interface TellableEntry
  extends Pick<
    Entry,
    | 'ledgerKey'
    | 'version'
    | 'operationKey'
    | 'kind'
    | 'amount'
    | 'pendingDelta'
    | 'balanceAfter'
    | 'pendingAfter'
    | 'heldAfter'
    | 'reason'
    | 'occurredAt'
    | 'assetCode'
    | 'memberKey'
  > {
  readonly position: bigint;
}

/** What else the feed holds, with what its subject says for good. */
export interface TellableEvent {
  readonly position: bigint;
  readonly stream: EventStream;
  readonly type: string;
  readonly memberKey: string | null;
  readonly subjectKey: string;
  readonly detail: Readonly<Record<string, unknown>> | null;
  readonly occurredAt: Date;
  /** Of `tiers`. */
  readonly ladder: string | null;
  readonly fromTier: string | null;
  readonly toTier: string | null;
  readonly cause: string | null;
  /** Of `grants`. */
  readonly benefit: string | null;
  /** Of `extensions`. */
  readonly name: string | null;
  readonly point: string | null;
}

/** A page may be short; ledgers are looked up one by one, however many PostgreSQL expects. */
const selectEntryFacts = statement<
  Pick<TellableEntry, 'position' | 'kind' | 'amount' | 'pendingDelta' | 'memberKey'> & { asset: string }
>(
  'endpoint.entry_facts',
  `select e.feed_position as position, e.kind, e.amount, e.pending_delta as "pendingDelta",
          l."memberKey", l.asset
     from entry e
    cross join lateral (
          select member_id as "memberKey", asset
            from ledger where tenant_id = $1 and ledger_id = e.ledger_id offset 0) l
    where e.tenant_id = $1 and e.feed_position > $2 and e.feed_position <= $3`,
);
const selectEventFacts = statement<Pick<TellableEvent, 'position' | 'stream' | 'type' | 'memberKey'>>(
  'endpoint.event_facts',
  `select position, stream, type, member_id as "memberKey"
     from feed_event where tenant_id = $1 and position > $2 and position <= $3`,
);
const selectEntries = statement<TellableEntry>(
  'endpoint.entries',
  `select e.feed_position as position, e.ledger_id as "ledgerKey", e.version, e.operation_id as "operationKey",
          e.kind, e.amount, e.pending_delta as "pendingDelta", e.posted_after as "balanceAfter",
          e.pending_after as "pendingAfter", e.held_after as "heldAfter", e.reason,
          e.occurred_at as "occurredAt", l.asset as "assetCode", l.member_id as "memberKey"
     from entry e
     join ledger l on l.tenant_id = $1 and l.ledger_id = e.ledger_id
    where e.tenant_id = $1 and e.feed_position = any($2::bigint[])`,
);
const selectEvents = statement<TellableEvent>(
  'endpoint.events',
  `select e.position, e.stream, e.type, e.member_id as "memberKey", e.subject_id as "subjectKey", e.detail,
          e.occurred_at as "occurredAt", t.ladder, t.from_tier as "fromTier", t.to_tier as "toTier", t.cause,
          g.benefit, x.name, x.point
     from feed_event e
     left join tier_change t on t.tenant_id = $1 and e.stream = 'tiers' and t.change_id = e.subject_id
     left join benefit_grant g on g.tenant_id = $1 and e.stream = 'grants' and g.grant_id = e.subject_id
     left join extension x on x.tenant_id = $1 and e.stream = 'extensions' and x.extension_id = e.subject_id
    where e.tenant_id = $1 and e.position = any($2::bigint[])`,
);

/** What lies behind one position up to another, in the order of the commits. */
export async function readFacts(
  sql: Sql,
  tenantKey: string,
  behind: bigint,
  upTo: bigint,
): Promise<FeedFact[]> {
  const [entries, events] = await Promise.all([
    sql.run(selectEntryFacts, [tenantKey, behind, upTo]),
    sql.run(selectEventFacts, [tenantKey, behind, upTo]),
  ]);
  const facts: FeedFact[] = [
    ...entries.map(({ position, memberKey, asset, ...entry }) => {
      const type = typeName('points', pointEventTypeOf(entry));
      return { position, stream: 'points' as const, type, memberKey, asset };
    }),
    ...events.map(({ position, stream, type, memberKey }) => {
      return { position, stream, type: typeName(stream, type), memberKey, asset: null };
    }),
  ];
  return facts.sort((one, other) => Number(one.position - other.position));
}

/** What happened at these positions, as far as it is kept. */
export async function readTellable(
  sql: Sql,
  tenantKey: string,
  positions: readonly bigint[],
): Promise<{ readonly entries: TellableEntry[]; readonly events: TellableEvent[] }> {
  const [entries, events] = await Promise.all([
    sql.run(selectEntries, [tenantKey, positions]),
    sql.run(selectEvents, [tenantKey, positions]),
  ]);
  return { entries, events };
}
