import { setTimeout as delay } from 'node:timers/promises';
import { type FeedMessage, readMessages } from '../domain/endpoints/index.ts';
import type { TenantService } from '../domain/tenants/index.ts';
import type { FeedWatcher, Wakeups } from '../events/index.ts';
import type { Plugin, PluginEvent, PluginListener } from '../extension/index.ts';
import type { Database } from '../persistence/index.ts';
import type { PluginParts } from '../plugin-host/index.ts';
import { lockPlace, movePlace } from './plugin-place.repository.ts';

const POSITIONS_AT_ONCE = 200n;
const HEAR_WITHIN_MS = 5_000;
/** After a failure the same events are told again. */
const AGAIN_MS = 2_000;
const NEW_TENANTS_MS = 2_000;

export interface PluginListenersParts {
  readonly database: Database;
  readonly tenants: TenantService;
  readonly watcher: FeedWatcher;
  readonly pluginParts: PluginParts;
  /** Where a tenant's feed stands. */
  readonly position: (tenantKey: string) => Promise<bigint>;
  readonly onError: (at: { plugin: string; listener: string; tenant: string }, error: unknown) => void;
}

interface Heard {
  readonly plugin: Plugin;
  readonly listener: PluginListener;
}

interface Followed {
  readonly tenantKey: string;
  readonly tenant: string;
  /** From where a listener hears it that has no place yet: the beginning, or where it stands then. */
  readonly isNew: boolean;
}

/** Tells plugins what happens, of every tenant, beside any number of processes that do the same. */
export class PluginListeners {
  readonly #parts: PluginListenersParts;
  readonly #heard: readonly Heard[];
  readonly #followed = new Map<string, Wakeups>();
  readonly #running = new Set<Promise<void>>();
  #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: PluginListenersParts) {
    this.#parts = parts;
    this.#heard = parts.pluginParts.plugins.flatMap((plugin) =>
      (plugin.listeners ?? []).map((listener) => ({ plugin, listener })),
    );
  }

  async start(): Promise<void> {
    if (this.#heard.length === 0) return;
    this.#stopped = new AbortController();
    await this.#followAll(false);
    const look = (): void => {
      this.#timer = setTimeout(() => {
        // The database may be away: the next look finds them.
        void this.#followAll(true).then(look, look);
      }, NEW_TENANTS_MS).unref();
    };
    look();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    for (const wakeups of this.#followed.values()) wakeups.close();
    this.#followed.clear();
    await Promise.all(this.#running);
  }

  async #followAll(isNew: boolean): Promise<void> {
    for (const { key: tenantKey, code: tenant } of await this.#parts.tenants.list()) {
      if (this.#stopped.signal.aborted || this.#followed.has(tenantKey)) continue;
      const wakeups = this.#parts.watcher.listen(tenantKey);
      this.#followed.set(tenantKey, wakeups);
      const running = this.#follow({ tenantKey, tenant, isNew }, wakeups).finally(() =>
        this.#running.delete(running),
      );
      this.#running.add(running);
    }
  }

  async #follow(followed: Followed, wakeups: Wakeups): Promise<void> {
    do {
      for (const heard of this.#heard) await this.#tellUntilDone(followed, heard);
    } while (await wakeups.next());
  }

  async #tellUntilDone(followed: Followed, heard: Heard): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        if (!(await this.#tellSome(followed, heard))) return;
      } catch (error) {
        const { plugin, listener } = heard;
        const at = { plugin: plugin.id, listener: listener.name, tenant: followed.tenant };
        this.#parts.onError(at, error);
        await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** One transaction of the plugin: what it writes and its place are one commit. True if there is more. */
  async #tellSome({ tenantKey, tenant, isNew }: Followed, { plugin, listener }: Heard): Promise<boolean> {
    const { database, position, pluginParts } = this.#parts;
    const feed = await position(tenantKey);
    const call = { tenantKey, what: `listeners.${listener.name}`, deadlineMs: HEAR_WITHIN_MS };
    return await pluginParts.run(plugin, call, (context, enter) =>
      context.transaction(async (sql) => {
        const place = await lockPlace(sql, listener.name, isNew ? 0n : feed);
        if (place >= feed) return false;
        const wanted = place + POSITIONS_AT_ONCE;
        const upTo = wanted < feed ? wanted : feed;
        const messages = await readMessages(database.read(tenantKey), { tenantKey, tenant }, place, upTo);
        const events = messages.filter((message) => isWanted(listener, message)).map(toEvent);
        if (events.length > 0) await enter(() => listener.hear(events, { ...context, sql }));
        await movePlace(sql, listener.name, upTo);
        return upTo < feed;
      }),
    );
  }
}

function isWanted({ types }: PluginListener, { type }: FeedMessage): boolean {
  return types === undefined || types.includes(type);
}

function toEvent({ body }: FeedMessage): PluginEvent {
  return JSON.parse(body) as PluginEvent;
}
