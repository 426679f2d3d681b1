import { createHash } from 'node:crypto';
import type { CallMode, Fault, Plugin, RevisionCode } from '../../extension/index.ts';
import { toPublicId } from '../../kernel/ids.ts';
import { type BreakerLimits, Breakers } from './breakers.ts';
import { InProcessRuntime, type OwnTables, type Watchdog } from './in-process/index.ts';
import {
  type Checked,
  checkedAnswer,
  failedAnswer,
  type RuntimeAnswer,
  type RuntimeCall,
} from './runtime.types.ts';
import { SandboxOnDemand, sandboxFault } from './sandbox/index.ts';
import { WebhookRuntime, type WebhookRuntimeOptions } from './webhook/index.ts';

type CodeOf<Runtime extends RevisionCode['runtime']> = Extract<RevisionCode, { runtime: Runtime }>;

const BREAKER: BreakerLimits = { failures: 5, breakMs: 10_000 };

export interface RuntimesOptions {
  readonly plugins: readonly Plugin[];
  /** Watches over the plugins; ends with the runtimes. */
  readonly watchdog: Watchdog;
  /** Where plugins keep what is theirs; missing where none has tables. */
  readonly ownTables?: OwnTables;
  /** How many threads run uploaded code. */
  readonly sandboxWorkers: number;
  /** Networks in CIDR notation that webhooks may be sent to though they aren't public. */
  readonly allowedNetworks: readonly string[];
  readonly breaker?: BreakerLimits;
  /** How names of webhooks become addresses; by the operating system when missing. */
  readonly resolve?: WebhookRuntimeOptions['resolve'];
}

/** The three runtimes as one: whatever answers, it is called and told in the same words. */
export class Runtimes {
  readonly inProcess: InProcessRuntime;
  readonly webhooks: WebhookRuntime;
  readonly sandbox: SandboxOnDemand;
  readonly #breakers: Breakers;

  constructor({
    plugins,
    watchdog,
    sandboxWorkers,
    allowedNetworks,
    ownTables,
    ...options
  }: RuntimesOptions) {
    const { breaker = BREAKER, resolve } = options;
    this.webhooks = new WebhookRuntime({ allowedNetworks, limits: breaker, resolve });
    this.inProcess = new InProcessRuntime(plugins, watchdog, { webhooks: this.webhooks, ownTables });
    this.sandbox = new SandboxOnDemand({ workers: sandboxWorkers });
    this.#breakers = new Breakers(breaker);
  }

  /** Calls once, within the deadline. Never throws: what went wrong is told. */
  async call(code: RevisionCode, call: RuntimeCall): Promise<RuntimeAnswer> {
    if (code.runtime === 'WEBHOOK') return await this.#callWebhook(code, call);
    const work = (): Promise<RuntimeAnswer> =>
      code.runtime === 'SANDBOX' ? this.#callSandbox(code, call) : this.inProcess.call(code, call);
    // A test is how somebody sees that it was mended.
    if (call.mode === 'TEST') return await work();
    return await this.#breakers.run(breakerKey(call.extensionKey, code), work, (answer) =>
      isFailure(answer, call),
    );
  }

  /** Whether calls of this mode are kept away now. */
  isBroken(
    { tenantKey, extensionKey, mode }: Pick<RuntimeCall, 'tenantKey' | 'extensionKey' | 'mode'>,
    code: RevisionCode,
  ): boolean {
    if (code.runtime === 'WEBHOOK') return this.webhooks.isBroken({ url: code.url, id: extensionKey });
    if (this.#breakers.isBroken(breakerKey(extensionKey, code))) return true;
    return code.runtime === 'SANDBOX' && this.sandbox.isSuspended(sandboxTenant(tenantKey, mode));
  }

  async close(): Promise<void> {
    await Promise.all([this.inProcess.close(), this.webhooks.close(), this.sandbox.close()]);
  }

  async #callWebhook(code: CodeOf<'WEBHOOK'>, call: RuntimeCall): Promise<RuntimeAnswer> {
    const { secrets } = code;
    if (secrets === null) return failedAnswer('UNREACHABLE', secretsUnreadable());
    const { point, mode, attempt, tenant, idempotencyKey, input, deadlineMs } = call;
    const callId = toPublicId('extensionCall', call.callKey);
    let checked: Checked | null = null;
    const { outcome, output, why, durationMs } = await this.webhooks.call(
      { ...code, secrets, id: call.extensionKey },
      {
        ...{ point: point.name, version: point.version, callId, mode, attempt, tenant, idempotencyKey },
        input,
      },
      {
        deadlineMs,
        anyway: mode === 'TEST',
        accepts: async (given) => {
          checked = await call.check(given);
          return checked.fault === null || mode === 'SHADOW';
        },
      },
    );
    const told = { durationMs, logs: [] };
    if (outcome !== 'OK')
      return failedAnswer(outcome, why ?? { code: 'WEBHOOK_UNREACHABLE', details: {} }, told);
    return checkedAnswer(output, checked ?? (await call.check(output)), told);
  }

  async #callSandbox({ digest, code }: CodeOf<'SANDBOX'>, call: RuntimeCall): Promise<RuntimeAnswer> {
    const { json, deadlineMs, now } = call;
    const startedAt = performance.now();
    const result = await this.sandbox.call({
      tenantKey: sandboxTenant(call.tenantKey, call.mode),
      ...{ digest, code, input: json, deadlineMs, now },
      seed: seedOf(call),
    });
    const told = { durationMs: performance.now() - startedAt, logs: result.log };
    if (result.error !== null) return failedAnswer(result.outcome, sandboxFault(result.error), told);
    const output: unknown = JSON.parse(result.output ?? 'null');
    return checkedAnswer(output, await call.check(output), told);
  }
}

/** Why a webhook isn't asked whose secrets were sealed by a key that isn't here. */
export function secretsUnreadable(): Fault {
  return { code: 'WEBHOOK_SECRETS_UNREADABLE', details: {} };
}

/** What ran and went wrong; in SHADOW not what its limits refuse: the same code may be LIVE with others. */
function isFailure({ outcome, fault, output }: RuntimeAnswer, { mode }: RuntimeCall): boolean {
  if (outcome === 'INVALID_OUTPUT') return mode !== 'SHADOW' || output === null;
  // Who didn't get its turn did nothing wrong.
  return outcome === 'ERROR' || (outcome === 'TIMEOUT' && fault?.code !== 'SANDBOX_NO_TURN');
}

/** The code is part of it: a new version that fails in SHADOW doesn't keep calls from the one that is LIVE. */
function breakerKey(extensionKey: string, code: Exclude<RevisionCode, { runtime: 'WEBHOOK' }>): string {
  return `${extensionKey} ${code.runtime === 'SANDBOX' ? code.digest : code.plugin}`;
}

/**
 * Whose turn it is, and who is suspended: what is only watched or tried keeps no turn from what counts, and
 * may run too long without having that suspended.
 */
export function sandboxTenant(tenantKey: string, mode: CallMode): string {
  return mode === 'SHADOW' || mode === 'TEST' ? `${tenantKey} ${mode}` : tenantKey;
}

/** The same request sees the same chance each time that it is asked. */
function seedOf({ extensionKey, idempotencyKey }: RuntimeCall): number {
  return createHash('sha256').update(`${extensionKey}\0${idempotencyKey}`).digest().readUInt32BE(0);
}
