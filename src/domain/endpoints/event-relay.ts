import { setTimeout as delay } from 'node:timers/promises';
import type { FeedWatcher, Wakeups } from '../../events/index.ts';
import type { TenantService } from '../tenants/index.ts';
import { Dispatcher, type DispatchParts } from './dispatcher.ts';
import { countStates, findActive } from './endpoint.repository.ts';
import { catchUp } from './fan-in.ts';

const TENANTS_AT_ONCE = 50;
/** What takes longer to end is told again, by another process or after the next start. */
const END_WITHIN_MS = 8_000;
const MENDED_MS = 5_000;

export interface RelayParts extends Omit<DispatchParts, 'tenantCode'> {
  readonly tenants: TenantService;
  readonly watcher: FeedWatcher;
}

/** Tells the endpoints of all tenants what happens, beside any number of processes that do the same. */
export class EventRelay {
  readonly #parts: RelayParts;
  readonly #tenants = new Map<string, TenantRelay>();
  #isRunning = false;

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /** Begins with every tenant that has endpoints. */
  async start(): Promise<void> {
    this.#isRunning = true;
    const tenants = await this.#parts.tenants.list();
    for (let from = 0; from < tenants.length; from += TENANTS_AT_ONCE) {
      const some = tenants.slice(from, from + TENANTS_AT_ONCE);
      await Promise.all(some.map(({ key }) => this.#followIfNeeded(key)));
    }
  }

  /** Goes on with what a tenant's endpoints are to be told, and follows its feed from now on. */
  follow(tenantKey: string): void {
    if (!this.#isRunning) return;
    let relay = this.#tenants.get(tenantKey);
    if (relay === undefined) {
      relay = new TenantRelay(this.#parts, tenantKey, () => this.#tenants.delete(tenantKey));
      this.#tenants.set(tenantKey, relay);
    }
    relay.wake();
  }

  /** How many events wait, of the tenants that are followed here; of an endpoint up to 10,000. */
  async backlog(): Promise<number> {
    const counts = await Promise.all([...this.#tenants.values()].map((relay) => relay.backlog()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    const ended = Promise.all([...this.#tenants.values()].map((relay) => relay.close()));
    this.#tenants.clear();
    const inTime = new AbortController();
    const late = delay(END_WITHIN_MS, undefined, { signal: inTime.signal }).catch(() => undefined);
    await Promise.race([ended, late]);
    inTime.abort();
  }

  async #followIfNeeded(tenantKey: string): Promise<void> {
    const active = await findActive(this.#parts.database.read(tenantKey), tenantKey);
    if (active.length > 0) this.follow(tenantKey);
  }
}

/** Tells the endpoints of one tenant. */
class TenantRelay {
  readonly #parts: RelayParts;
  readonly #tenantKey: string;
  readonly #onIdle: () => void;
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #wakeups: Wakeups;
  readonly #listening: Promise<void>;
  #looking: Promise<void> | null = null;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: RelayParts, tenantKey: string, onIdle: () => void) {
    this.#parts = parts;
    this.#tenantKey = tenantKey;
    this.#onIdle = onIdle;
    this.#wakeups = parts.watcher.listen(tenantKey);
    this.#listening = this.#listen();
  }

  wake(): void {
    if (this.#closed) return;
    if (this.#looking !== null) {
      this.#again = true;
      return;
    }
    this.#again = false;
    clearTimeout(this.#timer);
    this.#looking = this.#look()
      .catch((error: unknown) => {
        this.#parts.onError(error);
        if (!this.#closed) this.#timer = setTimeout(() => this.wake(), MENDED_MS).unref();
      })
      .finally(() => {
        this.#looking = null;
        if (this.#again) this.wake();
      });
  }

  async backlog(): Promise<number> {
    const tenantKey = this.#tenantKey;
    const sql = this.#parts.database.read(tenantKey);
    const states = await Promise.all(
      [...this.#dispatchers.keys()].map((endpointKey) => countStates(sql, { tenantKey, endpointKey })),
    );
    return states.reduce((sum, { PENDING = 0 }) => sum + PENDING, 0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#wakeups.close();
    await this.#listening;
    await this.#looking;
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.close()));
  }

  async #listen(): Promise<void> {
    while (await this.#wakeups.next()) this.wake();
  }

  async #look(): Promise<void> {
    const { database } = this.#parts;
    const tenantKey = this.#tenantKey;
    const active = await findActive(database.read(tenantKey), tenantKey);
    this.#keepOnly(active.map(({ endpointKey }) => endpointKey));
    if (active.length === 0) {
      this.#closed = true;
      this.#wakeups.close();
      this.#onIdle();
      return;
    }
    await Promise.all(
      active.map(async ({ endpointKey, isBehind }) => {
        if (isBehind) await catchUp(database, { tenantKey, endpointKey });
        this.#dispatcherOf(endpointKey).wake();
      }),
    );
  }

  #dispatcherOf(endpointKey: string): Dispatcher {
    let dispatcher = this.#dispatchers.get(endpointKey);
    if (dispatcher === undefined) {
      const { tenants } = this.#parts;
      const tenantCode = async (tenantKey: string) => (await tenants.facts(tenantKey))?.code ?? '';
      const of = { tenantKey: this.#tenantKey, endpointKey };
      dispatcher = new Dispatcher({ ...this.#parts, tenantCode }, of);
      this.#dispatchers.set(endpointKey, dispatcher);
    }
    return dispatcher;
  }

  /** What is paused or gone is told nothing more. */
  #keepOnly(endpointKeys: readonly string[]): void {
    for (const [endpointKey, dispatcher] of this.#dispatchers) {
      if (endpointKeys.includes(endpointKey)) continue;
      this.#dispatchers.delete(endpointKey);
      void dispatcher.close();
    }
  }
}
