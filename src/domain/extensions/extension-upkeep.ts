import type { FeedListener } from '../../events/index.ts';
import { newKey } from '../../kernel/ids.ts';
import type { Database } from '../../persistence/index.ts';
import { findFailing, findLatestOutcomes, forgetCalls } from './call.repository.ts';
import { changeState, findExtension, insertNewChange } from './extension.repository.ts';
import type { ExtensionRegistry } from './extension-registry.ts';
import { steppedBack, whyStepBack } from './step-back.policy.ts';

const FORGOTTEN_AT_ONCE = 2_000;

export interface StepBackParts {
  readonly database: Database;
  readonly registry: ExtensionRegistry;
  readonly listener: FeedListener;
  /** How many days calls are kept. */
  readonly callDays: number;
}

/** Takes back whoever fails too often or is too slow, and forgets old calls. */
export class ExtensionUpkeep {
  readonly callDays: number;
  readonly #parts: StepBackParts;

  constructor(parts: StepBackParts) {
    this.#parts = parts;
    this.callDays = parts.callDays;
  }

  /** Looks at all extensions that failed lately or may be too slow; answers how many stepped back. */
  async watch(tenantKey: string): Promise<number> {
    const failing = await findFailing(this.#parts.database.read(tenantKey), tenantKey);
    return await this.review(tenantKey, failing);
  }

  /** Looks at these extensions; two processes that do so at once step back once. */
  async review(tenantKey: string, extensionKeys: readonly string[]): Promise<number> {
    let stepped = 0;
    for (const extensionKey of extensionKeys) {
      if (await this.#reviewOne(tenantKey, extensionKey)) stepped += 1;
    }
    if (stepped > 0) {
      this.#parts.registry.forget(tenantKey);
      this.#parts.listener.posted(tenantKey);
    }
    return stepped;
  }

  /** Forgets calls that are older than calls are kept; answers how many. */
  async forgetOld(tenantKey: string): Promise<number> {
    const { database, callDays } = this.#parts;
    let forgotten = 0;
    for (;;) {
      const some = await database.transaction(tenantKey, (tx) =>
        forgetCalls(tx, tenantKey, callDays, FORGOTTEN_AT_ONCE),
      );
      forgotten += some;
      if (some < FORGOTTEN_AT_ONCE) return forgotten;
    }
  }

  async #reviewOne(tenantKey: string, extensionKey: string): Promise<boolean> {
    const { database } = this.#parts;
    const sql = database.read(tenantKey);
    const extension = await findExtension(sql, tenantKey, extensionKey);
    if (extension === null) return false;
    const reason = whyStepBack(extension, await findLatestOutcomes(sql, extension));
    if (reason === null) return false;
    const after = steppedBack(extension);
    return await database.transaction(tenantKey, async (tx) => {
      if (!(await changeState(tx, extension, after))) return false;
      await insertNewChange(tx, {
        ...{ tenantKey, extensionKey, changeKey: newKey(), kind: 'STEPPED_BACK', version: after.version },
        ...{ fromStage: extension.stage, toStage: after.stage, canaryPercent: 0 },
        ...{ reason, madeBy: 'membergraph' },
      });
      return true;
    });
  }
}
