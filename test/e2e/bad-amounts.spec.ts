import { settleTenant } from '../../src/jobs/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { contentsOf } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { transports } from '../support/transports.ts';

let gateway: TestGateway;
let memberId: string;
let friend: string;
let holdId: string;
let operationId: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  [memberId, friend] = [await enrol(gateway), await enrol(gateway)];
  holdId = (await act('holdPoints', { memberId, asset: 'points', amount: '20' }, 'hold { id }')).hold.id;
  const { operation } = await act('redeemPoints', { memberId, asset: 'points', amount: '20' });
  operationId = operation.id;
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

const MOST = '9223372036854775807';
/** Larger by one than what 64 bits hold, on both sides. */
const [ABOVE, BELOW] = ['9223372036854775808', '-9223372036854775809'];
const NO_NUMBERS: readonly unknown[] = [
  ...[
    ABOVE,
    BELOW,
    '1.5',
    '1e308',
    '1e3',
    'NaN',
    'Infinity',
    '１２',
    '٣',
    '',
    ' 1',
    '1 ',
    '+1',
    '0x10',
    '1_000',
  ],
  ...[1, 1.5, 1e308, true, [], ['1'], {}],
];

type Given = Record<string, unknown>;
const typeOf = (name: string): string => `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
const documentOf = (name: string, rest = ''): string =>
  name === 'earnPointsBatch'
    ? `mutation($input: EarnPointsBatchInput!) { earnPointsBatch(input: $input) {
         results { operation { id } userErrors { code field } } } }`
    : `mutation($input: ${typeOf(name)}!) { ${name}(input: $input) {
         operation { id entries { balanceAfter } } ${rest} userErrors { code field } } }`;

async function act(name: string, input: Given, rest = ''): Promise<Json> {
  const whole = { idempotencyKey: newRequestKey(), ...input };
  const { data, errors } = await gateway.ask(documentOf(name, rest), { input: whole });
  expect(errors).toEqual([]);
  return data[name];
}
const points = (amount: unknown, input: Given = {}) => ({ memberId, asset: 'points', amount, ...input });

/** Every mutation that takes an amount: its input, and where the amount stands in it. */
const MUTATIONS: readonly { name: string; field: string[]; input(amount: unknown): Given }[] = [
  { name: 'earnPoints', field: ['amount'], input: (amount) => points(amount) },
  {
    name: 'earnPointsBatch',
    field: ['items', '0', 'amount'],
    input: (amount) => ({ items: [{ ...points(amount), idempotencyKey: newRequestKey() }] }),
  },
  { name: 'redeemPoints', field: ['amount'], input: (amount) => points(amount) },
  { name: 'adjustPoints', field: ['amount'], input: (amount) => points(amount, { reason: 'a test' }) },
  { name: 'holdPoints', field: ['amount'], input: (amount) => points(amount) },
  { name: 'captureHold', field: ['amount'], input: (amount) => ({ holdId, amount }) },
  {
    name: 'reverseOperation',
    field: ['amount'],
    input: (amount) => ({ operationId, reason: 'a test', amount }),
  },
  {
    name: 'transferPoints',
    field: ['amount'],
    input: (amount) => ({ fromMemberId: memberId, toMemberId: friend, asset: 'token', amount }),
  },
];

describe.each(transports)('over $name', ({ send }) => {
  /** Sends one mutation with an amount; answers its user errors, or the errors of the request. */
  async function sent({ name, input }: (typeof MUTATIONS)[number], amount: unknown): Promise<Json> {
    const key = name === 'earnPointsBatch' ? {} : { idempotencyKey: newRequestKey() };
    const variables = { input: { ...key, ...input(amount) } };
    const { data, errors } = await send(gateway, { query: documentOf(name), variables });
    if (data === null) return errors.map(({ extensions: { code, field } }) => ({ code, field }));
    const payload = data[name];
    return name === 'earnPointsBatch' ? payload.results[0].userErrors : payload.userErrors;
  }

  it.each(MUTATIONS)('$name refuses what is no amount, and writes nothing', async (mutation) => {
    const { name, field } = mutation;
    const before = await contentsOf(gateway);
    for (const amount of NO_NUMBERS)
      expect([amount, await sent(mutation, amount)]).toEqual([amount, [{ code: 'INVALID_POINTS', field }]]);
    // Where it may be left out, null is as good as that: then it is the whole rest.
    if (name !== 'captureHold' && name !== 'reverseOperation')
      expect(await sent(mutation, null)).toEqual([{ code: 'INVALID_POINTS', field }]);
    const adjusts = name === 'adjustPoints';
    for (const amount of ['0', '-0'])
      expect(await sent(mutation, amount)).toEqual([
        { code: adjusts ? 'AMOUNT_ZERO' : 'AMOUNT_NOT_POSITIVE', field },
      ]);
    for (const amount of adjusts ? ['-1000', `-${MOST}`] : ['-1', `-${MOST}`])
      expect(await sent(mutation, amount)).toEqual([
        { code: adjusts ? 'INSUFFICIENT_BALANCE' : 'AMOUNT_NOT_POSITIVE', field },
      ]);
    expect(await contentsOf(gateway)).toEqual(before);
  });
});

describe('a balance near the largest number', () => {
  const OUT_OF_RANGE = [{ code: 'BALANCE_OUT_OF_RANGE', field: ['amount'] }];
  const refused = async (act: () => Promise<Json>): Promise<void> => {
    const before = await contentsOf(gateway);
    expect((await act()).userErrors).toEqual(OUT_OF_RANGE);
    expect(await contentsOf(gateway)).toEqual(before);
  };
  const tomorrow = async (): Promise<string> => {
    const [{ now }] = await gateway.sql('select business_time() as now');
    return new Date(now.getTime() + 24 * 3_600_000).toISOString();
  };
  /** A new member with all that a ledger holds, but for `less`. */
  const rich = async (asset: string, less = 0n, input: Given = {}): Promise<string> => {
    const id = await enrol(gateway);
    const bonus = { points: 100n, token: 10n, growth: 0n }[asset] ?? 0n;
    const amount = String(BigInt(MOST) - bonus - less);
    expect((await act('earnPoints', { memberId: id, asset, amount, ...input })).userErrors).toEqual([]);
    return id;
  };

  it('takes no more, posted or pending, and no correction', async () => {
    const own = { memberId: await rich('points') };
    await refused(() => act('earnPoints', points('1', own)));
    await refused(() => act('earnPoints', points(MOST, own)));
    await refused(() => act('adjustPoints', points('1', { ...own, reason: 'a test' })));
    const availableAt = await tomorrow();
    await refused(() => act('earnPoints', points('1', { ...own, availableAt })));
    const pending = { memberId: await rich('points', 0n, { availableAt }) };
    await refused(() => act('earnPoints', points('1', pending)));
    await refused(() => act('earnPoints', points('1', { ...pending, availableAt })));
  });

  it('of which a part is held or was spent takes no more than it has room for', async () => {
    const own = { memberId: await rich('points', 5n) };
    const { hold } = await act('holdPoints', points('1000', own), 'hold { id }');
    await refused(() => act('earnPoints', points('6', own)));
    const { operation } = await act('captureHold', { holdId: hold.id, amount: '7' });
    expect((await act('earnPoints', points('12', own))).operation.entries).toEqual([{ balanceAfter: MOST }]);
    await refused(() => act('reverseOperation', { operationId: operation.id, reason: 'a test' }));
    await refused(() =>
      act('reverseOperation', { operationId: operation.id, reason: 'a test', amount: '1' }),
    );
    await act('releaseHold', { holdId: hold.id });
    await act('redeemPoints', points('7', own));
    const back = await act('reverseOperation', { operationId: operation.id, reason: 'a test' });
    expect(back.operation.entries).toEqual([{ balanceAfter: MOST }]);
  });

  it('takes no gift', async () => {
    const to = await rich('token');
    const gift = { fromMemberId: friend, toMemberId: to, asset: 'token', amount: '1' };
    await refused(() => act('transferPoints', gift));
    await act('redeemPoints', { memberId: to, asset: 'token', amount: '1' });
    expect((await act('transferPoints', gift)).userErrors).toEqual([]);
  });

  it('takes of a batch what it has room for', async () => {
    const own = { memberId: await enrol(gateway), asset: 'growth' };
    const half = String(2n ** 62n);
    const items = [half, half, '1'].map((amount) => ({ ...own, amount, idempotencyKey: newRequestKey() }));
    const { data } = await gateway.ask(documentOf('earnPointsBatch'), { input: { items } });
    const errors = data.earnPointsBatch.results.map(({ userErrors }: Json) => userErrors);
    const field = ['items', '1', 'amount'];
    expect(errors).toEqual([[], [{ code: 'BALANCE_OUT_OF_RANGE', field }], []]);
  });

  it('falls due and expires like any other', async () => {
    const availableAt = await tomorrow();
    const own = { memberId: await rich('points', 0n, { availableAt }) };
    await gateway.advanceClock('2 days');
    await settleTenant(gateway.application.jobs, gateway.tenantKey);
    const { operation } = await act('redeemPoints', points(MOST, own));
    expect(operation.entries).toEqual([{ balanceAfter: '0' }]);
  });

  it('may be that of many: their sums are exact', async () => {
    for (let index = 0; index < 3; index += 1) await rich('growth');
    const { proof, services } = gateway.application;
    await proof.rollUp(gateway.tenantKey, 'Asia/Shanghai');
    await rich('growth');
    const [{ sum }] = await gateway.sql(
      `select sum(posted + pending) as sum from ledger where asset = 'growth'`,
    );
    expect(BigInt(sum)).toBeGreaterThan(4n * (BigInt(MOST) - 1n));
    const liabilities = await services.audit.liabilities(gateway.tenantKey, null);
    const growth = liabilities.find(({ asset }) => asset === 'growth');
    expect(String(growth?.outstanding)).toBe(String(sum));
    const { totals, breaches } = await services.audit.rebuild(gateway.tenantKey, null);
    expect(String(totals.find(({ asset }) => asset === 'growth')?.posted)).toBe(String(sum));
    expect(breaches.named).toEqual([]);
    expect(String((await services.activities.totals(gateway.tenantKey, 'growth')).points)).toBe(String(sum));
  });
});
