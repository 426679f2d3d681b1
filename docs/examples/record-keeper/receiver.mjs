// Keeps members' points, and answers points.change, points.read and growth.read: SIGNING_SECRET=whsec_… node receiver.mjs
// Here they are kept in memory. In yours, the account and the answer to its idempotencyKey belong in one transaction.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const { SIGNING_SECRET = '', PORT = '8080' } = process.env;
// Each extension has a secret of its own: name them all, separated by spaces.
const keys = SIGNING_SECRET.split(' ').map((secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
const POINTS = ['points.change', 'points.read', 'growth.read', 'challenge'];
const MAX_BYTES = 1_000_000;
const TOLERANCE_SECONDS = 5 * 60;

const accounts = new Map(); // member and asset → { balance, lines }
const answers = new Map(); // tenant, point and idempotencyKey → what was answered
const seen = new Map(); // webhook-id → until when it is remembered

/** Whether we are asked by somebody who knows a secret, now, and for the first time. */
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

function callOf(body) {
  try {
    const call = JSON.parse(body);
    return POINTS.includes(call.point) && call.input ? call : null;
  } catch {
    return null;
  }
}

function accountOf({ member, asset }) {
  const id = `${member.id} ${asset}`;
  if (!accounts.has(id)) accounts.set(id, { balance: 0n, lines: [] });
  return accounts.get(id);
}

/** Books, unless it would go below zero; `isTried` works it out only. */
function change(input, isTried) {
  const account = accountOf(input);
  const balance = account.balance + BigInt(input.amount);
  if (balance < 0n) return { decision: 'REFUSE', reason: `Only ${account.balance} are there.` };
  const reference = { type: 'booking', id: `B-${account.lines.length + 1}` };
  if (!isTried) {
    account.balance = balance;
    const line = { reference: reference.id, amount: input.amount, occurredAt: new Date().toISOString() };
    account.lines.unshift(line);
  }
  return { decision: 'DONE', reference, balance: String(balance) };
}

function read(input) {
  const { balance, lines } = accountOf(input);
  if (!input.log) return { available: String(balance) };
  const { first, after } = input.log;
  const from = lines.findIndex(({ reference }) => reference === after) + 1;
  return { available: String(balance), log: lines.slice(from, from + first) };
}

/** The same idempotencyKey is the same request, asked again: it is answered as the first time. */
function answer({ point, mode, tenant, idempotencyKey, input }) {
  if (point === 'challenge') return { challenge: input.challenge };
  const id = `${tenant} ${point} ${idempotencyKey}`;
  if (answers.has(id)) return answers.get(id);
  const isTried = mode !== 'LIVE' && mode !== 'CANARY';
  const outputs = {
    'points.change': () => change(input, isTried),
    'points.read': () => read(input),
    'growth.read': () => ({ current: String(accountOf(input).balance) }),
  };
  const output = outputs[point]();
  answers.set(id, output);
  return output;
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
