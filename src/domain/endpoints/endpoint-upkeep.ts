import type { Database } from '../../persistence/index.ts';
import { findToClear, forgetOld, forgetRemoved, giveUp } from './delivery.repository.ts';
import type { DeliveryOutcome } from './dispatcher.ts';
import type { EndpointOf } from './endpoint.repository.ts';
import type { EventRelay } from './event-relay.ts';
import { hurry } from './lane.repository.ts';

const AT_ONCE = 2_000;

export interface EndpointUpkeepParts {
  readonly database: Database;
  readonly relay: EventRelay;
  /** How many days what was told is kept. */
  readonly eventDays: number;
  readonly onOutcome: (outcome: DeliveryOutcome) => void;
}

/** What jobs do for endpoints: they see to what nobody tells, and forget what is old enough. */
export class EndpointUpkeep {
  readonly #parts: EndpointUpkeepParts;

  constructor(parts: EndpointUpkeepParts) {
    this.#parts = parts;
  }

  /** Begins to tell what happens, in a process that has jobs. */
  async start(): Promise<void> {
    await this.#parts.relay.start();
  }

  async stop(): Promise<void> {
    await this.#parts.relay.stop();
  }

  /** Answers how many deliveries were given up and forgotten. */
  async tidy(tenantKey: string): Promise<{ readonly givenUp: number; readonly forgotten: number }> {
    const { database, relay, eventDays } = this.#parts;
    let [givenUp, forgotten] = [0, 0];
    for (const { endpointKey, isRemoved } of await findToClear(database.read(tenantKey), tenantKey)) {
      const of = { tenantKey, endpointKey };
      if (isRemoved)
        forgotten += await untilFew(() =>
          database.transaction(tenantKey, (tx) => forgetRemoved(tx, of, AT_ONCE)),
        );
      else givenUp += await untilFew(() => this.#giveUp(of));
    }
    forgotten += await untilFew(() =>
      database.transaction(tenantKey, (tx) => forgetOld(tx, tenantKey, eventDays, AT_ONCE)),
    );
    relay.follow(tenantKey);
    return { givenUp, forgotten };
  }

  async #giveUp(of: EndpointOf): Promise<number> {
    const { database, onOutcome } = this.#parts;
    const dead = await database.transaction(of.tenantKey, async (tx) => {
      const given = await giveUp(tx, of, AT_ONCE);
      await hurry(
        tx,
        of,
        given.map(({ laneKey }) => laneKey),
      );
      return given.length;
    });
    for (let made = 0; made < dead; made += 1) onOutcome('dead');
    return dead;
  }
}

async function untilFew(work: () => Promise<number>): Promise<number> {
  for (let all = 0; ; ) {
    const some = await work();
    all += some;
    if (some < AT_ONCE) return all;
  }
}
