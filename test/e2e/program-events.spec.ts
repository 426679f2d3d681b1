import { feedCursor } from '../../src/domain/ledgers/index.ts';
import { type Following, follow } from '../support/following.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';

const FOLLOW = `subscription Follow($after: String, $filter: PointEventFilter) {
  programPointEvents(after: $after, filter: $filter) {
    cursor type member { id displayName tier { code } }
    entry { amount version } ledger { asset { code } eventCursor } source { channel store } } }`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

let tenant: OwnTenant;
const open: Following[] = [];
beforeEach(async () => {
  tenant = await ownTenant(gateway);
});
afterEach(async () => {
  for (const following of open.splice(0)) await following.stop();
});

function followProgram(variables: Record<string, Json> = {}, query = FOLLOW): Following {
  const following = follow(gateway, { query, variables }, { 'x-api-key': tenant.key });
  open.push(following);
  return following;
}

async function earn(memberId: string, amount: string, asset = 'points'): Promise<Json> {
  const input = { idempotencyKey: newRequestKey(), memberId, asset, amount };
  return await tenant.act('earnPoints', input, 'ledger { eventCursor }');
}

async function heard(following: Following, count: number): Promise<Json[]> {
  const events: Json[] = [];
  while (events.length < count) {
    const { data, errors } = await following.result();
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
    events.push(data.programPointEvents);
  }
  return events;
}

/** The place of what was committed last. */
async function place(memberId: string): Promise<string> {
  return (await earn(memberId, '1')).ledger.eventCursor;
}

describe('a program’s events', () => {
  it('are everybody’s, with whose they are and where they come from', async () => {
    const [ann, bob] = [await enrol(tenant), await enrol(tenant, { profile: { displayName: 'Bob' } })];
    const following = followProgram({ after: await place(ann) });
    await earn(ann, '5');
    await earn(bob, '7');
    const purchase = {
      ...{ idempotencyKey: newRequestKey(), memberId: bob, type: 'purchase' },
      ...{ amount: { value: '100', currency: 'CNY' }, source: { channel: 'POS', store: 'SH-001' } },
    };
    await tenant.act('recordActivity', purchase, 'operations { id }');
    const events = await heard(following, 3);
    expect(events.map(({ type, member, entry }) => [type, member.id, entry.amount])).toEqual([
      ['EARNED', ann, '5'],
      ['EARNED', bob, '7'],
      [expect.stringMatching(/EARNED|PENDING/), bob, expect.any(String)],
    ]);
    expect(events.map(({ source }) => source)).toEqual([null, null, { channel: 'POS', store: 'SH-001' }]);
    expect(events[1].member.displayName).toBe('Bob');
    for (const { cursor, ledger } of events) expect(ledger.eventCursor).toBe(cursor);
  });

  it('are filtered by asset and type, live and behind a cursor', async () => {
    const ann = await enrol(tenant);
    const after = await place(ann);
    const filter = { assets: ['points', 'token'], types: ['EARNED', 'HELD'] };
    const live = followProgram({ after, filter });
    await earn(ann, '5');
    await earn(ann, '6', 'growth');
    await earn(ann, '7', 'token');
    const spend = { idempotencyKey: newRequestKey(), memberId: ann, asset: 'points', amount: '3' };
    await tenant.act('redeemPoints', spend, 'operation { id }');
    await earn(ann, '8');
    const summary = (events: Json[]): Json[] =>
      events.map(({ ledger, entry }) => [ledger.asset.code, entry.amount]);
    const expected = [
      ['points', '5'],
      ['token', '7'],
      ['points', '8'],
    ];
    expect(summary(await heard(live, 3))).toEqual(expected);
    expect(summary(await heard(followProgram({ after, filter }), 3))).toEqual(expected);
    // An empty list asks for nothing, and a missing one for everything.
    const all = followProgram({ after, filter: { assets: null, types: ['REDEEMED'] } });
    expect((await heard(all, 1))[0].type).toBe('REDEEMED');
  });

  it('are nobody’s but the tenant’s, and its staff’s', async () => {
    const other = await ownTenant(gateway);
    const stranger = await enrol(other);
    const ann = await enrol(tenant);
    const after = await place(ann);
    const following = followProgram({ after });
    await other.act(
      'earnPoints',
      { idempotencyKey: newRequestKey(), memberId: stranger, asset: 'points', amount: '99' },
      'ledger { eventCursor }',
    );
    await earn(ann, '5');
    expect((await heard(following, 1))[0].member.id).toBe(ann);
    const theirs = follow(gateway, { query: FOLLOW, variables: { after } }, { 'x-api-key': other.key });
    expect((await theirs.result()).errors).toMatchObject([
      { extensions: { code: 'CURSOR_INVALID', field: ['after'] } },
    ]);
    await theirs.stop();
    const member = follow(
      gateway,
      { query: FOLLOW, variables: {} },
      await gateway.asMember(gateway.demo.memberId),
    );
    await expect(member.result()).rejects.toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    await member.stop();
  });

  it('go on behind a cursor of another stream, and not behind one that the feed hasn’t reached', async () => {
    const ann = await enrol(tenant);
    const after = await place(ann);
    await earn(ann, '5');
    const [event] = await heard(followProgram({ after }), 1);
    expect(event.entry.amount).toBe('5');
    const query = `subscription($id: ID!, $after: String) { pointEvents(memberId: $id, after: $after) { cursor entry { amount } } }`;
    const one = follow(gateway, { query, variables: { id: ann, after } }, { 'x-api-key': tenant.key });
    expect((await one.event()).cursor).toBe(event.cursor);
    await one.stop();
    // As after a restore from a copy: the database is behind its clients.
    const ahead = followProgram({ after: feedCursor(tenant.tenantKey, 1_000n) }).result();
    await expect(ahead).rejects.toMatchObject([{ extensions: { code: 'CURSOR_INVALID', field: ['after'] } }]);
  });

  it('that can’t be shown end the stream with the cursor before them', async () => {
    const ann = await enrol(tenant);
    const after = await place(ann);
    const query = `subscription($after: String, $at: DateTime) { programPointEvents(after: $after) {
      cursor entry { amount } ledger { balance(at: $at) { held } } } }`;
    const following = followProgram({ after, at: '2999-01-01T00:00:00Z' }, query);
    await earn(ann, '5');
    await expect(following.result()).rejects.toMatchObject([
      { extensions: { code: 'AT_IN_FUTURE', cursor: after } },
    ]);
  });

  it('come through fragments, aliases and operations by name, with a literal cursor or a default', async () => {
    const ann = await enrol(tenant);
    const after = await place(ann);
    await earn(ann, '5');
    const queries = [
      `subscription { programPointEvents: programPointEvents(after: "${after}") { entry { amount } } }`,
      `subscription($after: String = "${after}") { ...Root }
       fragment Root on Subscription { programPointEvents(after: $after) { entry { amount } } }`,
      `subscription {
         ... @skip(if: true) { pointEvents(memberId: "x") { cursor } }
         ... on Subscription @include(if: true) { programPointEvents(after: "${after}") @skip(if: false) { entry { amount } } } }`,
    ];
    for (const query of queries) {
      const [event] = await heard(followProgram({}, query), 1);
      expect(event).toEqual({ entry: { amount: '5' } });
    }
    const nothing = followProgram({}, 'subscription { programPointEvents @skip(if: true) { cursor } }');
    expect((await nothing.result()).errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
    // graphql-js can't say which field it is before it knows the variables.
    const unknown = followProgram(
      { yes: true },
      'subscription($yes: Boolean!) { programPointEvents @skip(if: $yes) { cursor } }',
    );
    await expect(unknown.result()).rejects.toMatchObject([
      { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
    ]);
  });
});

it('many who ask the same are told by one execution, whoever they are and wherever they go on from', async () => {
  const ann = await enrol(tenant);
  const after = await place(ann);
  await earn(ann, '5');
  await earn(ann, '6');
  // Those who differ in what they see are no group: another language, other variables.
  const followers = Array.from({ length: 20 }, (_, index) =>
    followProgram(index % 2 === 0 ? { after } : { after, filter: { assets: ['points'] } }),
  );
  for (const following of followers) {
    expect((await heard(following, 2)).map(({ entry }) => entry.amount)).toEqual(['5', '6']);
  }
  const { metrics } = gateway.application;
  const shown = async (): Promise<number> => {
    const [value] =
      (await metrics.registry.getSingleMetric('membergraph_events_shown_total')?.get())?.values ?? [];
    return value?.value ?? 0;
  };
  const before = await shown();
  await earn(ann, '7');
  for (const following of followers) expect((await heard(following, 1))[0].entry.amount).toBe('7');
  expect((await shown()) - before).toBe(2);
});
