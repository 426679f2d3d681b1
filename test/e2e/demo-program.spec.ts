import { auditLedgers } from '../support/audit.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { mutate } from '../support/own-tenant.ts';

const CARD = `query Card($id: ID!) {
  member(id: $id) {
    tier { code }
    tierStatus { progress { current remaining } retention { current required remaining atRisk } }
    points: ledger(asset: "points") {
      balance { available pending }
      entries(first: 20) { edges { node { kind amount availableAt expiresAt } } }
    }
    growth: ledger(asset: "growth") { balance { available } }
    token: ledger(asset: "token") { asset { transferable } balance { available } }
    grants(first: 10) { edges { node { status source validUntil benefit { code } } } }
    tierHistory(first: 10) { edges { node { from { code } to { code } cause } } }
  }
}`;

let gateway: TestGateway;
let memberId: string;

beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

const act = (mutation: string, input: Record<string, unknown>, fields: string): Promise<Json> =>
  mutate(gateway.ask, mutation, { idempotencyKey: newRequestKey(), ...input }, fields);

async function record(type: string, value?: string, occurredAt?: string): Promise<Json> {
  const amount = value === undefined ? undefined : { value, currency: 'CNY' };
  const input = { memberId, type, amount, occurredAt };
  return await act('recordActivity', input, 'operations { entries { amount } }');
}

async function card(): Promise<Json> {
  return (await gateway.ask(CARD, { id: memberId })).data.member;
}

/** The clock goes on to a moment, and everything that time does by then is done. */
async function passTo(to: string): Promise<void> {
  expect((await act('advanceTestClock', { to }, 'now')).userErrors).toEqual([]);
}

/** The clock shows a moment, maybe an earlier one, with a member who has just enrolled. */
async function beginAt(moment: string, profile?: object): Promise<void> {
  await gateway.setClock(moment);
  await gateway.sql('delete from daily_run');
  memberId = await enrol(gateway, { profile });
}

/** What happens at a moment may be told a little earlier: the clock goes on while it is. */
const minuteBefore = (moment: string): string => new Date(Date.parse(moment) - 60_000).toISOString();

const gained = (answer: Json) => answer.operations.map(({ entries }: Json) => entries[0].amount);

describe('enrolment', () => {
  it('gives 100 points and 10 tokens, which members may give away, in the tier bronze', async () => {
    await beginAt('2026-11-20T12:00:00+08:00');
    expect(await card()).toMatchObject({
      tier: { code: 'bronze' },
      points: { balance: { available: '100', pending: '0' } },
      growth: { balance: { available: '0' } },
      token: { asset: { transferable: true }, balance: { available: '10' } },
      grants: { edges: [] },
    });
  });
});

describe('a purchase', () => {
  it.each([
    ['99.99', ['99']],
    ['100.00', ['10', '100']],
    ['199.99', ['10', '199']],
    ['200.00', ['20', '200']],
    ['0.99', []],
    ['1.00', ['1']],
  ])('of %s gives %j', async (value, amounts) => {
    await beginAt('2026-11-20T12:00:00+08:00');
    expect(gained(await record('purchase', value))).toEqual(amounts);
  });

  it.each([
    ['at noon', '2026-11-20T12:00:00+08:00', '2026-11-20T16:00:00.000Z', '2027-11-30T16:00:00.000Z'],
    [
      'just before midnight',
      '2026-11-20T23:59:59+08:00',
      '2026-11-20T16:00:00.000Z',
      '2027-11-30T16:00:00.000Z',
    ],
    ['at midnight', '2026-11-21T00:00:00+08:00', '2026-11-21T16:00:00.000Z', '2027-11-30T16:00:00.000Z'],
    [
      'at a month’s last moment',
      '2026-11-30T23:59:59+08:00',
      '2026-11-30T16:00:00.000Z',
      '2027-11-30T16:00:00.000Z',
    ],
    [
      'at a month’s first',
      '2026-12-01T00:00:00+08:00',
      '2026-12-01T16:00:00.000Z',
      '2027-12-31T16:00:00.000Z',
    ],
    [
      'on New Year’s Eve',
      '2026-12-31T23:59:59+08:00',
      '2026-12-31T16:00:00.000Z',
      '2027-12-31T16:00:00.000Z',
    ],
    ['on a leap day', '2028-02-29T12:00:00+08:00', '2028-02-29T16:00:00.000Z', '2029-02-28T16:00:00.000Z'],
    [
      'a year before one',
      '2027-02-28T12:00:00+08:00',
      '2027-02-28T16:00:00.000Z',
      '2028-02-29T16:00:00.000Z',
    ],
  ])(
    '%s is due the next midnight and lasts to the end of the 12th month',
    async (_when, at, dueAt, endsAt) => {
      await beginAt(minuteBefore(at));
      await record('purchase', '100.00', at);
      const [entry] = (await card()).points.entries.edges;
      expect(entry.node).toEqual({ kind: 'EARN', amount: '10', availableAt: dueAt, expiresAt: endsAt });
    },
  );

  it('can be spent from that midnight on, and until the last minute of that month', async () => {
    await beginAt('2026-11-20T23:00:00+08:00');
    await record('purchase', '100.00');
    await passTo('2026-11-20T23:59:00+08:00');
    expect((await card()).points.balance).toEqual({ available: '100', pending: '10' });
    await passTo('2026-11-21T00:00:00+08:00');
    expect((await card()).points.balance).toEqual({ available: '110', pending: '0' });
    await passTo('2027-11-30T23:59:00+08:00');
    expect((await card()).points.balance.available).toBe('110');
    await passTo('2027-12-01T00:00:00+08:00');
    expect((await card()).points.balance.available).toBe('0');
    const kinds = (await card()).points.entries.edges.map(({ node }: Json) => `${node.kind} ${node.amount}`);
    expect(kinds).toEqual(['EXPIRE -110', 'MATURE 10', 'EARN 10', 'EARN 100']);
  });
});

describe('the first sign-in of a local day', () => {
  it('gives 2 points, in the days of Shanghai', async () => {
    await beginAt('2026-11-20T00:00:00+08:00');
    expect(gained(await record('sign_in'))).toEqual(['2']);
    await gateway.setClock('2026-11-20T23:59:00+08:00');
    expect(gained(await record('sign_in', undefined, '2026-11-20T23:59:59+08:00'))).toEqual([]);
    await gateway.setClock('2026-11-21T00:00:00+08:00');
    expect(gained(await record('sign_in'))).toEqual(['2']);
  });
});

describe('the tiers', () => {
  it.each([
    ['499.99', 'bronze', '1', []],
    ['500.00', 'silver', '1500', ['free-shipping']],
    ['1999.99', 'silver', '1', ['free-shipping']],
    ['2000.00', 'gold', '8000', ['free-shipping', 'gold-discount']],
    ['9999.99', 'gold', '1', ['free-shipping', 'gold-discount']],
    ['10000.00', 'black', undefined, ['free-shipping', 'gold-discount']],
  ])('after %s it is %s', async (value, tier, remaining, benefits) => {
    await beginAt('2026-11-20T12:00:00+08:00');
    await record('purchase', value);
    const held = await card();
    expect(held.tier.code).toBe(tier);
    expect(held.tierStatus.progress?.remaining).toBe(remaining);
    const granted = held.grants.edges.map(({ node }: Json) => node.benefit.code);
    expect(granted.sort()).toEqual(benefits);
  });

  it.each([
    ['400.00', 'silver', '0'],
    ['399.99', 'bronze', undefined],
  ])('keep silver with 80 %% of it: %s in 365 days', async (value, tier, remaining) => {
    await beginAt('2026-01-10T12:00:00+08:00');
    await record('purchase', '500.00');
    await passTo('2026-12-01T12:00:00+08:00');
    await record('purchase', value);
    // The first purchase counts to the end of its 365th day.
    await passTo('2027-01-09T23:59:00+08:00');
    expect((await card()).tier.code).toBe('silver');
    expect(Number((await card()).tierStatus.retention.current)).toBe(500 + Math.floor(Number(value)));
    await passTo('2027-01-10T00:00:10+08:00');
    const after = await card();
    expect(after.tier.code).toBe(tier);
    expect(after.tierStatus.retention?.remaining).toBe(remaining);
    const grants = after.grants.edges.map(({ node }: Json) => [node.benefit.code, node.status]);
    expect(grants).toEqual([['free-shipping', tier === 'silver' ? 'AVAILABLE' : 'REVOKED']]);
    const changes = after.tierHistory.edges.map(({ node }: Json) => `${node.to.code} ${node.cause}`);
    expect(changes).toEqual(tier === 'silver' ? ['silver REACHED'] : ['bronze REVIEWED', 'silver REACHED']);
  });

  it('fall as far as must be, and from 29 February as from any day', async () => {
    await beginAt('2028-02-29T12:00:00+08:00');
    await record('purchase', '2500.00');
    await passTo('2029-02-27T23:59:00+08:00');
    expect((await card()).tier.code).toBe('gold');
    await passTo('2029-02-28T00:00:10+08:00');
    expect((await card()).tier.code).toBe('bronze');
  });
});

describe('a birthday', () => {
  it.each([
    ['1990-03-05', '2026-03-04T23:00:00+08:00', '2026-03-05T00:00:10+08:00', '2026-04-04T16:00:00.000Z'],
    ['2000-02-29', '2026-02-27T12:00:00+08:00', '2026-02-28T00:00:10+08:00', '2026-03-30T16:00:00.000Z'],
    ['2000-02-29', '2028-02-28T12:00:00+08:00', '2028-02-29T00:00:10+08:00', '2028-03-30T16:00:00.000Z'],
  ])('of %s brings the gift, once a year', async (birthday, before, after, validUntil) => {
    await beginAt(before, { birthday });
    await passTo(after);
    const grants = async () => (await card()).grants.edges.map(({ node }: Json) => node);
    const gift = { status: 'AVAILABLE', source: 'RULE', validUntil, benefit: { code: 'birthday-gift' } };
    expect(await grants()).toEqual([gift]);
    await record('birthday');
    expect(await grants()).toHaveLength(1);
  });
});
