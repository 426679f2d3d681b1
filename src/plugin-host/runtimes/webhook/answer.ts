import { isUtf8 } from 'node:buffer';
import type { Dispatcher } from 'undici';
import { WebhookFaultError } from './fault.ts';

const MAX_DEPTH = 32;
const JSON_TYPE = /^application\/json\s*(;|$)/i;

/** @throws WebhookFaultError when the status is no success; redirects are not followed */
export function checkStatus({ statusCode: status }: Dispatcher.ResponseData): void {
  if (status >= 300 && status < 400) throw new WebhookFaultError('WEBHOOK_REDIRECT', { status });
  if (status < 200 || status >= 300) throw new WebhookFaultError('WEBHOOK_STATUS', { status });
}

/** The status and headers of an answer must promise what will be read. @throws WebhookFaultError */
export function checkHead(answer: Dispatcher.ResponseData): void {
  checkStatus(answer);
  const { headers } = answer;
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = headers;
  if (typeof type !== 'string' || !JSON_TYPE.test(type) || encoding !== 'identity') {
    throw new WebhookFaultError('WEBHOOK_CONTENT_TYPE');
  }
}

/** Any JSON, not nested too deep. @throws WebhookFaultError */
export function readJson(body: Uint8Array): unknown {
  if (!isUtf8(body)) throw new WebhookFaultError('WEBHOOK_NOT_JSON');
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  // JSON.parse takes any depth, but whoever walks or prints the value afterwards would end by it.
  if (nestsDeeper(text, MAX_DEPTH)) throw new WebhookFaultError('WEBHOOK_TOO_DEEP', { depth: MAX_DEPTH });
  return parse(text);
}

/** The output in `{ "output": … }`. @throws WebhookFaultError when there is anything else */
export function readOutput(body: Uint8Array): unknown {
  const answer = readJson(body);
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw wrongShape();
  const [key, ...others] = Object.keys(answer);
  if (key !== 'output' || others.length > 0) throw wrongShape();
  return (answer as { output: unknown }).output;
}

function wrongShape(): WebhookFaultError {
  return new WebhookFaultError('WEBHOOK_WRONG_SHAPE');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new WebhookFaultError('WEBHOOK_NOT_JSON');
  }
}

/** Counts brackets outside of strings: of what is no JSON it may say anything, the parser refuses that. */
function nestsDeeper(text: string, most: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (inString) {
      if (character === '\\') index += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') {
      depth += 1;
      if (depth > most) return true;
    } else if (character === '}' || character === ']') depth -= 1;
  }
  return false;
}
