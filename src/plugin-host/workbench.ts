import {
  type CallRecord,
  type CheckedDraft,
  type CodeDraft,
  type ExtensionPoint,
  extensionPoints,
  type Fault,
  type Registration,
  type Registrations,
  type Revision,
  type RevisionCode,
  type Secrets,
  type Workbench,
} from '../extension/index.ts';
import { newKey, toPublicId } from '../kernel/ids.ts';
import { refuseInTransaction } from '../persistence/index.ts';
import { Caller } from './caller.ts';
import { Dialects } from './dialects.ts';
import { type Runtimes, sandboxTenant, secretsUnreadable } from './runtimes/runtimes.ts';
import { sandboxFault } from './runtimes/sandbox/index.ts';
import { newWebhookSecret, rotateWebhookSecret } from './runtimes/webhook/index.ts';

/** How long a receiver may take to show that it is one. */
const CHALLENGE_MS = 5_000;

export interface WorkbenchParts {
  readonly runtimes: Runtimes;
  /** A tenant's code, as extensions are told it. */
  readonly tenantCode: Registrations<never>['tenantCode'];
  /** Every point that there is; those of the product when missing. */
  readonly points?: readonly ExtensionPoint[];
}

/** What whoever registers extensions needs of the runtimes. */
export class HostWorkbench implements Workbench<never> {
  readonly #parts: WorkbenchParts;
  readonly #caller: Caller;

  constructor(parts: WorkbenchParts) {
    this.#parts = parts;
    this.#caller = new Caller(parts.runtimes);
  }

  async check(tenantKey: string, point: string, draft: CodeDraft): Promise<CheckedDraft> {
    refuseInTransaction();
    const { runtimes } = this.#parts;
    if (draft.runtime === 'IN_PROCESS') {
      const fault = runtimes.inProcess.check(draft, point);
      return fault === null ? { code: draft } : { faults: [fault] };
    }
    if (draft.runtime === 'WEBHOOK') {
      const fault = await runtimes.webhooks.checkAddress(draft.url);
      return fault === null ? { code: draft } : { faults: [fault] };
    }
    const { source, language } = draft;
    const { compiled, findings } = await runtimes.sandbox.compile({
      ...{ tenantKey: sandboxTenant(tenantKey, 'TEST'), source, language },
    });
    if (compiled === null) return { faults: findings.map(sandboxFault) };
    return { code: { runtime: 'SANDBOX', ...compiled } };
  }

  checkConfiguration(plugin: string, configuration: unknown): Fault | null {
    return this.#parts.runtimes.inProcess.checkConfiguration(plugin, configuration);
  }

  newSecrets(newest?: string): Secrets {
    return newest === undefined ? [newWebhookSecret()] : rotateWebhookSecret([newest]);
  }

  async challenge(tenantKey: string, extensionKey: string, code: RevisionCode): Promise<Fault | null> {
    refuseInTransaction();
    if (code.runtime !== 'WEBHOOK') return null;
    const { secrets } = code;
    if (secrets === null) return secretsUnreadable();
    const { runtimes, tenantCode } = this.#parts;
    const { why } = await runtimes.webhooks.challenge(
      { ...code, secrets, id: extensionKey },
      { tenant: await tenantCode(tenantKey), callId: toPublicId('extensionCall', newKey()) },
      { deadlineMs: CHALLENGE_MS },
    );
    return why;
  }

  /** @throws Error when there is no such point */
  async test(
    registration: Pick<Registration<never>, 'tenantKey' | 'extensionKey' | 'point'>,
    revision: Revision<never>,
    { input, ...question }: Parameters<Workbench<never>['test']>[2],
  ): Promise<CallRecord> {
    refuseInTransaction();
    const { points = extensionPoints, tenantCode } = this.#parts;
    const point = points.find(({ name }) => name === registration.point);
    if (point === undefined) throw new Error(`There is no extension point "${registration.point}".`);
    const { tenantKey } = registration;
    const tenant = await tenantCode(tenantKey);
    const { record } = await this.#caller.call(
      { tenantKey, tenant, point, dialects: new Dialects(point, input), ...question },
      { registration, revision, mode: 'TEST' },
    );
    return record;
  }

  isBroken(
    { tenantKey, extensionKey, stage }: Pick<Registration<never>, 'tenantKey' | 'extensionKey' | 'stage'>,
    code: RevisionCode,
  ): boolean {
    const mode = stage === 'SHADOW' ? 'SHADOW' : 'LIVE';
    return this.#parts.runtimes.isBroken({ tenantKey, extensionKey, mode }, code);
  }
}
