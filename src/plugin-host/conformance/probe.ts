import { randomBytes } from 'node:crypto';
import type { ExtensionPoint, Fault } from '../../extension/index.ts';
import { newKey, toPublicId } from '../../kernel/ids.ts';
import { Dialects } from '../dialects.ts';
import { AddressGuard } from '../runtimes/webhook/address.ts';
import { WebhookSigner } from '../runtimes/webhook/signing.ts';
import type { WebhookEnvelope } from '../runtimes/webhook/webhook-call.types.ts';
import { WebhookLine } from '../runtimes/webhook/webhook-line.ts';
import { LIMITS } from '../runtimes/webhook/webhook-runtime.ts';

/** Whoever runs the kit names the address: nothing is refused. */
const EVERYWHERE = ['0.0.0.0/0', '::/0'];

/** The receiver that is checked, and what it is asked with. */
export interface Receiver {
  readonly url: string;
  readonly secret: string;
  readonly point: ExtensionPoint;
  readonly input: unknown;
  readonly deadlineMs: number;
}

/** How a call differs from a good one. */
export interface Odd {
  readonly envelope?: Partial<WebhookEnvelope> & Readonly<Record<string, unknown>>;
  /** Instead of the envelope as JSON. */
  readonly body?: string;
  /** What signs, newest first. */
  readonly secrets?: readonly [string] | readonly [string, string];
  /** How far its signature's time is from now. */
  readonly awayMs?: number;
  /** Instead of those that were made. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came of a call. */
export interface Seen {
  readonly status: number | null;
  /** Null when there is an output that fits. */
  readonly why: Fault | null;
  readonly output: unknown;
  readonly durationMs: number;
}

/** A call as it was sent, to be sent again. */
export interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Asks one receiver by the very way that the product asks it, but signs whatever a check wants. */
export class Probe {
  readonly receiver: Receiver;
  readonly #line: WebhookLine;

  /** @throws WebhookFaultError when the address is no URL of http or https */
  constructor(receiver: Receiver) {
    this.receiver = receiver;
    this.#line = new WebhookLine(receiver.url, new AddressGuard(EVERYWHERE), LIMITS);
  }

  /** A call, signed. */
  sign({ envelope = {}, body, secrets, awayMs = 0, headers = {} }: Odd = {}): Sent {
    const { point, input, secret } = this.receiver;
    const callId = toPublicId('extensionCall', newKey());
    const written = JSON.stringify({
      ...{ point: point.name, version: point.version, callId, mode: 'TEST', attempt: 1 },
      ...{ tenant: 'conformance', idempotencyKey: `conformance-${newKey()}`, input },
      ...envelope,
    });
    const sent = body ?? written;
    const at = new Date(Date.now() + awayMs);
    return {
      headers: {
        ...{ 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'membergraph' },
        ...new WebhookSigner(secrets ?? [secret]).headers(envelope.callId ?? callId, sent, at),
        ...headers,
      },
      body: sent,
    };
  }

  /** Never throws. An output that doesn't fit the point is a fault. */
  async send({ headers, body }: Sent): Promise<Seen> {
    const startedAt = performance.now();
    const { deadlineMs, point, input } = this.receiver;
    const told = await this.#line.askAnyway({ headers: { ...headers }, body, deadlineMs });
    const durationMs = performance.now() - startedAt;
    const { status, output } = told;
    if (told.why !== null) return { status, output, why: told.why, durationMs };
    const { fault } = new Dialects(point, input).outputFrom(point.version, output);
    return { status, output, why: fault, durationMs };
  }

  async ask(odd: Odd = {}): Promise<Seen> {
    return await this.send(this.sign(odd));
  }

  /** Asks whether somebody is there who gives back what came. */
  async challenge(): Promise<Seen> {
    const challenge = randomBytes(24).toString('base64url');
    const { deadlineMs } = this.receiver;
    const { headers, body } = this.sign({
      envelope: { point: 'challenge', version: 1, input: { challenge } },
    });
    const told = await this.#line.askAnyway({ headers: { ...headers }, body, deadlineMs });
    const isGivenBack = JSON.stringify(told.output) === JSON.stringify({ challenge });
    const why = told.why ?? (isGivenBack ? null : { code: 'WEBHOOK_CHALLENGE', details: {} });
    return { status: told.status, output: told.output, why, durationMs: 0 };
  }

  async close(): Promise<void> {
    await this.#line.close();
  }
}
