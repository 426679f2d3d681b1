import { LRUCache } from 'lru-cache';
import {
  extensionPoints,
  impliedRegistrations,
  type Plugin,
  type Registration,
  type Registrations,
  type Revision,
} from '../../extension/index.ts';
import type { Database, Sealer } from '../../persistence/index.ts';
import type { ExpressionFacts } from '../expressions/index.ts';
import type { TenantService } from '../tenants/index.ts';
import type { RegisteredExtension, StoredRevision } from './extension.entity.ts';
import { findAsked } from './extension.repository.ts';
import { openSecrets } from './extension-secrets.ts';
import { findConfigurations } from './plugin-configuration.repository.ts';
import { toRevision } from './revision.policy.ts';

/** How long registrations may be relied on that another process may have changed meanwhile. */
const FRESH_MS = 1_000;
/** With so much of it left they are looked up anew, so that nobody who asks all the time waits for it. */
const RENEWED_BELOW_MS = 400;
const MOST_REMEMBERED = 10_000;
const MOST_CHARACTERS = 32 * 1024 * 1024;

interface Known {
  /** By point, in order of priority. */
  readonly registrations: ReadonlyMap<string, readonly Registration<ExpressionFacts>[]>;
  /** By plugin. */
  readonly configurations: ReadonlyMap<string, unknown>;
}

interface Remembered {
  readonly known: Promise<Known>;
  /** Whether it is being looked up anew. */
  isRenewed: boolean;
}

export interface RegistryParts {
  readonly database: Database;
  readonly tenants: TenantService;
  readonly sealer: Sealer;
  readonly plugins: readonly Plugin[];
}

/** Who answers which extension point of a tenant now. */
export class ExtensionRegistry implements Registrations<ExpressionFacts> {
  readonly #parts: RegistryParts;
  readonly #known = new LRUCache<string, Remembered>({ max: MOST_REMEMBERED, ttl: FRESH_MS });
  /** A revision never changes: what it was made into is kept, its compiled filter with it. */
  readonly #revisions = new LRUCache<string, Revision<ExpressionFacts>>({
    max: MOST_REMEMBERED,
    maxSize: MOST_CHARACTERS,
    sizeCalculation: ({ code }) => 1_000 + ('digest' in code ? code.code.length : 0),
  });

  constructor(parts: RegistryParts) {
    this.#parts = parts;
  }

  async of(tenantKey: string, point: string): Promise<readonly Registration<ExpressionFacts>[]> {
    return (await this.#all(tenantKey)).registrations.get(point) ?? [];
  }

  async tenantCode(tenantKey: string): Promise<string> {
    return (await this.#parts.tenants.facts(tenantKey))?.code ?? '';
  }

  /** What the tenant configured of a plugin, as it was given; undefined where it configured nothing. */
  async configurationOf(tenantKey: string, plugin: string): Promise<unknown> {
    return (await this.#all(tenantKey)).configurations.get(plugin);
  }

  /** The operator's plugins that answer a point where the tenant registered nothing about them. */
  async implied(tenantKey: string, point: string): Promise<Registration<ExpressionFacts>[]> {
    const { configurations } = await this.#all(tenantKey);
    return impliedRegistrations(tenantKey, this.#parts.plugins, { point, configurations });
  }

  /** Forgets what was remembered of a tenant, after changing it here. */
  forget(tenantKey: string): void {
    this.#known.delete(tenantKey);
  }

  /** A stored revision as it is asked. */
  async revisionOf(
    { secrets }: Pick<RegisteredExtension, 'secrets'>,
    stored: StoredRevision,
  ): Promise<Revision<ExpressionFacts>> {
    const seal = secrets?.toString() ?? '';
    const id = `${stored.extensionKey} ${stored.version} ${seal}`;
    let made = this.#revisions.get(id);
    if (made === undefined) {
      const opened = stored.url === null ? null : await openSecrets(this.#parts.sealer, secrets);
      made = toRevision(stored, opened);
      this.#revisions.set(id, made);
    }
    return made;
  }

  /** Of all points at once: one act asks at several of them. */
  #all(tenantKey: string): Promise<Known> {
    const remembered = this.#known.get(tenantKey);
    if (remembered === undefined) {
      const known = this.#load(tenantKey);
      const made = { known, isRenewed: false };
      this.#known.set(tenantKey, made);
      known.catch(() => this.#known.peek(tenantKey) === made && this.#known.delete(tenantKey));
      return known;
    }
    if (!remembered.isRenewed && this.#known.getRemainingTTL(tenantKey) < RENEWED_BELOW_MS) {
      remembered.isRenewed = true;
      void this.#renew(tenantKey, remembered, this.#load(tenantKey));
    }
    return remembered.known;
  }

  /** Takes what is looked up now for what is known, unless that was forgotten or ended meanwhile. */
  async #renew(tenantKey: string, before: Remembered, loading: Promise<Known>): Promise<void> {
    const left = this.#known.getRemainingTTL(tenantKey);
    try {
      const known = await loading;
      if (this.#known.peek(tenantKey) !== before) return;
      // It is as old as its question.
      const ttl = FRESH_MS - (left - this.#known.getRemainingTTL(tenantKey));
      this.#known.set(tenantKey, { known: Promise.resolve(known), isRenewed: false }, { ttl });
    } catch {
      // Whoever asks when it has ended is told.
    }
  }

  async #load(tenantKey: string): Promise<Known> {
    const sql = this.#parts.database.read(tenantKey);
    const { plugins } = this.#parts;
    const isConfigured = plugins.some(({ configuration }) => configuration !== undefined);
    const [{ extensions, revisions }, stored] = await Promise.all([
      findAsked(sql, tenantKey),
      isConfigured ? findConfigurations(sql, tenantKey) : [],
    ]);
    const configurations = new Map(
      stored.map(({ plugin, configuration }) => [plugin, configuration ?? undefined]),
    );
    const registered = new Set(extensions.map(({ plugin, point }) => `${plugin} ${point}`));
    const implied = extensionPoints
      .flatMap(({ name }) => impliedRegistrations(tenantKey, plugins, { point: name, configurations }))
      .filter(({ name, point }) => !registered.has(`${name} ${point}`));
    const own: Registration<ExpressionFacts>[] = [];
    for (const extension of extensions) {
      const revisionAt = async (version: number | null): Promise<Revision<ExpressionFacts> | null> => {
        const stored = revisions.find(
          (one) => one.extensionKey === extension.extensionKey && one.version === version,
        );
        return stored === undefined ? null : await this.revisionOf(extension, stored);
      };
      const { extensionKey, name, point, priority, stage, canaryPercent } = extension;
      const newest = stage === 'DRAFT' || stage === 'RETIRED' ? null : await revisionAt(extension.version);
      const live = await revisionAt(extension.liveVersion);
      if (newest === null && live === null) continue;
      own.push({ tenantKey, extensionKey, name, point, priority, stage, canaryPercent, newest, live });
    }
    const all = [...implied, ...own].sort((one, other) => one.priority - other.priority);
    return { registrations: Map.groupBy(all, ({ point }) => point), configurations };
  }
}
