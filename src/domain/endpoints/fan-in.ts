import type { Database } from '../../persistence/index.ts';
import { type EndpointOf, lockEndpointBehind, moveEndpoint } from './endpoint.repository.ts';
import { readFacts } from './event-feed.repository.ts';
import { accepts } from './event-type.policy.ts';
import { addDeliveries } from './lane.repository.ts';

const POSITIONS_AT_ONCE = 1_000n;

/**
 * Puts what an endpoint was not told yet among its deliveries, up to where the feed stands. Two who do so at
 * once do each part once: a part is one transaction that holds the endpoint's row.
 */
export async function catchUp(database: Database, of: EndpointOf): Promise<void> {
  for (;;) {
    const isBehind = await database.transaction(of.tenantKey, async (tx) => {
      const endpoint = await lockEndpointBehind(tx, of);
      if (endpoint === null) return false;
      // The feed's end was read by an earlier statement: all up to there is committed, and so seen by these.
      const { position, feed } = endpoint;
      const wanted = position + POSITIONS_AT_ONCE;
      const upTo = wanted < feed ? wanted : feed;
      const facts = (await readFacts(tx, of.tenantKey, position, upTo)).filter((fact) =>
        accepts(endpoint, fact),
      );
      await Promise.all([
        ...(facts.length > 0 ? [addDeliveries(tx, of, facts)] : []),
        moveEndpoint(tx, of, upTo),
      ]);
      return upTo < feed;
    });
    if (!isBehind) return;
  }
}
