import { LRUCache } from 'lru-cache';
import type { Database } from '../persistence/index.ts';
import { findEventsFrom } from './feed-event.repository.ts';

const TENANTS_REMEMBERED = 10_000;
/** It only ever moves on, once a day: who is told an earlier place asks again. */
const REMEMBERED_MS = 5_000;

/** Behind which place of its feed a tenant's events are kept, as of a moment ago. */
export class KeptEvents {
  readonly #database: Database;
  readonly #known = new LRUCache<string, bigint | Promise<bigint>>({
    max: TENANTS_REMEMBERED,
    ttl: REMEMBERED_MS,
  });

  constructor(database: Database) {
    this.#database = database;
  }

  from(tenantKey: string): bigint | Promise<bigint> {
    const known = this.#known.get(tenantKey);
    if (known !== undefined) return known;
    const asked = findEventsFrom(this.#database.read(tenantKey), tenantKey);
    this.#known.set(tenantKey, asked);
    asked.then(
      (place) => this.#known.set(tenantKey, place),
      () => this.#known.delete(tenantKey),
    );
    return asked;
  }
}
