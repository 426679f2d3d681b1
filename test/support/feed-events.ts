import { feedCursor } from '../../src/domain/ledgers/index.ts';
import { readFeedEvents } from '../../src/domain/live/index.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
import type { TestGateway } from './gateway.ts';

/** What a tenant's feed holds besides entries, in short, and in the order of the commits. */
export interface SeenEvent {
  readonly position: bigint;
  readonly stream: string;
  readonly type: string;
  /** Whom it is about, as a public id; null for nobody. */
  readonly memberId: string | null;
  readonly subjectKey: string;
  readonly detail: Readonly<Record<string, unknown>> | null;
}

/** A reader of what happened in a tenant since it was asked last. */
export function eventReader({ application }: Pick<TestGateway, 'application'>, tenantKey: string) {
  let after = 0n;
  return async (): Promise<SeenEvent[]> => {
    const sql = application.database.read(tenantKey);
    const items = await readFeedEvents(sql, tenantKey, {
      stream: null,
      memberKey: null,
      after,
      limit: 1_000,
    });
    after = items.at(-1)?.position ?? after;
    return items.map(({ position, stream, memberKey, event: { cursor, type, subjectKey, detail } }) => {
      expect(cursor).toBe(feedCursor(tenantKey, position));
      const memberId = memberKey === null ? null : toPublicId('member', memberKey);
      return { position, stream, type, memberId, subjectKey, detail };
    });
  };
}
