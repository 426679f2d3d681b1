import { Webhook } from 'standardwebhooks';
import { memberCreate } from '../../src/extension/index.ts';
import { newWebhookSecret, type WebhookEnvelope } from '../../src/plugin-host/runtimes/webhook/index.ts';
import { type Example, exampleFile, startExample } from '../support/examples.ts';
import type { Json } from '../support/gateway.ts';
import { newEnvelope, startRuntime } from '../support/webhooks.ts';

const SECRET = newWebhookSecret();
const { runtime, ask } = startRuntime();
const KNOWN = '+8613800138000';
const BLOCKED = '+8613800138001';
const MEMBER = '+8613800138002';
const running: Example[] = [];
let crm: string;
let url: string;
let calls = 0;

async function start(...given: Parameters<typeof startExample>): Promise<string> {
  const example = await startExample(...given);
  running.push(example);
  return example.url;
}

beforeEach(async () => {
  crm = await start('crm-sync/crm.mjs', [exampleFile('crm-sync/people.json')]);
  url = `${await start('crm-sync/receiver.mjs', [], { SIGNING_SECRET: SECRET, CRM_URL: crm })}/hook`;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((example) => example.stop()));
});
afterAll(() => runtime.close());

/** Somebody with this phone enrols; each time another request unless told otherwise. */
function enrolling(phone: string | null, given: Partial<WebhookEnvelope> & { profile?: Json } = {}) {
  const { profile = {}, ...envelope } = given;
  calls += 1;
  const identities = phone === null ? [] : [{ kind: 'PHONE', value: phone }];
  const input = memberCreate.input.parse({
    ...{ identities: [{ kind: 'EXTERNAL', value: `x-${calls}` }, ...identities], profile },
    ...{ source: { channel: 'app', store: null }, attributes: {}, consents: [] },
  });
  return { point: 'member.create', idempotencyKey: `request-${calls}`, input, ...envelope };
}

async function answered(...given: Parameters<typeof enrolling>): Promise<Json> {
  const { outcome, output } = await ask({ id: 'crm', url, secrets: [SECRET] }, enrolling(...given));
  expect(outcome).toBe('OK');
  return memberCreate.output.parse(output);
}

const inCrm = async (path: string, method = 'GET', body?: Json): Promise<Json> =>
  await (await fetch(`${crm}${path}`, { method, body: body && JSON.stringify(body) })).json();
const peopleOf = (phone: string): Promise<Json> => inCrm(`/people?${new URLSearchParams({ phone })}`);

it('lets in whom the CRM knows, with what it knows', async () => {
  expect(await answered(KNOWN)).toEqual({
    decision: 'APPROVE',
    tags: ['from-crm', 'vip', 'tea-lover'],
    attributes: { crmId: 'C-2041' },
    profile: { displayName: '林小满' },
  });
  expect(await answered(KNOWN, { profile: { displayName: '小满' } })).not.toHaveProperty('profile');
});

it('lets in whom it doesn’t know, and notes them once', async () => {
  const phone = '+8613900139000';
  expect(await answered(phone, { profile: { displayName: '周一' } })).toEqual({
    decision: 'APPROVE',
    tags: ['new-to-crm'],
  });
  expect(await peopleOf(phone)).toMatchObject([{ id: 'C-NEW-1', name: '周一', memberId: null }]);
  // The next request about the same phone finds them.
  expect(await answered(phone)).toMatchObject({ attributes: { crmId: 'C-NEW-1' } });
  expect(await peopleOf(phone)).toHaveLength(1);
  expect(await answered(null)).toEqual({ decision: 'APPROVE', tags: ['new-to-crm'] });
});

it('names the member whom the CRM has linked', async () => {
  expect(await answered(MEMBER)).toEqual({
    decision: 'USE_EXISTING',
    memberId: 'mem_01jdb2zq7fe3psh0m2x1c9v4ta',
  });
  await inCrm('/people/C-2041', 'PATCH', { memberId: 'mem_1' });
  expect(await answered(KNOWN)).toEqual({ decision: 'USE_EXISTING', memberId: 'mem_1' });
});

it('keeps out whom the CRM has blocked, in their language, until it hasn’t', async () => {
  const idempotencyKey = 'corrected';
  expect(await answered(BLOCKED, { idempotencyKey, profile: { locale: 'zh-CN' } })).toEqual({
    decision: 'REFUSE',
    reason: '暂时无法注册，请联系客服。',
  });
  expect((await answered(BLOCKED)).reason).toContain('customer service');
  expect(await inCrm('/enrolments')).toEqual([]);
  await inCrm('/people/C-2042', 'PATCH', { blocked: false });
  expect(await answered(BLOCKED, { idempotencyKey })).toMatchObject({ decision: 'APPROVE' });
});

it('gives the same answer to the same request, whatever was noted since', async () => {
  const idempotencyKey = 'again';
  const phone = '+8613900139001';
  const first = await answered(phone, { idempotencyKey });
  expect(await answered(phone, { idempotencyKey, attempt: 2 })).toEqual(first);
  const many = await Promise.all(
    Array.from({ length: 10 }, () => answered(phone, { idempotencyKey, attempt: 3 })),
  );
  expect(many).toEqual(Array.from({ length: 10 }, () => first));
  expect(await peopleOf(phone)).toHaveLength(1);
  expect(await inCrm('/enrolments')).toHaveLength(1);
  // Another tenant's request, and one with another phone, are others.
  expect(await answered(phone, { idempotencyKey, tenant: 'other' })).not.toEqual(first);
  expect(await answered(KNOWN, { idempotencyKey })).toMatchObject({ attributes: { crmId: 'C-2041' } });
});

it.each<[WebhookEnvelope['mode'], boolean]>([
  ['LIVE', true],
  ['CANARY', true],
  ['SHADOW', false],
  ['TEST', false],
  ['DRY_RUN', false],
])('answers on %s, and leaves a trace: %s', async (mode, leavesTrace) => {
  const phone = '+8613900139002';
  expect(await answered(phone, { mode })).toMatchObject({ decision: 'APPROVE' });
  expect(await peopleOf(phone)).toHaveLength(leavesTrace ? 1 : 0);
  expect(await inCrm('/enrolments')).toHaveLength(leavesTrace ? 1 : 0);
});

it('passes the challenge', async () => {
  const facts = { tenant: 'tea', callId: 'call_challenge' };
  const registration = { id: 'crm', url, secrets: [SECRET] } as const;
  expect(await runtime.challenge(registration, facts, { deadlineMs: 2_000 })).toMatchObject({
    outcome: 'OK',
  });
});

it('refuses what is not signed, was changed, is old, or came before', async () => {
  const body = JSON.stringify(newEnvelope(enrolling('+8613900139003')));
  const signed = (secret: string, at = Date.now(), id = `msg_${++calls}`) => ({
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, new Date(at), body),
  });
  const post = async (headers: Record<string, string>, text = body): Promise<number> =>
    (await fetch(url, { method: 'POST', headers, body: text })).status;
  const good = signed(SECRET);
  expect(await post({})).toBe(401);
  expect(await post(signed(newWebhookSecret()))).toBe(401);
  expect(await post(good, body.replace('"LIVE"', '"TEST"'))).toBe(401);
  expect(await post({ ...good, 'webhook-id': 'another' })).toBe(401);
  expect(await post(signed(SECRET, Date.now() - 6 * 60_000))).toBe(401);
  expect(await post(signed(SECRET, Date.now() + 6 * 60_000))).toBe(401);
  expect(await inCrm('/enrolments')).toEqual([]);
  expect([await post(good), await post(good)]).toEqual([200, 401]);
  expect(await inCrm('/enrolments')).toHaveLength(1);
});

it('answers while the secret rotates, whichever of the two signs', async () => {
  const newer = newWebhookSecret();
  const both = await start('crm-sync/receiver.mjs', [], {
    SIGNING_SECRET: `${newer} ${SECRET}`,
    CRM_URL: crm,
  });
  for (const secrets of [[newer], [SECRET], [newer, SECRET]] as const) {
    const registration = { id: `crm-${++calls}`, url: `${both}/hook`, secrets };
    expect(await ask(registration, enrolling(KNOWN))).toMatchObject({ outcome: 'OK' });
  }
});

it('says so where the CRM is away, and where it isn’t asked about members', async () => {
  const registration = { id: 'crm', url, secrets: [SECRET] } as const;
  expect(await ask(registration, { point: 'points.rule' })).toMatchObject({ outcome: 'ERROR', status: 400 });
  await running[0]?.stop();
  expect(await ask(registration, enrolling(KNOWN))).toMatchObject({ outcome: 'ERROR', status: 503 });
});
