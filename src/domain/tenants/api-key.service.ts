import { refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import { type ConnectionOf, refuseLong, toPage } from '../shared/index.ts';
import {
  findApiKey,
  findApiKeys,
  hasExtension,
  insertApiKey,
  revokeStoredKey,
  type ShownApiKey,
} from './api-key.repository.ts';
import { apiKeyCursor, apiKeyPlace } from './tenant.cursors.ts';
import type { CreateApiKeyInput, RevokeApiKeyInput } from './tenant.inputs.ts';
import { hashApiKey, newApiKeySecret, type TenantService } from './tenant.service.ts';
import { carryOut } from './tenant-act.ts';

const LONGEST_LABEL = 200;

/** A key that was made; its secret is known now and never again. */
export interface MadeApiKey {
  readonly apiKey: ShownApiKey;
  /** Null when nothing was made now: a replay or a dry run. */
  readonly secret: string | null;
}

interface StoredApiKey {
  readonly apiKey: string;
}

/** What staff do with their servers' keys. */
export class ApiKeyService {
  readonly #database: Database;
  readonly #tenants: TenantService;

  constructor(database: Database, tenants: TenantService) {
    this.#database = database;
    this.#tenants = tenants;
  }

  /** @throws Refusal IDEMPOTENCY_CONFLICT, TEXT_TOO_LONG, API_KEY_EXTENSION */
  async create({ tenantKey }: RequestContext, input: CreateApiKeyInput): Promise<MadeApiKey> {
    const secret = newApiKeySecret();
    const keyKey = newKey();
    let made: ShownApiKey | null = null;
    const { stored, written } = await carryOut<string | null, StoredApiKey>(this.#database, tenantKey, {
      mutation: 'createApiKey',
      input,
      prepare: async () => {
        refuseLong(input.label, LONGEST_LABEL, ['label']);
        return await this.#extensionOf(tenantKey, input);
      },
      commit: async (tx, extensionKey) => {
        const keyHash = hashApiKey(secret);
        made = await insertApiKey(tx, {
          ...{ tenantKey, keyKey, keyHash, label: input.label, role: input.role ?? 'STAFF', extensionKey },
        });
        return { apiKey: keyKey };
      },
    });
    return {
      apiKey: made ?? (await this.#found(tenantKey, stored.apiKey)),
      secret: written ? secret : null,
    };
  }

  /**
   * Takes a key back; a caller may take back their own. One that was revoked before stays as it is, so that
   * it is safe to do it twice.
   * @throws Refusal IDEMPOTENCY_CONFLICT, API_KEY_NOT_FOUND
   */
  async revoke({ tenantKey }: RequestContext, input: RevokeApiKeyInput): Promise<ShownApiKey> {
    let revoked: ShownApiKey | null = null;
    const { stored } = await carryOut<string, StoredApiKey>(this.#database, tenantKey, {
      mutation: 'revokeApiKey',
      input,
      prepare: async () => {
        const keyKey = fromPublicId('apiKey', input.id);
        if (keyKey === null) throw refuse('API_KEY_NOT_FOUND', ['id']);
        return keyKey;
      },
      commit: async (tx, keyKey) => {
        revoked = await revokeStoredKey(tx, tenantKey, keyKey);
        if (revoked === null) throw refuse('API_KEY_NOT_FOUND', ['id']);
        return { apiKey: keyKey };
      },
    });
    this.#tenants.forgetKeys();
    return revoked ?? (await this.#found(tenantKey, stored.apiKey));
  }

  /** Every key, also those that were revoked; newest first. */
  async page(
    { tenantKey }: RequestContext,
    first: number,
    after: string | null | undefined,
  ): Promise<ConnectionOf<ShownApiKey>> {
    const before = apiKeyPlace(tenantKey, after);
    const rows = await findApiKeys(this.#database.read(tenantKey), tenantKey, before, first);
    return toPage(rows, first, ({ keyKey }) => apiKeyCursor(tenantKey, keyKey));
  }

  /** Which extension a developer's key is for. @throws Refusal API_KEY_EXTENSION */
  async #extensionOf(tenantKey: string, { role, extensionId }: CreateApiKeyInput): Promise<string | null> {
    const isGiven = extensionId !== null && extensionId !== undefined;
    if (role !== 'DEVELOPER' && !isGiven) return null;
    const extensionKey = isGiven ? fromPublicId('extension', extensionId) : null;
    const sql = this.#database.read(tenantKey);
    const isThere = extensionKey !== null && (await hasExtension(sql, tenantKey, extensionKey));
    if (role !== 'DEVELOPER' || !isThere) throw refuse('API_KEY_EXTENSION', ['extensionId']);
    return extensionKey;
  }

  async #found(tenantKey: string, keyKey: string): Promise<ShownApiKey> {
    const found = await findApiKey(this.#database.read(tenantKey), tenantKey, keyKey);
    if (found === null) throw new Error(`The API key ${keyKey} of a stored result is missing.`);
    return found;
  }
}
