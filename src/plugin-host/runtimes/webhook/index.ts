export { isWebhookSecret, newWebhookSecret, rotateWebhookSecret } from './signing.ts';
export { webhookErrors } from './webhook.errors.ts';
export type { WebhookEnvelope, WebhookRegistration, WebhookResult } from './webhook-call.types.ts';
export { WebhookRuntime, type WebhookRuntimeOptions } from './webhook-runtime.ts';
