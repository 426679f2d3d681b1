import type { Database } from '../persistence/index.ts';
import { forgetEvents } from './feed-event.repository.ts';

/** The feed is locked while some are forgotten: so few that nobody notices. */
const FORGOTTEN_AT_ONCE = 1_000;

/** Forgets events that are old enough; entries are kept for ever. */
export class EventUpkeep {
  /** How many days events are kept. */
  readonly eventDays: number;
  readonly #database: Database;

  constructor({ database, eventDays }: { readonly database: Database; readonly eventDays: number }) {
    this.#database = database;
    this.eventDays = eventDays;
  }

  /** Forgets all that is old enough; answers how many events that was. */
  async forgetOld(tenantKey: string): Promise<number> {
    let forgotten = 0;
    for (;;) {
      const some = await this.#database.transaction(tenantKey, (tx) =>
        forgetEvents(tx, tenantKey, this.eventDays, FORGOTTEN_AT_ONCE),
      );
      forgotten += some;
      if (some < FORGOTTEN_AT_ONCE) return forgotten;
    }
  }
}
