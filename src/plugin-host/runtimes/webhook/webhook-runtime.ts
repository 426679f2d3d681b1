import { randomBytes } from 'node:crypto';
import { AddressGuard, type Resolve } from './address.ts';
import { failed } from './failure.ts';
import { type WebhookFault, WebhookFaultError } from './fault.ts';
import { WebhookSigner } from './signing.ts';
import type {
  WebhookEnvelope,
  WebhookLimits,
  WebhookMessage,
  WebhookPost,
  WebhookRegistration,
  WebhookResult,
  WebhookTold,
} from './webhook-call.types.ts';
import { WebhookLine, type WebhookRequest } from './webhook-line.ts';

export const LIMITS: WebhookLimits = {
  inputBytes: 256 * 1024,
  answerBytes: 256 * 1024,
  headerBytes: 8 * 1024,
  connections: 16,
  waiting: 64,
  failures: 5,
  breakMs: 10_000,
  connectMs: 3_000,
  idleMs: 60_000,
};

const HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json',
  'user-agent': 'membergraph',
};

export interface WebhookCallOptions {
  readonly deadlineMs: number;
  /** Whether an output is good enough: the breaker counts one that isn't as a failure. */
  readonly accepts?: (output: unknown) => Promise<boolean>;
  /** Past the breaker, which learns nothing from it: somebody tries what they mended. */
  readonly anyway?: boolean;
}

export interface WebhookRuntimeOptions {
  /** Networks in CIDR notation that may be called though they aren't public. */
  readonly allowedNetworks?: readonly string[];
  readonly limits?: Partial<WebhookLimits>;
  /** How names become addresses; by the operating system when missing. */
  readonly resolve?: Resolve;
}

interface Connected {
  readonly line: WebhookLine;
  /** Null where nothing that was sent there is signed. */
  signer: WebhookSigner | null;
}

/** Asks extensions that are services of their own: a signed POST, and `{ output }` for an answer. */
export class WebhookRuntime {
  readonly #guard: AddressGuard;
  readonly #limits: WebhookLimits;
  readonly #connected = new Map<string, Connected>();
  readonly #sweeping: NodeJS.Timeout;
  readonly #ending = new Set<Promise<void>>();
  #closed = false;

  constructor({ allowedNetworks = [], limits = {}, resolve }: WebhookRuntimeOptions = {}) {
    this.#guard = new AddressGuard(allowedNetworks, resolve);
    this.#limits = { ...LIMITS, ...limits };
    this.#sweeping = setInterval(() => this.#closeIdle(), this.#limits.idleMs / 2).unref();
  }

  /** Why an address may not be registered, its name resolved as of now; null when it may. */
  async checkAddress(url: string): Promise<WebhookFault | null> {
    return await this.#guard.check(url);
  }

  /** Asks an extension. Always answers within the deadline, and never throws: whatever went wrong is told. */
  async call(
    registration: WebhookRegistration,
    envelope: WebhookEnvelope,
    { deadlineMs, accepts, anyway = false }: WebhookCallOptions,
  ): Promise<WebhookResult> {
    return await this.#ask(registration, envelope, deadlineMs, (line, request) =>
      anyway ? line.askAnyway(request) : line.ask({ ...request, accepts }),
    );
  }

  /**
   * Tells something that wants no answer but a good status. Always answers within the deadline, and never
   * throws.
   */
  async tell(
    registration: WebhookRegistration,
    message: WebhookMessage,
    { deadlineMs, anyway = false }: Pick<WebhookCallOptions, 'deadlineMs' | 'anyway'>,
  ): Promise<WebhookResult> {
    return await this.#send(registration, message, deadlineMs, (line, request) => {
      const told = { ...request, wants: 'STATUS' } as const;
      return anyway ? line.askAnyway(told) : line.ask(told);
    });
  }

  /**
   * Posts what a plugin has to say, and answers any JSON. Always answers within the deadline, and never
   * throws.
   */
  async post(
    { id, url, body, headers }: WebhookPost,
    { deadlineMs, anyway = false }: Pick<WebhookCallOptions, 'deadlineMs' | 'anyway'>,
  ): Promise<WebhookResult> {
    return await this.#timed(() =>
      this.#told({ id, url }, body, (connected) => {
        const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
        const request = {
          ...{ headers: { ...Object.fromEntries(own), ...HEADERS }, body, deadlineMs },
          wants: 'JSON' as const,
        };
        return anyway ? connected.line.askAnyway(request) : connected.line.ask(request);
      }),
    );
  }

  /**
   * Asks whether somebody is there who knows the point "challenge": they give back what they got. It goes
   * past the breaker, since it is how an extension comes back after it was mended.
   */
  async challenge(
    registration: WebhookRegistration,
    { tenant, callId }: { readonly tenant: string; readonly callId: string },
    { deadlineMs }: { readonly deadlineMs: number },
  ): Promise<WebhookResult> {
    const challenge = randomBytes(24).toString('base64url');
    const result = await this.#ask(
      registration,
      {
        ...{ point: 'challenge', version: 1, callId, mode: 'TEST', attempt: 1, tenant },
        ...{ idempotencyKey: callId, input: { challenge } },
      },
      deadlineMs,
      (line, request) => line.askAnyway(request),
    );
    if (result.outcome !== 'OK' || isGivenBack(result.output, challenge)) return result;
    return { ...failed('WEBHOOK_CHALLENGE', {}, result.status), durationMs: result.durationMs };
  }

  /** Whether the breaker of a registration keeps calls away now. */
  isBroken(registration: Pick<WebhookRegistration, 'id' | 'url'>): boolean {
    return this.#connected.get(keyOf(registration))?.line.isBroken ?? false;
  }

  /** Leaves no connection. Calls under way are told UNREACHABLE, and so is every later one. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeping);
    await Promise.all([...this.#connected.values()].map(({ line }) => line.close()));
    this.#connected.clear();
    await Promise.all(this.#ending);
  }

  async #ask(
    registration: WebhookRegistration,
    envelope: WebhookEnvelope,
    deadlineMs: number,
    by: (line: WebhookLine, request: WebhookRequest) => Promise<WebhookTold>,
  ): Promise<WebhookResult> {
    const message = { id: envelope.callId, body: bodyOf(envelope) };
    return await this.#send(registration, message, deadlineMs, by);
  }

  async #send(
    registration: WebhookRegistration,
    message: WebhookMessage,
    deadlineMs: number,
    by: (line: WebhookLine, request: WebhookRequest) => Promise<WebhookTold>,
  ): Promise<WebhookResult> {
    const { id, body } = message;
    return await this.#timed(() =>
      this.#told(registration, body, (connected, written) => {
        const signed = signerOf(connected, registration.secrets).headers(id, written, new Date());
        return by(connected.line, { headers: { ...HEADERS, ...signed }, body: written, deadlineMs });
      }),
    );
  }

  async #timed(work: () => Promise<WebhookTold>): Promise<WebhookResult> {
    const startedAt = performance.now();
    const told = await work();
    return { ...told, durationMs: performance.now() - startedAt };
  }

  async #told(
    address: Pick<WebhookRegistration, 'id' | 'url'>,
    body: string | null,
    by: (connected: Connected, body: string) => Promise<WebhookTold>,
  ): Promise<WebhookTold> {
    if (this.#closed) return failed('WEBHOOK_UNREACHABLE', { cause: 'CLOSED' });
    const { inputBytes } = this.#limits;
    if (body === null || Buffer.byteLength(body) > inputBytes)
      return failed('WEBHOOK_INPUT', { bytes: inputBytes });
    try {
      return await by(this.#connect(address), body);
    } catch (error) {
      if (error instanceof WebhookFaultError) return failed(error.fault.code, error.fault.details);
      throw error;
    }
  }

  /** @throws WebhookFaultError when the address is refused */
  #connect(address: Pick<WebhookRegistration, 'id' | 'url'>): Connected {
    const key = keyOf(address);
    const known = this.#connected.get(key);
    if (known !== undefined) return known;
    const connected = { line: new WebhookLine(address.url, this.#guard, this.#limits), signer: null };
    this.#connected.set(key, connected);
    return connected;
  }

  #closeIdle(): void {
    const now = performance.now();
    for (const [key, { line }] of this.#connected) {
      if (!line.isIdle(now)) continue;
      this.#connected.delete(key);
      const ending = line.close().finally(() => this.#ending.delete(ending));
      this.#ending.add(ending);
    }
  }
}

function signerOf(connected: Connected, secrets: WebhookRegistration['secrets']): WebhookSigner {
  if (connected.signer?.signsBy(secrets)) return connected.signer;
  const signer = new WebhookSigner(secrets);
  connected.signer = signer;
  return signer;
}

/** An operation may still ask at the old address while others ask at the new one. */
function keyOf({ id, url }: Pick<WebhookRegistration, 'id' | 'url'>): string {
  return `${id} ${url}`;
}

/** The envelope, field by field so that nothing else is ever sent; null when it is no JSON. */
function bodyOf(envelope: WebhookEnvelope): string | null {
  const { point, version, callId, mode, attempt, tenant, idempotencyKey, input } = envelope;
  try {
    return JSON.stringify({ point, version, callId, mode, attempt, tenant, idempotencyKey, input });
  } catch {
    return null;
  }
}

function isGivenBack(output: unknown, challenge: string): boolean {
  if (typeof output !== 'object' || output === null) return false;
  const { challenge: given, ...others } = output as { challenge?: unknown };
  return given === challenge && Object.keys(others).length === 0;
}
