import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Secrets } from '../../../extension/index.ts';

const SECRET_BYTES = 32;

/** A signing secret as Standard Webhooks writes it: `whsec_` and 32 random bytes in base64. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

export function isWebhookSecret(text: string): boolean {
  return /^whsec_[A-Za-z0-9+/]{16,}={0,2}$/.test(text);
}

/** A new secret beside the newest one; the older of two ends. */
export function rotateWebhookSecret([newest]: Secrets): readonly [string, string] {
  return [newWebhookSecret(), newest];
}

/** Signs the calls of one registration by every live secret: a receiver may verify by either. */
export class WebhookSigner {
  readonly #secrets: Secrets;
  readonly #webhooks: readonly Webhook[];

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
    this.#webhooks = secrets.map((secret) => new Webhook(secret));
  }

  signsBy(secrets: Secrets): boolean {
    return (
      secrets.length === this.#secrets.length &&
      secrets.every((secret, index) => secret === this.#secrets[index])
    );
  }

  /** The headers of Standard Webhooks. `at` is the machine's clock: receivers compare it with their own. */
  headers(id: string, body: string, at: Date): Record<string, string> {
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': this.#webhooks.map((webhook) => webhook.sign(id, at, body)).join(' '),
    };
  }
}
