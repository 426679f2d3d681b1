import type { Fault, Secrets } from '../extension/index.ts';
import { refuseInTransaction } from '../persistence/index.ts';
import { type Runtimes, secretsUnreadable } from './runtimes/runtimes.ts';
import { newWebhookSecret, rotateWebhookSecret } from './runtimes/webhook/index.ts';

/** How long a receiver may take to say that it has an event. */
const DEADLINE_MS = 10_000;

/** Tells endpoints of events as webhooks are called: signed, within a deadline, to public addresses. */
export class WebhookEventLine {
  readonly #runtimes: Runtimes;

  constructor(runtimes: Runtimes) {
    this.#runtimes = runtimes;
  }

  async check(url: string): Promise<Fault | null> {
    refuseInTransaction();
    return await this.#runtimes.webhooks.checkAddress(url);
  }

  newSecrets(newest?: string): Secrets {
    return newest === undefined ? [newWebhookSecret()] : rotateWebhookSecret([newest]);
  }

  async tell(
    { id, url, secrets }: { readonly id: string; readonly url: string; readonly secrets: Secrets | null },
    message: { readonly id: string; readonly body: string },
    anyway = false,
  ): Promise<{ fault: Fault | null; status: number | null; durationMs: number; isKeptBack: boolean }> {
    refuseInTransaction();
    if (secrets === null)
      return { fault: secretsUnreadable(), status: null, durationMs: 0, isKeptBack: false };
    const options = { deadlineMs: DEADLINE_MS, anyway };
    const told = await this.#runtimes.webhooks.tell({ id, url, secrets }, message, options);
    const { outcome, why, status, durationMs } = told;
    return { fault: why, status, durationMs, isKeptBack: outcome === 'BREAKER_OPEN' };
  }
}
