import type { Sql } from '../../persistence/index.ts';
import { readFacts, readTellable } from './event-feed.repository.ts';
import { entryMessage, eventMessage, type Teller } from './event-payload.policy.ts';

/** An event as endpoints are told it. */
export interface FeedMessage {
  readonly type: string;
  /** JSON. */
  readonly body: string;
}

/** What endpoints are told of what lies behind one position up to another, in the order of the commits. */
export async function readMessages(
  sql: Sql,
  teller: Teller,
  behind: bigint,
  upTo: bigint,
): Promise<FeedMessage[]> {
  const facts = await readFacts(sql, teller.tenantKey, behind, upTo);
  const positions = facts.map(({ position }) => position);
  const { entries, events } = await readTellable(sql, teller.tenantKey, positions);
  const messages = new Map([
    ...entries.map((entry) => [entry.position, entryMessage(teller, entry)] as const),
    ...events.map((event) => [event.position, eventMessage(teller, event)] as const),
  ]);
  return facts.flatMap(({ position, type }) => {
    const message = messages.get(position);
    return message === undefined ? [] : [{ type, body: message.body }];
  });
}
