import { type WebhookFault, WebhookFaultError } from './fault.ts';
import type { WebhookOutcome, WebhookTold } from './webhook-call.types.ts';

const OUTCOMES: Partial<Record<WebhookFault['code'], WebhookOutcome>> = {
  WEBHOOK_STATUS: 'ERROR',
  WEBHOOK_REDIRECT: 'ERROR',
  WEBHOOK_NOT_HTTP: 'ERROR',
  WEBHOOK_CUT_OFF: 'ERROR',
  WEBHOOK_TIMEOUT: 'TIMEOUT',
  WEBHOOK_TOO_LARGE: 'INVALID_OUTPUT',
  WEBHOOK_CONTENT_TYPE: 'INVALID_OUTPUT',
  WEBHOOK_NOT_JSON: 'INVALID_OUTPUT',
  WEBHOOK_TOO_DEEP: 'INVALID_OUTPUT',
  WEBHOOK_WRONG_SHAPE: 'INVALID_OUTPUT',
  WEBHOOK_CHALLENGE: 'INVALID_OUTPUT',
  WEBHOOK_BREAKER_OPEN: 'BREAKER_OPEN',
  WEBHOOK_BUSY: 'BREAKER_OPEN',
  WEBHOOK_INPUT: 'INVALID_INPUT',
};
const TLS = /^(ERR_SSL|ERR_TLS|CERT_|EPROTO|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERROR_IN_CERT|HOSTNAME_)/;
const NOT_HTTP = /^(HPE_|HTTPParserError$|UND_ERR_(HEADERS_OVERFLOW|RES_CONTENT_LENGTH|INVALID))/;

/** The result of a call that brought no output. */
export function failed(
  code: WebhookFault['code'],
  details: WebhookFault['details'] = {},
  status: number | null = null,
): WebhookTold {
  return { outcome: OUTCOMES[code] ?? 'UNREACHABLE', output: null, status, why: { code, details } };
}

/** Tells what undici, a socket or a check of ours threw; `status` is null while no answer had begun. */
export function toldOf(error: unknown, status: number | null, answerBytes: number): WebhookTold {
  if (error instanceof WebhookFaultError) return failed(error.fault.code, error.fault.details, status);
  const cause = causeOf(error);
  if (cause === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return failed('WEBHOOK_TOO_LARGE', { bytes: answerBytes }, status);
  if (NOT_HTTP.test(cause)) return failed('WEBHOOK_NOT_HTTP', { cause }, status);
  if (status !== null) return failed('WEBHOOK_CUT_OFF', { cause }, status);
  return failed(TLS.test(cause) ? 'WEBHOOK_TLS' : 'WEBHOOK_UNREACHABLE', { cause });
}

/** The code of an error, or its name; never its message: that may name addresses. */
function causeOf(error: unknown): string {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown };
  return String(code ?? name ?? 'UNKNOWN');
}
