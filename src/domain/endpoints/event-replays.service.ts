import { refuse } from '../../kernel/errors.ts';
import { fromPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { feedCursor, feedPlace } from '../ledgers/index.ts';
import { carryOut } from '../tenants/index.ts';
import { type ReplayFilter, replay } from './delivery.repository.ts';
import type { ReplayEventsFilterInput, ReplayEventsInput } from './endpoint.inputs.ts';
import type { EventReplay } from './endpoint.payloads.types.ts';
import { findEndpoint } from './endpoint.repository.ts';
import { type EndpointParts, keyOf } from './endpoint.service.ts';
import { refuseUnknownTypes } from './endpoint-filter.ts';
import { hurry } from './lane.repository.ts';

const MOST_AT_ONCE = 10_000;

interface StoredReplay {
  readonly count: number;
  readonly last: string | null;
}

/** Has events told again. */
export class EventReplays {
  readonly #parts: Pick<EndpointParts, 'database' | 'relay'>;

  constructor(parts: Pick<EndpointParts, 'database' | 'relay'>) {
    this.#parts = parts;
  }

  /**
   * At most 10,000 deliveries that are kept, the oldest first; three days of trying begin anew for them.
   * @throws Refusal IDEMPOTENCY_CONFLICT, ENDPOINT_NOT_FOUND, MEMBER_NOT_FOUND, EVENT_TYPE_UNKNOWN
   * @throws RequestFault CURSOR_INVALID
   */
  async replay({ tenantKey }: RequestContext, input: ReplayEventsInput): Promise<EventReplay> {
    const of = { tenantKey, endpointKey: keyOf(input.endpointId) };
    const { database, relay } = this.#parts;
    const { stored, written } = await carryOut<ReplayFilter, StoredReplay>(database, tenantKey, {
      ...{ mutation: 'replayEvents', input, prepare: async () => readReplayFilter(tenantKey, input.filter) },
      commit: async (tx, filter) => {
        if ((await findEndpoint(tx, of)) === null) throw refuse('ENDPOINT_NOT_FOUND', ['endpointId']);
        const again = await replay(tx, of, filter, MOST_AT_ONCE);
        const laneKeys = again.map(({ laneKey }) => laneKey);
        await hurry(tx, of, laneKeys);
        const last = again.reduce((most, { position }) => (position > most ? position : most), 0n);
        return { count: again.length, last: again.length === 0 ? null : String(last) };
      },
    });
    if (written) relay.follow(tenantKey);
    const { count, last } = stored;
    const lastCursor = last === null ? null : feedCursor(tenantKey, BigInt(last));
    return { count, hasMore: count === MOST_AT_ONCE, lastCursor };
  }
}

function readReplayFilter(tenantKey: string, filter: ReplayEventsFilterInput): ReplayFilter {
  const { state = null, types = null, memberId = null, afterCursor = null, toCursor = null } = filter;
  refuseUnknownTypes(types, ['filter', 'types']);
  const laneKey = memberId === null ? null : fromPublicId('member', memberId);
  if (memberId !== null && laneKey === null) throw refuse('MEMBER_NOT_FOUND', ['filter', 'memberId']);
  return {
    ...{ state, types, laneKey, from: filter.from ?? null, to: filter.to ?? null },
    after: afterCursor === null ? null : feedPlace(tenantKey, afterCursor, ['filter', 'afterCursor']),
    upTo: toCursor === null ? null : feedPlace(tenantKey, toCursor, ['filter', 'toCursor']),
  };
}
