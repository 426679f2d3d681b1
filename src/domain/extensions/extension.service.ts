import type { FeedListener } from '../../events/index.ts';
import type { Plugin, Secrets } from '../../extension/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database, Sealer, Transaction } from '../../persistence/index.ts';
import { refuseLong } from '../shared/index.ts';
import { carryOut } from '../tenants/index.ts';
import { refuseBeyondDeveloper, refuseForeign } from './developer.policy.ts';
import type { ChangeKind, RegisteredExtension, StoredRevision } from './extension.entity.ts';
import type {
  RegisterExtensionInput,
  RequireShadowInput,
  RollBackExtensionInput,
  RotateExtensionSecretInput,
  SetExtensionStageInput,
  UpdateExtensionInput,
} from './extension.inputs.ts';
import {
  changeSecrets,
  changeShadowRequired,
  changeState,
  countExtensions,
  type ExtensionState,
  findExtension,
  findExtensionNamed,
  findRevision,
  insertNewChange,
  insertNewExtension,
  insertNewRevision,
} from './extension.repository.ts';
import {
  type CodeColumns,
  type DraftParts,
  defaultSettings,
  isRevised,
  readCode,
  readSettings,
  refuseWithoutCode,
  type Settings,
} from './extension-draft.ts';
import { challenge, demandProof, demandShadow } from './extension-proof.ts';
import type { ExtensionRegistry } from './extension-registry.ts';
import { openSecrets, sealSecrets } from './extension-secrets.ts';
import type { ExtensionView } from './extension-view.types.ts';
import { COUNTING, checkPercent, restage, revise } from './stage.policy.ts';
import { readStepBack } from './step-back.policy.ts';

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const MOST_OF_A_POINT = 32;
const DEFAULT_PRIORITY = 100;
const LONGEST_REASON = 500;

export interface ExtensionParts extends DraftParts {
  readonly database: Database;
  readonly registry: ExtensionRegistry;
  readonly sealer: Sealer;
  readonly plugins: readonly Plugin[];
  readonly listener: FeedListener;
}

/** An extension that was changed; its secret is known now and never again. */
export interface ChangedExtension {
  readonly extension: ExtensionView;
  readonly signingSecret: string | null;
}

/** What is kept under a key: enough to answer the same again. */
interface StoredAnswer extends ExtensionState {
  readonly extension: string;
}

/** A change of an extension, before it is written. */
interface Act {
  readonly mutation: string;
  readonly input: { idempotencyKey: string; dryRun?: boolean | null };
  readonly extensionKey: string;
  /** Everything foreign and slow, with no transaction open; answers how it is written. */
  prepare(): Promise<(tx: Transaction) => Promise<void>>;
}

type Changed = Pick<RegisteredExtension, 'tenantKey' | 'extensionKey' | 'version' | 'stage' | 'stagedAt'>;

/** What staff and developers do to extensions. */
export class ExtensionService {
  readonly #parts: ExtensionParts;

  constructor(parts: ExtensionParts) {
    this.#parts = parts;
  }

  /**
   * @throws Refusal IDEMPOTENCY_CONFLICT, EXTENSION_NAME_INVALID, EXTENSION_NAME_TAKEN,
   *   EXTENSION_POINT_UNKNOWN, EXTENSION_LIMIT, RUNTIME_MISMATCH, CANARY_PERCENT_INVALID, STAGE_INVALID,
   *   STEP_BACK_INVALID, SHADOW_REQUIRED, CHALLENGE_FAILED, what settings and runtimes refuse
   */
  async register(ctx: RequestContext, input: RegisterExtensionInput): Promise<ChangedExtension> {
    const { tenantKey } = ctx;
    const extensionKey = newKey();
    let secrets: Secrets | null = null;
    return await this.#carryOut(ctx, {
      ...{ mutation: 'registerExtension', input, extensionKey },
      signingSecret: () => secrets?.[0] ?? null,
      prepare: async () => {
        await this.#checkName(tenantKey, input);
        const of = { tenantKey, point: input.point, runtime: input.runtime };
        const base = defaultSettings(input.point, input.pointVersion);
        const settings = await readSettings(this.#parts, of, input, base);
        const stage = input.stage ?? 'DRAFT';
        if (stage === 'RETIRED') throw refuse('STAGE_INVALID', ['stage'], { from: 'DRAFT', to: stage });
        const canaryPercent = checkPercent({ stage, canaryPercent: input.canaryPercent });
        const thresholds = readStepBack(input.stepBack);
        if (COUNTING.includes(stage)) await demandShadow(this.#parts, of);
        const code = await readCode(this.#parts, of, input);
        if (code === null) throw refuseWithoutCode(input.runtime);
        if (input.runtime === 'WEBHOOK') secrets = this.#parts.workbench.newSecrets();
        if (COUNTING.includes(stage))
          await challenge(this.#parts, ctx, { extensionKey, url: code.url, secrets });
        const sealed = secrets === null ? null : await sealSecrets(this.#parts.sealer, secrets);
        return async (tx) => {
          await this.#demandRoom(tx, tenantKey, input);
          await insertNewExtension(tx, {
            ...{ tenantKey, extensionKey, name: input.name, point: input.point, runtime: input.runtime },
            ...{ priority: input.priority ?? DEFAULT_PRIORITY, stage, canaryPercent, ...thresholds },
            liveVersion: stage === 'LIVE' ? 1 : null,
            shadowedVersion: stage === 'SHADOW' ? 1 : null,
            secrets: sealed,
          });
          const made = { tenantKey, extensionKey, version: 1, madeBy: ctx.caller.subject };
          await insertNewRevision(tx, { ...made, ...settings, ...code, restores: null });
          await this.#tell(tx, ctx, 'REGISTERED', null, {
            ...{ extensionKey, version: 1, stage, canaryPercent },
            reason: null,
          });
        };
      },
    });
  }

  /**
   * A new revision, if code or settings were given.
   * @throws Refusal IDEMPOTENCY_CONFLICT, EXTENSION_NOT_FOUND, EXTENSION_CHANGED, NOTHING_TO_CHANGE,
   *   and those of `register`
   */
  async update(ctx: RequestContext, input: UpdateExtensionInput): Promise<ChangedExtension> {
    return await this.#change(ctx, 'updateExtension', input, 'UPDATED', async (extension) => {
      const isNew = isRevised(input);
      // A further revision takes what is CANARY from there; what is LIVE goes on answering.
      const isTaken = !isNew || extension.stage === 'CANARY';
      refuseBeyondDeveloper(ctx, input, isTaken ? extension.stage : null);
      const { priority, stage, stepBack, canaryPercent } = input;
      const isGiven = (priority ?? stage ?? null) !== null || stepBack !== undefined;
      if (!isNew && !isGiven) throw refuse('NOTHING_TO_CHANGE', null);
      const wanted = { stage: stage ?? (isNew ? 'DRAFT' : extension.stage), canaryPercent };
      const isStaged = isNew || (stage !== undefined && stage !== null);
      const state = isNew
        ? revise<ExtensionState>(extension, wanted)
        : isStaged
          ? restage<ExtensionState>(extension, wanted)
          : extension;
      const settings = await readSettings(this.#parts, extension, input, extension);
      const code = await readCode(this.#parts, extension, input);
      if (code !== null && code.plugin !== extension.plugin)
        throw refuse('RUNTIME_MISMATCH', ['plugin', 'id'], { runtime: extension.runtime, wanted: 'plugin' });
      const url = code?.url ?? extension.url;
      const isReached = isStaged && COUNTING.includes(state.stage);
      if (isReached) await demandProof(this.#parts, ctx, { extension, state, url });
      const thresholds = stepBack === undefined ? {} : readStepBack(stepBack);
      return {
        state: { ...state, ...thresholds, priority: priority ?? extension.priority },
        revision: isNew ? await this.#revised(extension, settings, code) : null,
        reason: null,
      };
    });
  }

  /**
   * @throws Refusal IDEMPOTENCY_CONFLICT, EXTENSION_NOT_FOUND, EXTENSION_CHANGED, STAGE_INVALID,
   *   CANARY_PERCENT_INVALID, SHADOW_REQUIRED, CHALLENGE_FAILED, TEXT_TOO_LONG
   */
  async setStage(ctx: RequestContext, input: SetExtensionStageInput): Promise<ChangedExtension> {
    return await this.#change(ctx, 'setExtensionStage', input, 'STAGED', async (extension) => {
      refuseBeyondDeveloper(ctx, input, extension.stage);
      refuseLong(input.reason, LONGEST_REASON, ['reason']);
      const state = restage<ExtensionState>(extension, input);
      if (COUNTING.includes(input.stage))
        await demandProof(this.#parts, ctx, { extension, state, url: extension.url });
      return { state, revision: null, reason: input.reason ?? null };
    });
  }

  /**
   * What was LIVE before, or another version, as a new revision that is LIVE at once.
   * @throws Refusal IDEMPOTENCY_CONFLICT, EXTENSION_NOT_FOUND, EXTENSION_CHANGED, STAGE_INVALID,
   *   REVISION_NOT_FOUND, NOTHING_TO_ROLL_BACK, SHADOW_REQUIRED, CHALLENGE_FAILED, TEXT_TOO_LONG
   */
  async rollBack(ctx: RequestContext, input: RollBackExtensionInput): Promise<ChangedExtension> {
    return await this.#change(ctx, 'rollBackExtension', input, 'ROLLED_BACK', async (extension) => {
      refuseLong(input.reason, LONGEST_REASON, ['reason']);
      const { liveVersion, fallbackVersion, stage } = extension;
      const before = stage === 'LIVE' ? fallbackVersion : liveVersion;
      const version = input.toVersion ?? before;
      if (version === null) throw refuse('NOTHING_TO_ROLL_BACK', ['toVersion']);
      const target = await findRevision(this.#parts.database.read(ctx.tenantKey), extension, version);
      if (target === null || version === extension.version)
        throw refuse('REVISION_NOT_FOUND', ['toVersion'], { version });
      const state = revise<ExtensionState>(extension, { stage: 'LIVE' });
      const wasLive = version === liveVersion || version === fallbackVersion;
      if (!wasLive) await demandProof(this.#parts, ctx, { extension, state, url: target.url });
      // What was taken back is nothing to step back to.
      const fallback = stage === 'LIVE' ? null : fallbackVersion;
      return {
        state: { ...state, fallbackVersion: fallback === version ? null : fallback },
        revision: { ...target, restores: version },
        reason: input.reason ?? null,
      };
    });
  }

  /**
   * A new signing secret beside the last one, as far as that can be read; the older of two ends.
   * @throws Refusal IDEMPOTENCY_CONFLICT, EXTENSION_NOT_FOUND, RUNTIME_MISMATCH
   */
  async rotateSecret(ctx: RequestContext, input: RotateExtensionSecretInput): Promise<ChangedExtension> {
    const { tenantKey } = ctx;
    const extensionKey = keyOf(input.extensionId);
    let secrets: Secrets | null = null;
    return await this.#carryOut(ctx, {
      ...{ mutation: 'rotateExtensionSecret', input, extensionKey },
      signingSecret: () => secrets?.[0] ?? null,
      prepare: async () => {
        await this.#found(ctx, extensionKey);
        return async (tx) => {
          const extension = await findExtension(tx, tenantKey, extensionKey);
          if (extension === null || extension.runtime !== 'WEBHOOK')
            throw refuse('RUNTIME_MISMATCH', ['extensionId'], { runtime: 'WEBHOOK', wanted: 'webhook' });
          const before = await openSecrets(this.#parts.sealer, extension.secrets);
          secrets = this.#parts.workbench.newSecrets(before?.[0]);
          await changeSecrets(tx, extension, await sealSecrets(this.#parts.sealer, secrets));
          await this.#tell(tx, ctx, 'SECRET_ROTATED', extension.stage, { ...extension, reason: null });
        };
      },
    });
  }

  /** Whether new code has to be in SHADOW before it counts. @throws Refusal IDEMPOTENCY_CONFLICT */
  async requireShadow({ tenantKey }: RequestContext, input: RequireShadowInput): Promise<boolean> {
    const { stored } = await carryOut<null, { required: boolean }>(this.#parts.database, tenantKey, {
      ...{ mutation: 'requireShadow', input, prepare: async () => null },
      commit: async (tx) => {
        await changeShadowRequired(tx, tenantKey, input.required);
        return { required: input.required };
      },
    });
    return stored.required;
  }

  /** A change of an extension that there is, written only if it still is as it was seen. */
  async #change(
    ctx: RequestContext,
    mutation: string,
    input: Act['input'] & { readonly extensionId: string },
    kind: ChangeKind,
    decide: (extension: ExtensionView) => Promise<{
      readonly state: ExtensionState;
      readonly revision: (Settings & CodeColumns & Pick<StoredRevision, 'restores'>) | null;
      readonly reason: string | null;
    }>,
  ): Promise<ChangedExtension> {
    const extensionKey = keyOf(input.extensionId);
    // Before a key answers: somebody else may have used it.
    refuseForeign(ctx, extensionKey);
    return await this.#carryOut(ctx, {
      ...{ mutation, input, extensionKey, signingSecret: () => null },
      prepare: async () => {
        const seen = await this.#found(ctx, extensionKey);
        const { state, revision, reason } = await decide(seen);
        return async (tx) => {
          if (!(await changeState(tx, seen, state))) throw refuse('EXTENSION_CHANGED', ['extensionId']);
          const { tenantKey } = ctx;
          const { version } = state;
          if (revision !== null)
            await insertNewRevision(tx, {
              ...{ ...revision, tenantKey, extensionKey, version, madeBy: ctx.caller.subject },
            });
          await this.#tell(tx, ctx, kind, seen.stage, { ...state, extensionKey, reason });
        };
      },
    });
  }

  async #carryOut(
    ctx: RequestContext,
    { mutation, input, extensionKey, prepare, signingSecret }: Act & { signingSecret(): string | null },
  ): Promise<ChangedExtension> {
    const { tenantKey } = ctx;
    let view: ExtensionView | null = null;
    const { stored, written } = await carryOut<(tx: Transaction) => Promise<void>, StoredAnswer>(
      this.#parts.database,
      tenantKey,
      {
        ...{ mutation, input, prepare },
        commit: async (tx, write) => {
          await write(tx);
          view = await findExtension(tx, tenantKey, extensionKey);
          if (view === null) throw new Error('An extension was written and is not there.');
          return { extension: extensionKey, ...stateOf(view) };
        },
      },
    );
    if (written) {
      this.#parts.registry.forget(tenantKey);
      this.#parts.listener.posted(tenantKey);
    }
    const extension = view ?? (await this.#asAnswered(tenantKey, stored));
    return { extension, signingSecret: written ? signingSecret() : null };
  }

  /** An extension as it stood when a key was used first. */
  async #asAnswered(tenantKey: string, { extension, ...then }: StoredAnswer): Promise<ExtensionView> {
    const sql = this.#parts.database.read(tenantKey);
    const now = await findExtension(sql, tenantKey, extension);
    const revision = now === null ? null : await findRevision(sql, now, then.version);
    if (now === null || revision === null)
      throw new Error(`The extension ${extension} of a stored result is missing.`);
    return { ...now, ...revision, ...then };
  }

  async #tell(
    tx: Transaction,
    { tenantKey, caller }: RequestContext,
    kind: ChangeKind,
    fromStage: Changed['stage'] | null,
    after: Pick<ExtensionView, 'extensionKey' | 'version' | 'stage' | 'canaryPercent'> & {
      readonly reason: string | null;
    },
  ): Promise<void> {
    const { extensionKey, version, stage: toStage, canaryPercent, reason } = after;
    const change = { changeKey: newKey(), kind, version, fromStage, toStage, canaryPercent, reason };
    await insertNewChange(tx, { ...change, tenantKey, extensionKey, madeBy: caller.subject });
  }

  /** @throws Refusal EXTENSION_NOT_FOUND */
  async #found(ctx: RequestContext, extensionKey: string): Promise<ExtensionView> {
    refuseForeign(ctx, extensionKey);
    const { tenantKey } = ctx;
    const found = await findExtension(this.#parts.database.read(tenantKey), tenantKey, extensionKey);
    if (found === null) throw refuse('EXTENSION_NOT_FOUND', ['extensionId']);
    return found;
  }

  /** @throws Refusal EXTENSION_NAME_INVALID, EXTENSION_NAME_TAKEN */
  async #checkName(tenantKey: string, { name, plugin }: RegisterExtensionInput): Promise<void> {
    if (!NAME.test(name)) throw refuse('EXTENSION_NAME_INVALID', ['name']);
    const isOfPlugin = this.#parts.plugins.some(({ id }) => id === name) && plugin?.id !== name;
    const sql = this.#parts.database.read(tenantKey);
    if (isOfPlugin || (await findExtensionNamed(sql, tenantKey, name)) !== null)
      throw refuse('EXTENSION_NAME_TAKEN', ['name'], { name });
  }

  /** @throws Refusal EXTENSION_NAME_TAKEN, EXTENSION_LIMIT */
  async #demandRoom(
    tx: Transaction,
    tenantKey: string,
    { name, point }: RegisterExtensionInput,
  ): Promise<void> {
    const [taken, count] = await Promise.all([
      findExtensionNamed(tx, tenantKey, name),
      countExtensions(tx, tenantKey, point),
    ]);
    if (taken !== null) throw refuse('EXTENSION_NAME_TAKEN', ['name'], { name });
    if (count >= MOST_OF_A_POINT) throw refuse('EXTENSION_LIMIT', ['point'], { most: MOST_OF_A_POINT });
  }

  async #revised(extension: ExtensionView, settings: Settings, code: CodeColumns | null) {
    if (code !== null) return { ...settings, ...code, restores: null };
    const sql = this.#parts.database.read(extension.tenantKey);
    const newest = await findRevision(sql, extension, extension.version);
    if (newest === null) throw new Error('The newest revision of an extension is missing.');
    return { ...newest, ...settings, restores: null };
  }
}

function stateOf(extension: ExtensionView): ExtensionState {
  const { stage, canaryPercent, version, liveVersion, fallbackVersion, shadowedVersion } = extension;
  const { priority, errorPercent, latencyMs, minimumCalls } = extension;
  return {
    ...{ stage, canaryPercent, version, liveVersion, fallbackVersion, shadowedVersion },
    ...{ priority, errorPercent, latencyMs, minimumCalls },
  };
}

/** @throws Refusal EXTENSION_NOT_FOUND */
export function keyOf(extensionId: string): string {
  const extensionKey = fromPublicId('extension', extensionId);
  if (extensionKey === null) throw refuse('EXTENSION_NOT_FOUND', ['extensionId']);
  return extensionKey;
}
