// An endpoint for events, without any package: SIGNING_SECRET=whsec_… node receiver.mjs
// While a secret is rotated, name both, separated by a space.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const { SIGNING_SECRET = '', PORT = '8080' } = process.env;
const secrets = SIGNING_SECRET.split(' ').filter(Boolean);
const keys = secrets.map((secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
const MAX_BYTES = 1_000_000;
const TOLERANCE_SECONDS = 5 * 60;
const balances = new Map(); // member and asset → what is available. Yours is a database …
const done = new Set(); // … which also keeps the ids that it has seen, in the same transaction.

/** Whether we are told by somebody who knows the secret, and now. */
function verify(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers;
  if (!id || !(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS)) return false;
  const sign = (key) => createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  const wanted = keys.map((key) => Buffer.from(`v1,${sign(key)}`));
  const given = signatures.split(' ').map((text) => Buffer.from(text));
  const same = (a, b) => a.length === b.length && timingSafeEqual(a, b);
  return given.some((one) => wanted.some((other) => same(one, other)));
}

/** Yours. An event may come again, under the same id: then it was done, and the answer is the same. */
function take({ id, type, member, data }) {
  if (done.has(id)) return;
  if (type.startsWith('points.')) {
    balances.set(`${member.id} ${data.asset}`, data.balance.available);
    process.stdout.write(`${type} ${data.amount} ${data.asset}, ${data.balance.available} available\n`);
  } else process.stdout.write(`${type}\n`);
  done.add(id);
}

async function handle(request, response) {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk;
    if (body.length > MAX_BYTES) return response.writeHead(413).end();
  }
  if (!verify(request.headers, body)) return response.writeHead(401).end();
  take(JSON.parse(body));
  return response.writeHead(204).end();
}

const server = createServer((request, response) => {
  handle(request, response).catch(() => response.destroy());
});
server.listen(Number(PORT), '127.0.0.1', () => {
  process.stdout.write(`listening on ${server.address().port}\n`);
});
