import type { Stream } from '../../events/index.ts';
import type { Secrets } from '../../extension/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database, Sealer, Transaction } from '../../persistence/index.ts';
import { openSecrets, sealSecrets } from '../extensions/index.ts';
import { feedPlace } from '../ledgers/index.ts';
import type { ProgramService } from '../programs/index.ts';
import { carryOut, type TenantService } from '../tenants/index.ts';
import { hurryEverything } from './delivery.repository.ts';
import type { StoredEndpoint } from './endpoint.entity.ts';
import type {
  RegisterEventEndpointInput,
  RemoveEventEndpointInput,
  RotateEventEndpointSecretInput,
  TestEventEndpointInput,
  UpdateEventEndpointInput,
} from './endpoint.inputs.ts';
import {
  beginAnew,
  changeEndpoint,
  changeSecrets,
  findEndpoint,
  findEvenRemoved,
  findNamed,
  insertNewEndpoint,
  readNow,
} from './endpoint.repository.ts';
import { readFilter } from './endpoint-filter.ts';
import type { EventLine, Telling } from './event-line.types.ts';
import { testMessage } from './event-payload.policy.ts';
import type { EventRelay } from './event-relay.ts';

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const MOST_ENDPOINTS = 16;
const EVERYTHING = { streams: null, types: null, assets: null };

export interface EndpointParts {
  readonly database: Database;
  readonly tenants: TenantService;
  readonly programs: ProgramService;
  readonly sealer: Sealer;
  readonly line: EventLine;
  readonly relay: EventRelay;
}

/** An endpoint that was changed; its secret is known now and never again. */
export interface ChangedEndpoint {
  readonly endpoint: StoredEndpoint;
  readonly signingSecret: string | null;
}

/** What is kept under a key: enough to answer the same again. */
interface StoredAnswer
  extends Pick<StoredEndpoint, 'name' | 'url' | 'streams' | 'types' | 'assets' | 'status' | 'createdBy'> {
  readonly endpoint: string;
  readonly createdAt: string;
}

interface Act {
  readonly mutation: string;
  readonly input: { idempotencyKey: string; dryRun?: boolean | null };
  readonly endpointKey: string;
  /** Everything slow, with no transaction open; answers how it is written. */
  prepare(): Promise<(tx: Transaction) => Promise<void>>;
}

/** What staff do to endpoints. */
export class EndpointService {
  readonly #parts: EndpointParts;

  constructor(parts: EndpointParts) {
    this.#parts = parts;
  }

  /**
   * @throws Refusal IDEMPOTENCY_CONFLICT, ENDPOINT_NAME_INVALID, ENDPOINT_NAME_TAKEN, ENDPOINT_LIMIT, what an
   *   address (WEBHOOK_…) and a filter are refused for
   * @throws RequestFault CURSOR_INVALID
   */
  async register(ctx: RequestContext, input: RegisterEventEndpointInput): Promise<ChangedEndpoint> {
    const { tenantKey } = ctx;
    const endpointKey = newKey();
    let secrets: Secrets | null = null;
    const endpoint = await this.#carryOut(ctx, {
      ...{ mutation: 'registerEventEndpoint', input, endpointKey },
      prepare: async () => {
        const { name, url } = input;
        if (!NAME.test(name)) throw refuse('ENDPOINT_NAME_INVALID', ['name']);
        const from = (input.from ?? null) === null ? null : feedPlace(tenantKey, input.from ?? '', ['from']);
        const filter = await readFilter(this.#parts.programs, ctx, input, EVERYTHING);
        await this.#checkAddress(url);
        secrets = this.#parts.line.newSecrets();
        const sealed = await sealSecrets(this.#parts.sealer, secrets);
        return async (tx) => {
          const { count, isTaken } = await findNamed(tx, tenantKey, name);
          if (isTaken) throw refuse('ENDPOINT_NAME_TAKEN', ['name'], { name });
          if (count >= MOST_ENDPOINTS) throw refuse('ENDPOINT_LIMIT', null, { most: MOST_ENDPOINTS });
          const row = { ...listsOf(filter), name, url, secrets: sealed, createdBy: ctx.caller.subject };
          await insertNewEndpoint(tx, { ...row, tenantKey, endpointKey }, from);
        };
      },
    });
    return { endpoint: endpoint.row, signingSecret: endpoint.written ? firstOf(secrets) : null };
  }

  /**
   * @throws Refusal IDEMPOTENCY_CONFLICT, ENDPOINT_NOT_FOUND, what an address (WEBHOOK_…) and a filter are
   *   refused for
   */
  async update(ctx: RequestContext, input: UpdateEventEndpointInput): Promise<StoredEndpoint> {
    const of = { tenantKey: ctx.tenantKey, endpointKey: keyOf(input.endpointId) };
    const { row } = await this.#carryOut(ctx, {
      ...{ mutation: 'updateEventEndpoint', input, endpointKey: of.endpointKey },
      prepare: async () => {
        const { url, paused } = input;
        await this.#found(ctx, of.endpointKey);
        if (url !== null && url !== undefined) await this.#checkAddress(url);
        await readFilter(this.#parts.programs, ctx, input, EVERYTHING);
        return async (tx) => {
          const before = await findEndpoint(tx, of);
          if (before === null) throw refuse('ENDPOINT_NOT_FOUND', ['endpointId']);
          const filter = await readFilter(this.#parts.programs, ctx, { ...input, assets: undefined }, before);
          const assets = input.assets === undefined ? before.assets : input.assets;
          const isResumed = paused === false && before.status !== 'ACTIVE';
          const status = isResumed ? 'ACTIVE' : paused === true ? 'PAUSED' : before.status;
          const disabledBy = status === 'DISABLED' ? before.disabledBy : null;
          const after = { ...before, ...listsOf({ ...filter, assets }), status, disabledBy };
          await changeEndpoint(tx, { ...after, url: url ?? before.url });
          if (isResumed) await beginAnew(tx, of);
          if (isResumed || url !== undefined) await hurryEverything(tx, of);
        };
      },
    });
    return row;
  }

  /**
   * A new signing secret beside the last one, as far as that can be read; the older of two ends.
   * @throws Refusal IDEMPOTENCY_CONFLICT, ENDPOINT_NOT_FOUND
   */
  async rotateSecret(ctx: RequestContext, input: RotateEventEndpointSecretInput): Promise<ChangedEndpoint> {
    const of = { tenantKey: ctx.tenantKey, endpointKey: keyOf(input.endpointId) };
    let secrets: Secrets | null = null;
    const { row, written } = await this.#carryOut(ctx, {
      ...{ mutation: 'rotateEventEndpointSecret', input, endpointKey: of.endpointKey },
      prepare: async () => {
        await this.#found(ctx, of.endpointKey);
        return async (tx) => {
          const endpoint = await findEndpoint(tx, of);
          if (endpoint === null) throw refuse('ENDPOINT_NOT_FOUND', ['endpointId']);
          const before = await openSecrets(this.#parts.sealer, endpoint.secrets);
          secrets = this.#parts.line.newSecrets(before?.[0]);
          await changeSecrets(tx, of, await sealSecrets(this.#parts.sealer, secrets));
        };
      },
    });
    return { endpoint: row, signingSecret: written ? firstOf(secrets) : null };
  }

  /** It is told nothing more, and what it was told is forgotten. @throws Refusal ENDPOINT_NOT_FOUND */
  async remove(ctx: RequestContext, input: RemoveEventEndpointInput): Promise<true> {
    const of = { tenantKey: ctx.tenantKey, endpointKey: keyOf(input.endpointId) };
    await this.#carryOut(ctx, {
      ...{ mutation: 'removeEventEndpoint', input, endpointKey: of.endpointKey },
      prepare: async () => {
        await this.#found(ctx, of.endpointKey);
        return async (tx) => {
          const before = await findEndpoint(tx, of);
          if (before === null) throw refuse('ENDPOINT_NOT_FOUND', ['endpointId']);
          await changeEndpoint(tx, { ...before, status: 'REMOVED' });
        };
      },
    });
    return true;
  }

  /** Sends a test event now, whatever the endpoint's status. @throws Refusal ENDPOINT_NOT_FOUND */
  async test(ctx: RequestContext, input: TestEventEndpointInput): Promise<Telling> {
    const { database, tenants, sealer, line } = this.#parts;
    const { tenantKey } = ctx;
    const { endpointKey, url, ...endpoint } = await this.#found(ctx, keyOf(input.endpointId));
    const secrets = await openSecrets(sealer, endpoint.secrets);
    const tenant = (await tenants.facts(tenantKey))?.code ?? '';
    const now = await readNow(database.read(tenantKey));
    const message = testMessage({ tenantKey, tenant }, newKey(), now);
    return await line.tell({ id: endpointKey, url, secrets }, message, true);
  }

  async #carryOut(
    ctx: RequestContext,
    { mutation, input, endpointKey, prepare }: Act,
  ): Promise<{ row: StoredEndpoint; written: boolean }> {
    const { database, relay } = this.#parts;
    const { tenantKey } = ctx;
    let view: StoredEndpoint | null = null;
    const { stored, written } = await carryOut<(tx: Transaction) => Promise<void>, StoredAnswer>(
      database,
      tenantKey,
      {
        ...{ mutation, input, prepare },
        commit: async (tx, write) => {
          await write(tx);
          view = await findEvenRemoved(tx, { tenantKey, endpointKey });
          if (view === null) throw new Error('An endpoint was written and is not there.');
          return answerOf(view);
        },
      },
    );
    if (written) relay.follow(tenantKey);
    return { row: view ?? (await this.#asAnswered(tenantKey, stored)), written };
  }

  /** An endpoint as it stood when a key was used first. */
  async #asAnswered(tenantKey: string, { endpoint, ...then }: StoredAnswer): Promise<StoredEndpoint> {
    const of = { tenantKey, endpointKey: endpoint };
    const now = await findEvenRemoved(this.#parts.database.read(tenantKey), of);
    // It may be removed and forgotten by now; what was answered is known all the same.
    const createdAt = new Date(then.createdAt);
    const forgotten = {
      ...{ secrets: Buffer.alloc(0), position: 0n, activeSince: createdAt },
      ...{ disabledBy: null, failingSince: null, fault: null },
    };
    return { ...forgotten, ...now, ...of, ...then, createdAt };
  }

  /** @throws Refusal ENDPOINT_NOT_FOUND */
  async #found({ tenantKey }: RequestContext, endpointKey: string): Promise<StoredEndpoint> {
    const found = await findEndpoint(this.#parts.database.read(tenantKey), { tenantKey, endpointKey });
    if (found === null) throw refuse('ENDPOINT_NOT_FOUND', ['endpointId']);
    return found;
  }

  /** @throws Refusal WEBHOOK_… */
  async #checkAddress(url: string): Promise<void> {
    const fault = await this.#parts.line.check(url);
    if (fault !== null) throw refuse(fault.code, ['url'], fault.details);
  }
}

function listsOf({
  streams,
  types,
  assets,
}: {
  readonly streams: readonly Stream[] | null;
  readonly types: readonly string[] | null;
  readonly assets: readonly string[] | null;
}): Pick<StoredEndpoint, 'streams' | 'types' | 'assets'> {
  const listOf = <Value>(list: readonly Value[] | null) => (list === null ? null : [...list]);
  return { streams: listOf(streams), types: listOf(types), assets: listOf(assets) };
}

function answerOf({
  endpointKey,
  name,
  url,
  streams,
  types,
  assets,
  status,
  ...made
}: StoredEndpoint): StoredAnswer {
  const { createdAt, createdBy } = made;
  const lists = { streams, types, assets };
  return {
    endpoint: endpointKey,
    name,
    url,
    ...lists,
    status,
    createdAt: createdAt.toISOString(),
    createdBy,
  };
}

function firstOf(secrets: Secrets | null): string | null {
  return secrets?.[0] ?? null;
}

/** @throws Refusal ENDPOINT_NOT_FOUND */
export function keyOf(endpointId: string): string {
  const endpointKey = fromPublicId('eventEndpoint', endpointId);
  if (endpointKey === null) throw refuse('ENDPOINT_NOT_FOUND', ['endpointId']);
  return endpointKey;
}
