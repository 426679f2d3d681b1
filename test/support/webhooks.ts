import {
  newWebhookSecret,
  type WebhookEnvelope,
  type WebhookRegistration,
  type WebhookResult,
  WebhookRuntime,
  type WebhookRuntimeOptions,
} from '../../src/plugin-host/runtimes/webhook/index.ts';

const LOOPBACK = ['127.0.0.1/32'];
let calls = 0;

/** The runtime of a test, and a way to ask a receiver through it. */
export function startRuntime(options: WebhookRuntimeOptions = {}) {
  const runtime = new WebhookRuntime({ allowedNetworks: LOOPBACK, ...options });
  const secret = newWebhookSecret();
  const registrationOf = (url: string): WebhookRegistration => ({ id: 'ext_1', url, secrets: [secret] });
  const ask = (
    to: string | WebhookRegistration,
    given: Partial<WebhookEnvelope> = {},
    // Nobody waits for it to pass who doesn't say when.
    deadlineMs = 10_000,
  ): Promise<WebhookResult> =>
    runtime.call(typeof to === 'string' ? registrationOf(to) : to, newEnvelope(given), { deadlineMs });
  return { runtime, secret, registrationOf, ask };
}

export function newEnvelope(given: Partial<WebhookEnvelope> = {}): WebhookEnvelope {
  calls += 1;
  return {
    ...{ point: 'points.rule', version: 1, callId: `call_${calls}`, mode: 'LIVE', attempt: 1 },
    ...{ tenant: 'tea', idempotencyKey: 'k-1', input: { activity: { type: 'purchase' } } },
    ...given,
  };
}
