// A webhook that answers `points.rule`, without any package: SIGNING_SECRET=whsec_… node receiver.mjs
// While a secret is rotated, name both, separated by a space.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const { SIGNING_SECRET = '', PORT = '8080' } = process.env;
const secrets = SIGNING_SECRET.split(' ').filter(Boolean);
const keys = secrets.map((secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
const MAX_BYTES = 1_000_000;
const TOLERANCE_SECONDS = 5 * 60;
const seen = new Map(); // webhook-id → until when it is remembered. Several processes share this in a database.

/** Whether we are asked by somebody who knows the secret, now, and for the first time. */
function verify(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers;
  const now = Date.now() / 1000;
  if (!id || !(Math.abs(now - Number(timestamp)) <= TOLERANCE_SECONDS)) return false;
  const sign = (key) => createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  const wanted = keys.map((key) => Buffer.from(`v1,${sign(key)}`));
  const given = signatures.split(' ').map((text) => Buffer.from(text));
  const same = (a, b) => a.length === b.length && timingSafeEqual(a, b);
  if (!given.some((one) => wanted.some((other) => same(one, other)))) return false;
  for (const [old, until] of seen) if (until < now) seen.delete(old);
  return !seen.has(id) && seen.set(id, now + 2 * TOLERANCE_SECONDS).has(id);
}

/** What is asked; null when it is no JSON, or nothing that we answer. */
function callOf(body) {
  try {
    const call = JSON.parse(body);
    return ['points.rule', 'challenge'].includes(call.point) && call.input ? call : null;
  } catch {
    return null;
  }
}

/** Yours. Act only when mode is LIVE or CANARY; the same idempotencyKey is the same request, asked again. */
function answer({ point, input }) {
  if (point === 'challenge') return { challenge: input.challenge };
  return { postings: [{ asset: 'points', amount: '10', reason: 'Thank you' }] };
}

async function handle(request, response) {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk;
    if (body.length > MAX_BYTES) return response.writeHead(413).end();
  }
  if (!verify(request.headers, body)) return response.writeHead(401).end();
  const call = callOf(body);
  if (call === null) return response.writeHead(400).end();
  const output = answer(call);
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ output }));
}

const server = createServer((request, response) => {
  handle(request, response).catch(() => response.destroy());
});
server.listen(Number(PORT), '127.0.0.1', () => {
  process.stdout.write(`listening on ${server.address().port}\n`);
});
