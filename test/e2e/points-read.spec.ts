import {
  answers,
  type CallContext,
  definePlugin,
  growthRead,
  pointsRead,
} from '../../src/extension/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { follow } from '../support/following.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, ownTenant, tenantWith } from '../support/own-tenant.ts';

// What a member has in an asset whose record is kept by another system, as callers read it.

type Asked = { plugin: string; point: string; input: Json; context: Omit<CallContext, 'signal'> };

/** What the plugins were asked, in order, and what each of them does; it doesn't know the member when missing. */
const asked: Asked[] = [];
const ways = new Map<string, (input: Json) => Json>();
let meanwhile: () => Promise<void> = async () => undefined;

function answerer(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  const told =
    (point: typeof pointsRead | typeof growthRead) =>
    async (input: Json, { signal: _, ...context }: CallContext): Promise<Json> => {
      asked.push({ plugin: id, point: point.name, input, context });
      await meanwhile();
      return (ways.get(id) ?? (() => point.neutral))(input);
    };
  return definePlugin({
    ...{ id, version: 2, description: 'Does what a test says.', priority, onFailure, deadlineMs: 10_000 },
    answers: [answers(pointsRead, told(pointsRead)), answers(growthRead, told(growthRead))],
  });
}

const PROGRAM = `name: { en: Elsewhere }
timeZone: Asia/Shanghai
currency: CNY
assets:
  - { code: miles, kind: POINTS, name: { en: Miles }, recordOf: EXTERNAL, rate: { amount: "100", money: "1.00" } }
  - { code: growth, kind: GROWTH, name: { en: Growth }, recordOf: EXTERNAL, spendable: false }
  - { code: points, kind: POINTS, name: { en: Points } }
ladders:
  - { code: main, name: { en: Main }, metric: growth, window: LIFETIME,
      tiers: [{ code: base, name: { en: Base }, threshold: "0" }, { code: top, name: { en: Top }, threshold: "100" }] }
rules: []`;
const NOON = '2026-11-20T04:00:00Z';

let gateway: TestGateway;
let tenant: OwnTenant;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway({
    plugins: [answerer('second', 20, 'FAIL_OPEN'), answerer('crm', 10, 'FAIL_OPEN')],
    asking: { breaker: { failures: 1_000, breakMs: 10 } },
  });
  tenant = await tenantWith(gateway, PROGRAM, NOON);
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});
beforeEach(async () => {
  ways.clear();
  meanwhile = async () => undefined;
  memberId = await enrol(tenant);
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  asked.length = 0;
});

const LEDGER = 'balance { available pending held } source asOf worth { value }';

async function ledger(asset = 'miles', fields = LEDGER, id = memberId, headers?: Record<string, string>) {
  const query = `query($id: ID!, $asset: String!) { member(id: $id) { ledger(asset: $asset) { ${fields} } } }`;
  const { data, errors } = await gateway.ask(query, { id, asset }, headers ?? { 'x-api-key': tenant.key });
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  return data.member.ledger;
}

async function mirror(items: Json[], more: Json = {}): Promise<Json> {
  const query = `mutation($input: MirrorEntriesInput!) { mirrorEntries(input: $input) {
    results { operation { id kind reason reference { type id } entries { amount balanceAfter occurredAt } }
              userErrors { code field } } succeeded failed } }`;
  const whole = items.map((item) => ({ idempotencyKey: newRequestKey(), memberId, asset: 'miles', ...item }));
  const { data, errors } = await tenant.ask(query, { input: { items: whole, ...more } });
  expect(errors).toEqual([]);
  return data.mirrorEntries;
}

describe('a balance that another system keeps', () => {
  it('is told as that says, with its moment; its log and what expires, too', async () => {
    ways.set('crm', ({ log }) => ({
      available: '1280',
      held: '80',
      expiringSoon: [
        { amount: '7', expiresAt: '2027-06-01T00:00:00Z' },
        { amount: '30', expiresAt: '2026-12-01T00:00:00+08:00' },
      ],
      log: [
        { reference: 'B-2', amount: '-20', occurredAt: '2026-11-19T12:00:00Z', reason: 'tea' },
        { reference: 'B-1', amount: '1300', occurredAt: '2026-11-01T12:00:00Z' },
      ].slice(log?.after === 'B-2' ? 1 : 0),
    }));
    const before = await ledger(
      'miles',
      `${LEDGER} expiring(within: "P30D") { amount expiresAt } recordLog(first: 2) { reference amount occurredAt reason }`,
    );
    expect(before).toEqual({
      balance: { available: '1280', pending: '0', held: '80' },
      source: 'RECORD',
      asOf: expect.stringMatching(/^2026-11-20T04:0/),
      worth: { value: '12.80' },
      expiring: [{ amount: '30', expiresAt: '2026-11-30T16:00:00.000Z' }],
      recordLog: [
        { reference: 'B-2', amount: '-20', occurredAt: '2026-11-19T12:00:00.000Z', reason: 'tea' },
        { reference: 'B-1', amount: '1300', occurredAt: '2026-11-01T12:00:00.000Z', reason: null },
      ],
    });
    // Whatever needs the balance asks once; the log is a question of its own.
    expect(asked.map(({ plugin, point, input }) => [plugin, point, input.asset, input.log])).toEqual(
      expect.arrayContaining([
        ['crm', 'points.read', 'miles', null],
        ['crm', 'points.read', 'miles', { first: 2, after: null }],
      ]),
    );
    expect(asked).toHaveLength(2);
    expect(asked[0]?.input.member).toMatchObject({ id: memberId, tier: { code: 'base' } });
    expect(asked[0]?.context).toMatchObject({ mode: 'LIVE', tenant: tenant.code });
    const { recordLog } = await ledger('miles', 'recordLog(first: 5, after: "B-2") { reference }');
    expect(recordLog).toEqual([{ reference: 'B-1' }]);
  });

  it('is remembered for some seconds, for this member alone, until the mirror moves', async () => {
    ways.set('crm', ({ member }) => ({ available: member.id === memberId ? '5' : '6' }));
    // What was said some seconds ago is forgotten on a machine that takes as long: then it is tried again.
    for (let round = 0; round < 5 && asked.length !== 1; round += 1) {
      memberId = await enrol(tenant);
      asked.length = 0;
      expect([(await ledger()).balance.available, (await ledger()).balance.available]).toEqual(['5', '5']);
    }
    expect(asked).toHaveLength(1);
    const other = await enrol(tenant);
    expect((await ledger('miles', LEDGER, other)).balance.available).toBe('6');
    ways.set('crm', () => ({ available: '9' }));
    await mirror([{ amount: '4' }]);
    expect((await ledger()).balance.available).toBe('9');
    expect(asked).toHaveLength(3);
  });

  it('is asked for of growth by a point of its own', async () => {
    ways.set('crm', () => ({ current: '70', total: '90' }));
    const shown = await ledger('growth', 'balance { available } source recordLog(first: 3) { reference }');
    expect(shown).toMatchObject({ balance: { available: '70' }, source: 'RECORD' });
    expect(asked[0]).toMatchObject({
      point: 'growth.read',
      input: { asset: 'growth', member: { id: memberId } },
    });
  });

  it('is not asked for where we keep it, nor of a past moment, nor where nobody selects it', async () => {
    const own = await ledger('points', `${LEDGER} recordLog(first: 3) { reference }`);
    expect(own).toMatchObject({ balance: { available: '0' }, source: 'RECORD', asOf: null, recordLog: null });
    const past = await ledger(
      'miles',
      `version entries(first: 1) { edges { node { amount } } } balance(at: "${NOON}") { available }`,
    );
    expect(past).toMatchObject({ balance: { available: '0' }, version: '0' });
    expect(asked).toEqual([]);
  });

  it('is one answer for each member of a list, and one look-up for all of them', async () => {
    ways.set('crm', ({ member }) => ({ available: member.id === memberId ? '5' : '6' }));
    const { data, errors } = await tenant.ask(
      '{ members(first: 3) { edges { node { id ledgers { asset { code } balance { available } } } } } }',
    );
    expect(errors).toEqual([]);
    const [first, ...others] = data.members.edges.map(({ node }: Json) => node);
    const miles = ({ ledgers }: Json): string =>
      ledgers.find(({ asset }: Json) => asset.code === 'miles').balance.available;
    expect([first.id, miles(first), ...others.map(miles)]).toEqual(
      [memberId, '5', '6', '6'].slice(0, 2 + others.length),
    );
  });

  it('is not told to other members, nor to other tenants', async () => {
    ways.set('crm', () => ({ available: '77' }));
    expect((await ledger()).balance.available).toBe('77');
    const stranger = await ownTenant(gateway);
    const query = 'query($id: ID!) { member(id: $id) { ledger(asset: "miles") { balance { available } } } }';
    expect((await stranger.ask(query, { id: memberId })).data.member).toBeNull();
    await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [stranger.tenantKey]);
  });
});

describe('our mirror is told', () => {
  const OWN = { balance: { available: '40', pending: '0', held: '0' }, source: 'MIRROR' };
  beforeEach(async () => {
    await mirror([{ amount: '40' }]);
    asked.length = 0;
  });

  it('where nobody who answers knows the member', async () => {
    expect(await ledger()).toMatchObject({ ...OWN, asOf: expect.stringMatching(/^2026-11-20T04:0/) });
    expect(asked.map(({ plugin }) => plugin)).toEqual(['crm', 'second']);
  });

  it('no more, once one of several knows the member', async () => {
    ways.set('second', ({ asset }) => (asset === 'miles' ? { available: '7' } : { current: '8' }));
    expect(await ledger()).toMatchObject({ balance: { available: '7' }, source: 'RECORD' });
    expect(await ledger('growth')).toMatchObject({ balance: { available: '8' }, source: 'RECORD' });
    ways.set('crm', () => ({ available: '9' }));
    await mirror([{ amount: '1' }]);
    asked.length = 0;
    expect(await ledger()).toMatchObject({ balance: { available: '9' }, source: 'RECORD' });
    expect(asked.map(({ plugin }) => plugin)).toEqual(['crm']);
  });

  it.each<[string, (input: Json) => Json]>([
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
    ['answers a number', () => ({ available: 5 })],
    ['answers more than 64 bits', () => ({ available: '9223372036854775808' })],
    ['answers half of a unit', () => ({ available: '1.5' })],
    ['answers something else, too', () => ({ available: '5', posted: '5' })],
    [
      'answers what can’t be kept',
      () => ({ available: '5', log: [{ reference: '\0', amount: '1', occurredAt: NOON }] }),
    ],
  ])('where whoever is asked %s', async (_what, way) => {
    ways.set('crm', way);
    ways.set('second', way);
    expect(await ledger()).toMatchObject(OWN);
    expect(asked.map(({ plugin }) => plugin)).toEqual(['crm', 'second']);
    // It isn’t remembered.
    ways.set('crm', () => ({ available: '-3' }));
    expect(await ledger()).toMatchObject({ balance: { available: '-3' }, source: 'RECORD' });
  });

  it('where an operation shows the ledger as it left it, and to tiers', async () => {
    ways.set('crm', () => ({ current: '1000' }));
    const fields = 'member { tier { code } ledger(asset: "growth") { balance { available } } }';
    const { member } = await tenant.act(
      'updateMember',
      { idempotencyKey: newRequestKey(), memberId, attributes: { a: 1 } },
      fields,
    );
    expect(member).toEqual({ tier: { code: 'base' }, ledger: { balance: { available: '1000' } } });
    await mirror([{ amount: '100', asset: 'growth' }]);
    const { data } = await tenant.ask('query($id: ID!) { member(id: $id) { tier { code } } }', {
      id: memberId,
    });
    expect(data.member.tier.code).toBe('top');
  });
});

describe('a failure', () => {
  it.each<[string, Json, Json]>([
    ['FAIL_OPEN tells our mirror', {}, { ledger: { balance: { available: '0' }, source: 'MIRROR' } }],
    ['FAIL_CLOSED tells nothing', {}, { ledger: null, code: 'EXTENSION_UNAVAILABLE' }],
    [
      'DEFAULT tells our mirror, too: what was given beforehand is nobody’s balance',
      { defaultOutput: { available: '500' } },
      { ledger: { balance: { available: '0' }, source: 'MIRROR' } },
    ],
  ])('that is registered as %s', async (what, more, expected) => {
    const own = await tenantWith(gateway, PROGRAM, NOON);
    const [onFailure] = what.split(' ');
    for (const id of ['crm', 'second']) {
      const registered = await own.act(
        'registerExtension',
        {
          ...{ idempotencyKey: newRequestKey(), name: id, point: 'points.read', runtime: 'IN_PROCESS' },
          ...{ plugin: { id }, stage: 'LIVE', onFailure, deadlineMs: 1_000, ...more },
        },
        'extension { id }',
      );
      expect(registered.userErrors).toEqual([]);
      ways.set(id, () => {
        throw new Error('down');
      });
    }
    const id = await enrol(own);
    const query =
      'query($id: ID!) { member(id: $id) { ledger(asset: "miles") { balance { available } source } } }';
    const { data, errors } = await own.ask(query, { id });
    expect({ ...data.member, code: errors[0]?.extensions.code ?? null }).toEqual({ code: null, ...expected });
    // What our own ledger knows is told even so.
    const plain = 'query($id: ID!) { member(id: $id) { ledger(asset: "miles") { version } } }';
    expect((await own.ask(plain, { id })).data.member.ledger).toEqual({ version: '0' });
  });
});

it('is not asked for by subscribers: they hear of our entries', async () => {
  ways.set('crm', () => ({ available: '5' }));
  const { eventCursor: after } = await ledger('miles', 'eventCursor');
  await mirror([{ amount: '40' }]);
  const fields = 'balance { available } source recordLog(first: 1) { reference }';
  const query = `subscription($id: ID!, $after: String) { pointEvents(memberId: $id, after: $after) {
    ledger { ${fields} } entry { ledger { ${fields} } } } }`;
  const following = follow(
    gateway,
    { query, variables: { id: memberId, after } },
    { 'x-api-key': tenant.key },
  );
  const event = await following.event();
  await following.stop();
  const told = { balance: { available: '40' }, source: 'MIRROR', recordLog: null };
  expect(event).toEqual({ ledger: told, entry: { ledger: told } });
  expect(asked).toEqual([]);
});

describe('what changed elsewhere', () => {
  it('is posted as an adjustment, once for its number, and nobody is asked', async () => {
    const item = {
      idempotencyKey: newRequestKey(),
      amount: '50',
      reason: 'a flight',
      occurredAt: '2026-11-19T12:00:00Z',
      reference: { type: 'flight', id: 'MU-5101' },
    };
    const [first, again] = [await mirror([item]), await mirror([item])];
    expect(first.results[0]).toEqual({
      operation: {
        ...{ id: expect.any(String), kind: 'ADJUST', reason: 'a flight', reference: item.reference },
        entries: [{ amount: '50', balanceAfter: '50', occurredAt: '2026-11-19T12:00:00.000Z' }],
      },
      userErrors: [],
    });
    expect(again).toEqual(first);
    expect((await mirror([{ ...item, amount: '51' }])).results[0].userErrors).toEqual([
      { code: 'IDEMPOTENCY_CONFLICT', field: ['items', '0', 'idempotencyKey'] },
    ]);
    expect(asked).toEqual([]);
  });

  it('goes wherever the record goes, and in its order', async () => {
    const { results, succeeded } = await mirror([{ amount: '10' }, { amount: '-30' }, { amount: '5' }]);
    expect(results.map(({ operation }: Json) => operation.entries[0].balanceAfter)).toEqual([
      '10',
      '-20',
      '-15',
    ]);
    expect(succeeded).toBe(3);
  });

  it('is refused one by one', async () => {
    const wrong = [
      { amount: '0' },
      { amount: '5', asset: 'points' },
      { amount: '5', asset: 'nothing' },
      { amount: '5', memberId: 'mem_01jdb4g8vse3aaaaaaaaaaaaaa' },
      { amount: '5', occurredAt: '2026-11-20T05:00:00Z' },
      { amount: '5', reason: 'x'.repeat(501) },
      { amount: '5' },
    ];
    const { results, succeeded, failed } = await mirror(wrong);
    const codes = results.map(({ userErrors }: Json) => userErrors[0]?.code ?? null);
    expect(codes).toEqual([
      ...['AMOUNT_ZERO', 'RECORD_IS_OURS', 'ASSET_NOT_FOUND', 'MEMBER_NOT_FOUND'],
      ...['OCCURRED_IN_FUTURE', 'TEXT_TOO_LONG', null],
    ]);
    expect([succeeded, failed]).toEqual([1, 6]);
  });

  it('is tried without a trace, and by servers alone', async () => {
    const tried = await expectNothingWritten(gateway, () => mirror([{ amount: '5' }], { dryRun: true }));
    expect(tried.results[0].operation.entries).toMatchObject([{ balanceAfter: '5' }]);
    const headers = await gateway.asMember(memberId);
    const { errors } = await gateway.ask(
      'mutation { mirrorEntries(input: { items: [] }) { failed } }',
      {},
      headers,
    );
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    const none = await tenant.ask('mutation { mirrorEntries(input: { items: [] }) { failed } }');
    expect(none.errors).toMatchObject([{ extensions: { code: 'BATCH_SIZE' } }]);
  });
});
