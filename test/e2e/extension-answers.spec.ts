import type { ServerResponse } from 'node:http';
import {
  BY_RULES,
  buy,
  callsOf,
  gave,
  type Hook,
  hooked,
  outcomesOf,
  posting,
  SLACK_MS,
  seeing,
  startHook,
  timed,
} from '../support/attacks.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { applyProgram, type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { act, register } from '../support/registered.ts';
import { untilHolds } from '../support/until-holds.ts';

// What a webhook answers: too much, too slowly, or a lie. The map of attacks is in extension-attacks.spec.ts.

let hook: Hook;
let gateway: TestGateway;
let tenant: OwnTenant;
let memberId: string;
beforeAll(async () => {
  hook = await startHook();
  gateway = await startTestGateway({ environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' } });
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
  await hook.close();
});
beforeEach(async () => {
  tenant = await ownTenant(gateway);
  memberId = await enrol(tenant);
});

/** Writes the same again and again, as fast as it is read. */
function pour(response: ServerResponse, chunk: string | Buffer): void {
  const more = (): void => {
    while (!response.destroyed) if (!response.write(chunk)) return void response.once('drain', more);
  };
  more();
}

function drip(response: ServerResponse, text: string): void {
  const timer = setInterval(() => response.socket?.write(text), 10);
  response.socket?.on('close', () => clearInterval(timer));
}

const HEAD = { 'content-type': 'application/json' };
const KILOBYTES = Buffer.alloc(64 * 1_024, 32);
const ENDLESS: [what: string, answer: (response: ServerResponse) => unknown, outcome: string][] = [
  ['says nothing', () => undefined, 'TIMEOUT WEBHOOK_TIMEOUT'],
  [
    'drips its body',
    (response) => {
      response.writeHead(200, { ...HEAD, 'content-length': '100000' }).flushHeaders();
      drip(response, ' ');
    },
    'TIMEOUT WEBHOOK_TIMEOUT',
  ],
  [
    'drips its headers',
    (response) => {
      response.socket?.write('HTTP/1.1 200 OK\r\n');
      drip(response, 'x-a: b\r\n');
    },
    'TIMEOUT WEBHOOK_TIMEOUT',
  ],
  [
    'hints for ever',
    (response) => drip(response, 'HTTP/1.1 103 Early Hints\r\n\r\n'),
    'TIMEOUT WEBHOOK_TIMEOUT',
  ],
  [
    'announces 1 GB',
    (response) => pour(response.writeHead(200, { ...HEAD, 'content-length': String(2 ** 30) }), KILOBYTES),
    'INVALID_OUTPUT WEBHOOK_TOO_LARGE',
  ],
  [
    'streams without an end',
    (response) => pour(response.writeHead(200, HEAD), KILOBYTES),
    'INVALID_OUTPUT WEBHOOK_TOO_LARGE',
  ],
  [
    'is a bomb to unpack',
    (response) => pour(response.writeHead(200, { ...HEAD, 'content-encoding': 'gzip' }), KILOBYTES),
    'INVALID_OUTPUT WEBHOOK_CONTENT_TYPE',
  ],
  [
    'fails without an end',
    (response) => pour(response.writeHead(500, HEAD), KILOBYTES),
    'ERROR WEBHOOK_STATUS',
  ],
  [
    'nests 100,000 deep',
    (response) =>
      response.writeHead(200, HEAD).end(`{"output":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
    'INVALID_OUTPUT WEBHOOK_TOO_DEEP',
  ],
];

describe.each(ENDLESS)('an answer that %s', (_what, answer, outcome) => {
  it(`comes to ${outcome} within its deadline, and its policy applies`, async () => {
    hook.answer = (_envelope, response) => void answer(response);
    // What is ended by something else than its deadline has time for it.
    const deadlineMs = outcome.startsWith('TIMEOUT') ? 300 : 5_000;
    const { id } = await register(tenant, hooked(hook, { deadlineMs, onFailure: 'FAIL_OPEN' }));
    const before = process.memoryUsage().rss;
    const [answered, ms] = await timed(() => buy(tenant, memberId));
    expect(gave(answered)).toEqual(BY_RULES);
    expect(ms).toBeLessThan(deadlineMs + SLACK_MS);
    const [call] = await callsOf(tenant, id);
    expect(await outcomesOf(tenant, id)).toEqual([`LIVE ${outcome}`]);
    expect(call.durationMs).toBeLessThan(deadlineMs + SLACK_MS);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 2 ** 20);
    // Whoever goes on talking isn't listened to.
    await untilHolds(() => hook.open() === 0 || outcome.includes('DEEP'));
  });
});

const MOST = '50';
const PAST = '2020-01-01T00:00:00Z';
const manyKeys = () => Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, 1]));
const LIES: [what: string, output: (theirs: string) => Json, code: string][] = [
  ['a negative amount', () => ({ postings: [posting('-5')] }), 'OUTPUT_INVALID'],
  ['nothing', () => ({ postings: [posting('0')] }), 'OUTPUT_INVALID'],
  ['a fraction', () => ({ postings: [posting('1.5')] }), 'OUTPUT_INVALID'],
  ['a number', () => ({ postings: [posting(5)] }), 'OUTPUT_INVALID'],
  ['10^30', () => ({ postings: [posting(`1${'0'.repeat(30)}`)] }), 'OUTPUT_INVALID'],
  ['1e30', () => ({ postings: [posting('1e30')] }), 'OUTPUT_INVALID'],
  ['2^63', () => ({ postings: [posting('9223372036854775808')] }), 'OUTPUT_INVALID'],
  ['full-width digits', () => ({ postings: [posting('５')] }), 'OUTPUT_INVALID'],
  ['more than it may post', () => ({ postings: [posting('51')] }), 'OUTPUT_ABOVE_LIMIT'],
  ['what it may not post', () => ({ postings: [posting('1', { asset: 'growth' })] }), 'OUTPUT_ABOVE_LIMIT'],
  ['the same asset twice', () => ({ postings: [posting('1'), posting('2')] }), 'OUTPUT_ASSET_TWICE'],
  ['another tenant’s asset', () => ({ postings: [posting('1', { asset: 'gems' })] }), 'OUTPUT_ASSET_UNKNOWN'],
  ['another member', (theirs) => ({ postings: [posting('1', { memberId: theirs })] }), 'OUTPUT_INVALID'],
  ['another member beside', (theirs) => ({ postings: [], memberId: theirs }), 'OUTPUT_INVALID'],
  [
    'an expiry in the past',
    () => ({ postings: [posting('1', { expiresAt: PAST })] }),
    'OUTPUT_MOMENTS_INVALID',
  ],
  [
    'moments backwards',
    () => ({
      postings: [posting('1', { availableAt: '2999-02-01T00:00:00Z', expiresAt: '2999-01-01T00:00:00Z' })],
    }),
    'OUTPUT_MOMENTS_INVALID',
  ],
  [
    'a day that there isn’t',
    () => ({ postings: [posting('1', { expiresAt: '2999-02-30T00:00:00Z' })] }),
    'OUTPUT_INVALID',
  ],
  ['a reason with a NUL', () => ({ postings: [posting('1', { reason: 'a\0b' })] }), 'OUTPUT_TEXT_INVALID'],
  ['half a character', () => ({ postings: [posting('1', { reason: '\ud83d' })] }), 'OUTPUT_TEXT_INVALID'],
  ['17 postings', () => ({ postings: Array(17).fill(posting('1')) }), 'OUTPUT_INVALID'],
  ['20,000 keys', () => ({ postings: [], ...manyKeys() }), 'OUTPUT_INVALID'],
  ['nothing at all', () => null, 'OUTPUT_INVALID'],
];

describe.each(LIES)('an answer that posts %s', (_what, output, code) => {
  it(`is INVALID_OUTPUT by ${code}: nothing of it is posted, whatever its policy`, async () => {
    const other = await ownTenant(gateway);
    await applyProgram(
      other,
      `name: { en: Gems }
timeZone: UTC
currency: EUR
assets: [{ code: gems, kind: POINTS, name: { en: Gems } }]
rules: []`,
    );
    const theirs = await enrol(other);
    hook.answer = () => output(theirs);
    const limits = { postingLimits: [{ asset: 'points', most: MOST }], deadlineMs: 5_000 };
    const open = await register(tenant, hooked(hook, { onFailure: 'FAIL_OPEN', ...limits }));
    expect(gave(await buy(tenant, memberId))).toEqual(BY_RULES);
    const defaultOutput = { postings: [posting('7')] };
    const given = { name: 'defaulting', onFailure: 'DEFAULT', defaultOutput, ...limits };
    const byDefault = await register(tenant, hooked(hook, given));
    expect(gave(await buy(tenant, memberId))).toEqual([...BY_RULES, 'points 7 by defaulting 1']);
    const closed = await register(tenant, hooked(hook, { onFailure: 'FAIL_CLOSED', ...limits }));
    const refused = await seeing(gateway, tenant, () =>
      expectNothingWritten(gateway, () => buy(tenant, memberId)),
    );
    expect(gave(refused)).toEqual(['EXTENSION_UNAVAILABLE']);
    for (const [{ id }, calls] of [
      [open, 3],
      [byDefault, 2],
      [closed, 1],
    ] as const)
      expect(await outcomesOf(tenant, id)).toEqual(Array(calls).fill(`LIVE INVALID_OUTPUT ${code}`));
    const [{ error }] = await callsOf(tenant, open.id);
    expect(error.message.length).toBeLessThan(500);
  });
});

it('a key that would change what all objects inherit is no key of an answer', async () => {
  hook.answer = (_envelope, response) =>
    void response
      .writeHead(200, HEAD)
      .end('{"output":{"postings":[],"__proto__":{"polluted":true},"constructor":{"prototype":{}}}}');
  const { id } = await register(tenant, hooked(hook, { onFailure: 'FAIL_OPEN' }));
  expect(gave(await buy(tenant, memberId))).toEqual(BY_RULES);
  expect(await outcomesOf(tenant, id)).toEqual(['LIVE INVALID_OUTPUT OUTPUT_INVALID']);
  expect(({} as Json).polluted).toBeUndefined();
});

it('as much as 64 bits hold can be posted once: what would be more is refused, with nothing written', async () => {
  hook.answer = () => ({ postings: [posting('9223372036854775807', { asset: 'growth' })], replace: true });
  const { id } = await register(tenant, hooked(hook));
  expect(gave(await buy(tenant, memberId))).toEqual([
    expect.stringMatching(/^growth 9223372036854775807 by/),
  ]);
  const refused = await seeing(gateway, tenant, () =>
    expectNothingWritten(gateway, () => buy(tenant, memberId)),
  );
  expect(gave(refused)).toEqual(['BALANCE_OUT_OF_RANGE']);
  expect((await outcomesOf(tenant, id)).length).toBeGreaterThan(1);
});

describe('an answer about a new member', () => {
  const create = () =>
    act(tenant, 'createMember', { identities: [newIdentity()] }, 'member { id attributes tags { code } }');

  it.each<[what: string, output: (theirs: string) => Json, code: string]>([
    [
      'names another tenant’s member',
      (memberId) => ({ decision: 'USE_EXISTING', memberId }),
      'OUTPUT_MEMBER_UNKNOWN',
    ],
    ['names nobody', () => ({ decision: 'USE_EXISTING' }), 'OUTPUT_MEMBER_UNKNOWN'],
    ['gives a tier that there isn’t', () => ({ decision: 'APPROVE', tier: 'owner' }), 'OUTPUT_TIER_UNKNOWN'],
    ['gives a role', () => ({ decision: 'APPROVE', role: 'STAFF' }), 'OUTPUT_INVALID'],
    ['gives a balance', () => ({ decision: 'APPROVE', ledgers: [{ asset: 'points' }] }), 'OUTPUT_INVALID'],
    ['posts a negative amount', () => ({ decision: 'APPROVE', postings: [posting('-1')] }), 'OUTPUT_INVALID'],
    [
      'posts above its limit',
      () => ({ decision: 'APPROVE', postings: [posting('51')] }),
      'OUTPUT_ABOVE_LIMIT',
    ],
    [
      'adds 1 MB',
      () => ({ decision: 'APPROVE', attributes: { text: 'x'.repeat(2 ** 20) } }),
      'WEBHOOK_TOO_LARGE',
    ],
    [
      'adds 9 kB',
      () => ({ decision: 'APPROVE', attributes: { text: 'x'.repeat(9_000) } }),
      'ATTRIBUTES_INVALID',
    ],
  ])('that %s is INVALID_OUTPUT, and they are enrolled without it', async (_what, output, code) => {
    const theirs = await enrol(await ownTenant(gateway));
    hook.answer = () => output(theirs);
    const limits = { postingLimits: [{ asset: 'points', most: MOST }] };
    const given = { ...hooked(hook, { onFailure: 'FAIL_OPEN', ...limits }), point: 'member.create' };
    const { id } = await register(tenant, given);
    const { member, userErrors } = await create();
    expect(userErrors).toEqual([]);
    expect(member.id).not.toBe(theirs);
    expect(await outcomesOf(tenant, id)).toEqual([`LIVE INVALID_OUTPUT ${code}`]);
    await act(tenant, 'updateExtension', { extensionId: id, onFailure: 'FAIL_CLOSED', stage: 'LIVE' });
    const refused = await seeing(gateway, tenant, () => expectNothingWritten(gateway, create));
    expect(refused).toMatchObject({ member: null, userErrors: [{ code: 'EXTENSION_UNAVAILABLE' }] });
  });

  it.each(['', ' \n'])('that refuses with the reason "%s" is told by name', async (reason) => {
    hook.answer = () => ({ decision: 'REFUSE', reason });
    await register(tenant, { ...hooked(hook), point: 'member.create', name: 'silent' });
    const message = 'The extension "silent" refused it.';
    expect((await create()).userErrors).toMatchObject([{ code: 'EXTENSION_REFUSED', message }]);
  });

  it('that adds a key named __proto__ adds nothing to anything else', async () => {
    hook.answer = (_envelope, response) =>
      void response
        .writeHead(200, HEAD)
        .end('{"output":{"decision":"APPROVE","attributes":{"__proto__":{"polluted":true},"own":1}}}');
    await register(tenant, { ...hooked(hook), point: 'member.create' });
    const { member } = await create();
    expect(JSON.stringify(member.attributes)).toBe('{"own":1}');
    expect(({} as Json).polluted).toBeUndefined();
  });
});

it.each([
  ['more than all of it', { kind: 'PERCENT_OFF', value: '101' }],
  ['a negative amount', { kind: 'AMOUNT_OFF', value: '-5.00' }],
  ['10^30', { kind: 'AMOUNT_OFF', value: `1${'0'.repeat(30)}.00` }],
  ['a factor that is no number', { kind: 'MULTIPLIER', value: 'NaN' }],
])(
  'an answer that makes of a benefit %s is INVALID_OUTPUT, and the catalogue holds',
  async (_what, effect) => {
    hook.answer = () => ({ eligible: true, effect });
    const { id } = await register(tenant, {
      ...hooked(hook, { onFailure: 'FAIL_OPEN' }),
      point: 'benefit.rule',
    });
    const benefit = { memberId, benefit: 'birthday-gift' };
    const { grant } = await act(tenant, 'grantBenefit', benefit, 'grant { id }');
    const used = await act(
      tenant,
      'useBenefit',
      { grantId: grant.id, idempotencyKey: newRequestKey() },
      'use { effect { kind value } }',
    );
    expect(used).toMatchObject({ use: { effect: { kind: 'GIFT', value: 'TEA-GIFT-BOX' } }, userErrors: [] });
    expect((await outcomesOf(tenant, id)).at(-1)).toBe('LIVE INVALID_OUTPUT OUTPUT_EFFECT_INVALID');
  },
);
