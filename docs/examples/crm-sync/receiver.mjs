// A webhook that answers `member.create` out of a CRM:
// SIGNING_SECRET=whsec_… CRM_URL=http://127.0.0.1:8081 PORT=8080 node receiver.mjs
// While a secret is rotated, name both, separated by a space.
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const { SIGNING_SECRET = '', CRM_URL = 'http://127.0.0.1:8081', PORT = '8080' } = process.env;
const CRM_MS = Number(process.env.CRM_MS ?? 1_000); // how long the CRM may take
const webhooks = SIGNING_SECRET.split(' ')
  .filter(Boolean)
  .map((secret) => new Webhook(secret));
const MAX_BYTES = 1_000_000;
const REMEMBERED_MS = 10 * 60_000; // twice as long as a signature is taken
const CODE = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const seen = new Map(); // webhook-id → until when. Several processes share this in a database.

/** Whether we are asked by somebody who knows the secret, within five minutes, and for the first time. */
function verify(headers, body) {
  const isSigned = webhooks.some((webhook) => {
    try {
      webhook.verify(body, headers);
      return true;
    } catch {
      return false;
    }
  });
  if (!isSigned) return false;
  const now = Date.now();
  for (const [old, until] of seen) if (until < now) seen.delete(old);
  const id = headers['webhook-id'];
  return !seen.has(id) && seen.set(id, now + REMEMBERED_MS).has(id);
}

async function crm(method, path, body) {
  const signal = AbortSignal.timeout(CRM_MS);
  const headers = { 'content-type': 'application/json' };
  const given = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(new URL(path, CRM_URL), { method, headers, signal, ...given });
  if (!response.ok) throw new Error(`The CRM answered ${response.status}.`);
  return await response.json();
}

/** What the CRM says about somebody who wants to enrol. Reads only. */
function decide(people, { profile }) {
  if (people.some(({ blocked }) => blocked)) {
    const reason = profile.locale?.startsWith('zh')
      ? '暂时无法注册，请联系客服。'
      : 'You can’t enrol at the moment. Ask customer service.';
    return { decision: 'REFUSE', reason };
  }
  const member = people.find(({ memberId }) => memberId);
  if (member !== undefined) return { decision: 'USE_EXISTING', memberId: member.memberId };
  const [person] = people;
  if (person === undefined) return { decision: 'APPROVE', tags: ['new-to-crm'] };
  // The CRM's own tags may be anything; codes are what Membergraph takes.
  const tags = ['from-crm', ...person.tags.filter((tag) => CODE.test(tag))];
  const named = profile.displayName ? {} : { profile: { displayName: person.name } };
  return { decision: 'APPROVE', tags, attributes: { crmId: person.id }, ...named };
}

/** What is asked; null when it is no JSON, or nothing that we answer. */
function callOf(body) {
  try {
    const call = JSON.parse(body);
    const isKnown = call.point === 'challenge' || call.point === 'member.create';
    return isKnown && call.input ? call : null;
  } catch {
    return null;
  }
}

async function answer({ point, mode, tenant, idempotencyKey, input }) {
  if (point === 'challenge') return { challenge: input.challenge };
  const phones = input.identities.filter(({ kind }) => kind === 'PHONE').map(({ value }) => value);
  const found = await Promise.all(
    phones.map((phone) => crm('GET', `/people?${new URLSearchParams({ phone })}`)),
  );
  const output = decide(found.flat(), input);
  // A shadow, a test or a dry run leaves no trace, and of a refusal nothing comes.
  if (output.decision !== 'APPROVE' || !['LIVE', 'CANARY'].includes(mode)) return output;
  // Another attempt at the same request gets the first one's approval, though the person is known by now.
  const name = input.profile.displayName ?? '';
  const key = encodeURIComponent(`${tenant} ${idempotencyKey}`);
  return (await crm('PUT', `/enrolments/${key}`, { phones, name, output })).output;
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
  const output = await answer(call);
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ output }));
}

const server = createServer((request, response) => {
  // Without an answer what the registration says of failures holds: better than one that is made up.
  handle(request, response).catch(() =>
    response.headersSent ? response.destroy() : response.writeHead(503).end(),
  );
});
server.listen(Number(PORT), '127.0.0.1', () => {
  process.stdout.write(`listening on ${server.address().port}\n`);
});
