import { type LookupFunction, Socket } from 'node:net';
import {
  type BulkheadPolicy,
  bulkhead,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhenResult,
  isBrokenCircuitError,
  isBulkheadRejectedError,
} from 'cockatiel';
import { buildConnector, Pool } from 'undici';
import { type AddressGuard, parseWebhookUrl } from './address.ts';
import { checkHead, checkStatus, readJson, readOutput } from './answer.ts';
import { failed, toldOf } from './failure.ts';
import type { WebhookLimits, WebhookTold } from './webhook-call.types.ts';

/** So much of an answer is heard out, to keep its connection, where nobody wants to know what it says. */
const MOST_HEARD_BYTES = 16 * 1024;

/** A call as it is sent. */
export interface WebhookRequest {
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly deadlineMs: number;
  /** What is wanted of its answer: `{ output }`, any JSON, or the status alone; the first when missing. */
  readonly wants?: 'OUTPUT' | 'JSON' | 'STATUS';
  /** Whether an output is good enough not to count as a failure; any is when missing. */
  readonly accepts?: (output: unknown) => Promise<boolean>;
}

/** What was told, and whether the breaker counts it. */
interface Weighed {
  readonly told: WebhookTold;
  readonly isFailure: boolean;
}

/** The way to one registration: its connections, its breaker, and how many may wait. */
export class WebhookLine {
  readonly #limits: WebhookLimits;
  readonly #path: string;
  readonly #pool: Pool;
  /** Those that are only being made, too: undici would wait for them. */
  readonly #sockets = new Set<Socket>();
  readonly #bulkhead: BulkheadPolicy;
  readonly #breaker: CircuitBreakerPolicy;
  #active = 0;
  #usedAt = performance.now();

  /** @throws WebhookFaultError when its address is refused */
  constructor(address: string, guard: AddressGuard, limits: WebhookLimits) {
    const url = parseWebhookUrl(address);
    guard.checkLiteral(url);
    this.#limits = limits;
    this.#path = url.pathname + url.search;
    this.#pool = new Pool(url.origin, {
      allowH2: false,
      pipelining: 1,
      connections: limits.connections,
      maxResponseSize: limits.answerBytes,
      maxHeaderSize: limits.headerBytes,
      // Both are coarse; each call has its own deadline.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveMaxTimeout: limits.idleMs,
      connect: this.#connector(guard.lookupFor(url)),
    });
    this.#bulkhead = bulkhead(limits.connections, limits.waiting);
    this.#breaker = circuitBreaker(
      handleWhenResult((weighed) => (weighed as Weighed).isFailure),
      { halfOpenAfter: limits.breakMs, breaker: new ConsecutiveBreaker(limits.failures) },
    );
  }

  /** Whether its breaker keeps calls away. */
  get isBroken(): boolean {
    return this.#breaker.state !== CircuitState.Closed;
  }

  isIdle(now: number): boolean {
    return this.#active === 0 && now - this.#usedAt >= this.#limits.idleMs;
  }

  /** Asks through breaker and bulkhead. Always answers within the deadline, never throws. */
  async ask(request: WebhookRequest): Promise<WebhookTold> {
    return await this.#within(request.deadlineMs, async (late, signal) => {
      try {
        return await this.#bulkhead.execute(async () => {
          // One probe at a time: the others don't wait for what it finds.
          if (this.#breaker.state === CircuitState.HalfOpen) return failed('WEBHOOK_BREAKER_OPEN');
          const { told } = await this.#breaker.execute(async (): Promise<Weighed> => {
            const answer = await Promise.race([late, this.#send(request, signal)]);
            const isGood = answer.outcome === 'OK' && (await request.accepts?.(answer.output)) !== false;
            return { told: answer, isFailure: !isGood };
          });
          return told;
        }, signal);
      } catch (error) {
        if (isBrokenCircuitError(error)) return failed('WEBHOOK_BREAKER_OPEN');
        if (isBulkheadRejectedError(error)) return failed('WEBHOOK_BUSY', { waiting: this.#limits.waiting });
        // The deadline passed while it waited.
        return await late;
      }
    });
  }

  /** The same past the breaker, which learns nothing from it. */
  async askAnyway(request: WebhookRequest): Promise<WebhookTold> {
    return await this.#within(request.deadlineMs, (_late, signal) => this.#send(request, signal));
  }

  /** Ends every connection, also those that are only being made. Calls under way are told UNREACHABLE. */
  async close(): Promise<void> {
    const destroyed = this.#pool.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await destroyed;
  }

  #connector(lookup: LookupFunction): buildConnector.connector {
    const connect = buildConnector({ allowH2: false, timeout: this.#limits.connectMs, lookup });
    return (options, callback) => {
      const socket: unknown = connect(options, callback);
      if (!(socket instanceof Socket)) return;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    };
  }

  /** The deadline is a race of its own: undici hears no signal while a request waits or connects. */
  async #within(
    deadlineMs: number,
    work: (late: Promise<WebhookTold>, signal: AbortSignal) => Promise<WebhookTold>,
  ): Promise<WebhookTold> {
    const late = Promise.withResolvers<WebhookTold>();
    const abort = new AbortController();
    const timer = setTimeout(() => {
      late.resolve(failed('WEBHOOK_TIMEOUT', { deadlineMs }));
      abort.abort();
    }, deadlineMs);
    this.#active += 1;
    try {
      return await Promise.race([late.promise, work(late.promise, abort.signal)]);
    } finally {
      clearTimeout(timer);
      this.#active -= 1;
      this.#usedAt = performance.now();
    }
  }

  async #send(
    { headers, body, wants = 'OUTPUT' }: WebhookRequest,
    signal: AbortSignal,
  ): Promise<WebhookTold> {
    let status: number | null = null;
    try {
      const answer = await this.#pool.request({ path: this.#path, method: 'POST', headers, body, signal });
      status = answer.statusCode;
      try {
        if (wants === 'STATUS') checkStatus(answer);
        else checkHead(answer);
      } catch (error) {
        // What follows could be endless, so the connection goes with it.
        answer.body.on('error', () => undefined).destroy();
        throw error;
      }
      if (wants === 'STATUS') {
        await answer.body.dump({ limit: MOST_HEARD_BYTES, signal });
        return { outcome: 'OK', output: null, status, why: null };
      }
      const read = wants === 'JSON' ? readJson : readOutput;
      return { outcome: 'OK', output: read(await answer.body.bytes()), status, why: null };
    } catch (error) {
      return toldOf(error, status, this.#limits.answerBytes);
    }
  }
}
