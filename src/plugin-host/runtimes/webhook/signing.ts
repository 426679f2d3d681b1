import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

/** The secrets that sign, newest first. While there are two, a receiver may verify by either. */
export type WebhookSecrets = readonly [string] | readonly [string, string];

const SECRET_BYTES = 32;

/** A signing secret as Standard Webhooks writes it: `whsec_` and 32 random bytes in base64. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** A new secret beside the newest one; the older of two ends. */
export function rotateWebhookSecret([newest]: WebhookSecrets): readonly [string, string] {
  return [newWebhookSecret(), newest];
}

/** Signs the calls of one registration by every live secret. */
export class WebhookSigner {
  readonly #secrets: WebhookSecrets;
  readonly #webhooks: readonly Webhook[];

  constructor(secrets: WebhookSecrets) {
    this.#secrets = secrets;
    this.#webhooks = secrets.map((secret) => new Webhook(secret));
  }

  signsBy(secrets: WebhookSecrets): boolean {
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
