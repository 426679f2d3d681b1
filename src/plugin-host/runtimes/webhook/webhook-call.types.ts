import type { Secrets } from '../../../extension/index.ts';
import type { WebhookFault } from './fault.ts';

/** One extension that is asked over HTTP. */
export interface WebhookRegistration {
  readonly id: string;
  readonly url: string;
  readonly secrets: Secrets;
}

/** The body of a call. */
export interface WebhookEnvelope {
  readonly point: string;
  readonly version: number;
  /** This call's own, and so its `webhook-id`: another attempt has another one. */
  readonly callId: string;
  /** Only what is LIVE, or CANARY, is acted upon. */
  readonly mode: 'LIVE' | 'CANARY' | 'SHADOW' | 'TEST' | 'DRY_RUN';
  readonly attempt: number;
  /** The tenant's code. */
  readonly tenant: string;
  /** The same for every attempt at the same request. */
  readonly idempotencyKey: string;
  readonly input: unknown;
}

/** What is sent as it is. */
export interface WebhookMessage {
  /** Its `webhook-id`: the same for every attempt at it. */
  readonly id: string;
  /** JSON; null when it is none. */
  readonly body: string | null;
}

/** What a plugin posts, as it is: unsigned, and answered by JSON of whatever shape. */
export interface WebhookPost {
  /** The extension that the plugin answers for: its connections and its breaker are its own. */
  readonly id: string;
  readonly url: string;
  /** JSON. */
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * What became of a call, in the words of the call log.
 * - OK: there is an output. The host holds it against the point's schema yet.
 * - INVALID_INPUT: what should be sent can't be; nothing was.
 * - INVALID_OUTPUT: a whole answer with a good status that isn't `{ output }` as JSON, or is too large.
 * - TIMEOUT: the deadline passed, in whatever state: waiting, connecting, answering.
 * - ERROR: something answered: another status, a redirect, no HTTP, half of an answer.
 * - UNREACHABLE: nothing answered: refused address, unknown name, no connection, no TLS, reset.
 * - BREAKER_OPEN: not asked, since it failed too often, or too many calls wait for it.
 */
export type WebhookOutcome =
  | 'OK'
  | 'INVALID_INPUT'
  | 'INVALID_OUTPUT'
  | 'TIMEOUT'
  | 'ERROR'
  | 'UNREACHABLE'
  | 'BREAKER_OPEN';

export interface WebhookResult {
  readonly outcome: WebhookOutcome;
  /** JSON at most 32 deep; null unless OK. */
  readonly output: unknown;
  /** The HTTP status, when there was one. */
  readonly status: number | null;
  readonly durationMs: number;
  /** Null when OK. */
  readonly why: WebhookFault | null;
}

/** A result before anybody looked at the clock. */
export type WebhookTold = Omit<WebhookResult, 'durationMs'>;

export interface WebhookLimits {
  readonly inputBytes: number;
  readonly answerBytes: number;
  readonly headerBytes: number;
  /** Per registration: connections, each with one call under way. */
  readonly connections: number;
  /** Per registration: calls that may wait for a connection. */
  readonly waiting: number;
  /** So many failures in a row open the breaker … */
  readonly failures: number;
  /** … for so long; then one call is let through to try. */
  readonly breakMs: number;
  readonly connectMs: number;
  /** What wasn't called for so long keeps no connection, and no breaker. */
  readonly idleMs: number;
}
