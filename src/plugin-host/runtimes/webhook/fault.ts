import type { ErrorDetails } from '../../../kernel/errors.ts';
import type { webhookErrors } from './webhook.errors.ts';

/** Why there is no output: a code of the catalogue, and what its message names. */
export interface WebhookFault {
  readonly code: keyof typeof webhookErrors;
  readonly details: ErrorDetails;
}

/** Carries a fault through what only knows errors: a resolver, a socket, undici. */
export class WebhookFaultError extends Error {
  readonly fault: WebhookFault;

  constructor(code: WebhookFault['code'], details: ErrorDetails = {}) {
    super(code);
    this.name = 'WebhookFaultError';
    this.fault = { code, details };
  }
}
