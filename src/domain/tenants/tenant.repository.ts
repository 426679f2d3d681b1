import type { Language } from '../../kernel/errors.ts';
import { type Database, type EntityManager, statement } from '../../persistence/index.ts';
import { type Tenant, TenantDirectory, TenantFeed } from './tenant.entity.ts';

const selectByCode = statement<{ key: string }>(
  'tenant.by_code',
  'select tenant_id as key from tenant_directory where code = $1',
);
const selectDirectory = statement<{ key: string; code: string }>(
  'tenant.directory',
  'select tenant_id as key, code from tenant_directory order by code',
);
const selectFacts = statement<TenantFacts>(
  'tenant.facts',
  `select tenant_id as key, code, locale, sandbox, program_version as "programVersion"
     from tenant where tenant_id = $1`,
);
const selectByHash = statement<ApiKeyFacts>(
  'api_key.by_hash',
  `select tenant_id as "tenantKey", key_id as "keyKey", role, extension_id as "extensionKey" from api_key
    where key_hash = $1 and revoked_at is null`,
);

/** What every request needs to know of its tenant. */
export interface TenantFacts {
  readonly key: string;
  readonly code: string;
  readonly locale: Language;
  readonly sandbox: boolean;
  readonly programVersion: number | null;
}

export interface ApiKeyFacts {
  readonly tenantKey: string;
  readonly keyKey: string;
  readonly role: 'STAFF' | 'DEVELOPER';
  /** Of a developer's key. */
  readonly extensionKey: string | null;
}

export class TenantRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async findKeyByCode(code: string): Promise<string | null> {
    const [row] = await this.#database.readDirectory().run(selectByCode, [code]);
    return row?.key ?? null;
  }

  /** Every tenant; for jobs, which then work for one at a time. */
  async list(): Promise<{ key: string; code: string }[]> {
    return await this.#database.readDirectory().run(selectDirectory, []);
  }

  async findFacts(tenantKey: string): Promise<TenantFacts | null> {
    const [row] = await this.#database.read(tenantKey).run(selectFacts, [tenantKey]);
    return row ?? null;
  }

  async findApiKey(hash: Buffer): Promise<ApiKeyFacts | null> {
    const [row] = await this.#database.readByKeyHash(hash.toString('hex')).run(selectByHash, [hash]);
    return row ?? null;
  }

  addTenant(em: EntityManager, tenant: Tenant): void {
    em.create(TenantDirectory, { tenantKey: tenant.tenantKey, code: tenant.code }, { persist: true });
    em.persist(tenant);
    em.create(TenantFeed, { tenantKey: tenant.tenantKey, position: 0n, eventsFrom: 0n }, { persist: true });
  }
}
