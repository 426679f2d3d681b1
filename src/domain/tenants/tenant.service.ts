import { createHash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Language, refuse } from '../../kernel/errors.ts';
import { newKey, toPublicId } from '../../kernel/ids.ts';
import type { LocalizedText } from '../../kernel/localized.ts';
import { type Database, databaseTime, violatedConstraint } from '../../persistence/index.ts';
import { insertApiKey } from './api-key.repository.ts';
import { Tenant } from './tenant.entity.ts';
import { type ApiKeyFacts, type TenantFacts, TenantRepository } from './tenant.repository.ts';

const CODE = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const SHORTEST_OWN_KEY = 16;
/** How long a request may rely on what another process may have changed meanwhile. */
const FRESH_MS = 1_000;

export interface NewTenant {
  readonly code: string;
  readonly name: LocalizedText;
  readonly locale: Language;
  readonly sandbox: boolean;
}

export function hashApiKey(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

export function newApiKeySecret(): string {
  return `mgk_${randomBytes(32).toString('base64url')}`;
}

/** Tenants and their API keys. */
export class TenantService {
  readonly #database: Database;
  readonly #repository: TenantRepository;
  readonly #facts = new LRUCache<string, Promise<TenantFacts | null>>({ max: 10_000, ttl: FRESH_MS });
  readonly #keys = new LRUCache<string, Promise<ApiKeyFacts | null>>({ max: 10_000, ttl: FRESH_MS });

  constructor(database: Database) {
    this.#database = database;
    this.#repository = new TenantRepository(database);
  }

  /**
   * Makes a tenant; it has no program yet.
   * @throws Refusal TENANT_CODE_INVALID, TENANT_EXISTS
   */
  async create(input: NewTenant): Promise<{ tenantKey: string }> {
    if (!CODE.test(input.code)) throw refuse('TENANT_CODE_INVALID', ['code']);
    const tenantKey = newKey();
    try {
      await this.#database.unitOfWork(tenantKey, async (em) => {
        const tenant = Object.assign(new Tenant(), {
          ...input,
          tenantKey,
          clockOffset: '0',
          programVersion: null,
          createdAt: await databaseTime(em),
        });
        this.#repository.addTenant(em, tenant);
      });
    } catch (error) {
      if (violatedConstraint(error) !== null) {
        throw refuse('TENANT_EXISTS', ['code'], { code: input.code });
      }
      throw error;
    }
    return { tenantKey };
  }

  /**
   * Makes an API key for servers of a tenant. Only its hash is kept: show it now or never.
   * @param secret a key chosen by the operator; a random one when missing
   * @throws Refusal API_KEY_TOO_SHORT
   */
  async createApiKey(
    tenantKey: string,
    label: string,
    secret?: string,
  ): Promise<{ id: string; secret: string }> {
    if (secret !== undefined && secret.length < SHORTEST_OWN_KEY)
      throw refuse('API_KEY_TOO_SHORT', ['secret']);
    const chosen = secret ?? newApiKeySecret();
    const keyKey = newKey();
    await this.#database.transaction(tenantKey, (tx) =>
      insertApiKey(tx, {
        ...{ tenantKey, keyKey, keyHash: hashApiKey(chosen), label, role: 'STAFF', extensionKey: null },
      }),
    );
    return { id: toPublicId('apiKey', keyKey), secret: chosen };
  }

  /** The key's tenant and role, or null for a key that there isn't or that was revoked. */
  async authenticate(secret: string): Promise<ApiKeyFacts | null> {
    const hash = hashApiKey(secret);
    return await this.#remember(this.#keys, hash.toString('base64'), () => this.#repository.findApiKey(hash));
  }

  async findKeyByCode(code: string): Promise<string | null> {
    return await this.#repository.findKeyByCode(code);
  }

  async list(): Promise<{ key: string; code: string }[]> {
    return await this.#repository.list();
  }

  /** What requests need to know of their tenant; at most a second old. Null when there is no such tenant. */
  async facts(tenantKey: string): Promise<TenantFacts | null> {
    return await this.#remember(this.#facts, tenantKey, () => this.#repository.findFacts(tenantKey));
  }

  /** The language for callers that name none. */
  async language(tenantKey: string): Promise<Language> {
    return (await this.facts(tenantKey))?.locale ?? 'en';
  }

  /** Forgets what was remembered of a tenant, after changing it here. */
  forget(tenantKey: string): void {
    this.#facts.delete(tenantKey);
  }

  /** Forgets who was recognised by which key, after a key was taken back here. */
  forgetKeys(): void {
    this.#keys.clear();
  }

  #remember<T extends object>(
    cache: LRUCache<string, Promise<T | null>>,
    id: string,
    load: () => Promise<T | null>,
  ): Promise<T | null> {
    const known = cache.get(id);
    if (known !== undefined) return known;
    const loading = load();
    cache.set(id, loading);
    loading.then(
      (found) => found === null && cache.delete(id),
      () => cache.delete(id),
    );
    return loading;
  }
}
