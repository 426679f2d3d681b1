import { describeDocuments, readDocument } from '../support/documents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Heard, LIVE_CLIENTS, type LiveClient } from '../support/live-clients.ts';
import { enrol, newRequestKey } from '../support/members.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

const open: LiveClient[] = [];
afterEach(async () => {
  for (const client of open.splice(0)) await client.close();
});

/** What one subscription of a client is told, in order. */
class Stream {
  readonly #waiting: ((result: Heard) => void)[] = [];
  readonly #heard: Heard[] = [];
  readonly stop: () => void;

  constructor(client: LiveClient, document: Parameters<LiveClient['follow']>[0]) {
    this.stop = client.follow(document, (result) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#heard.push(result);
      else waiting(result);
    });
  }

  next(): Promise<Heard> {
    const known = this.#heard.shift();
    return known === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(known);
  }

  /** The next events, of whatever field. */
  async events(count: number): Promise<Json[]> {
    const events: Json[] = [];
    while (events.length < count) {
      const { data, errors } = await this.next();
      expect(errors ?? []).toEqual([]);
      events.push(Object.values(data)[0]);
    }
    return events;
  }
}

const POST = {
  earn: 'mutation($input: EarnPointsInput!) { done: earnPoints(input: $input) { userErrors { code } } }',
  redeem:
    'mutation($input: RedeemPointsInput!) { done: redeemPoints(input: $input) { userErrors { code } } }',
};

async function post(kind: keyof typeof POST, memberId: string, amount: string): Promise<void> {
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount };
  const { data } = await gateway.ask(POST[kind], { input });
  expect(data.done.userErrors).toEqual([]);
}

async function cursorNow(): Promise<string> {
  return (await gateway.ask('{ program { eventCursor } }')).data.program.eventCursor;
}

const versionsOf = (events: readonly Json[]) => events.map(({ entry }) => [entry.version, entry.amount]);

describeDocuments('live documents', () => {
  describe.each(Object.keys(LIVE_CLIENTS))('by %s', (name) => {
    function connect(headers: Record<string, string>): LiveClient {
      const client = LIVE_CLIENTS[name]?.(gateway.url, headers);
      if (client === undefined) throw new Error(`There is no client "${name}".`);
      open.push(client);
      return client;
    }
    const staff = () => ({ 'x-api-key': gateway.demo.adminApiKey });

    it('22: a member follows their balance, goes away, and goes on behind the last cursor', async () => {
      const memberId = await enrol(gateway);
      const me = await gateway.asMember(memberId);
      const { query, variables } = await readDocument('22', { memberId });
      const follow = (after: string) =>
        new Stream(connect(me), { query, variables: { ...variables, after } });

      const first = follow(await cursorNow());
      await post('earn', memberId, '20');
      await post('redeem', memberId, '50');
      const heard = await first.events(2);
      expect(heard[1]).toEqual({
        ...(heard[1].__typename === undefined ? {} : { __typename: 'PointEvent' }),
        cursor: expect.any(String),
        type: 'REDEEMED',
        occurredAt: expect.any(String),
        entry: expect.objectContaining({ kind: 'REDEEM', amount: '-50', balanceAfter: '70', version: '3' }),
        ledger: expect.objectContaining({
          asset: expect.objectContaining({ code: 'points' }),
          balance: expect.objectContaining({ available: '70', pending: '0', held: '0' }),
          version: '3',
        }),
        nudge: null,
      });
      first.stop();

      for (const amount of ['1', '2', '3']) await post('earn', memberId, amount);
      const again = follow(heard[1].cursor);
      expect(versionsOf(await again.events(3))).toEqual([
        ['4', '1'],
        ['5', '2'],
        ['6', '3'],
      ]);
      await post('earn', memberId, '4');
      expect(versionsOf(await again.events(1))).toEqual([['7', '4']]);
    });

    it('23: a dashboard follows everybody, of one asset and of two types', async () => {
      const { query, variables } = await readDocument('23');
      const after = await cursorNow();
      const stream = new Stream(connect(staff()), { query, variables: { ...variables, after } });
      const [lin, ada] = [await enrol(gateway, { profile: { displayName: 'Lin' } }), await enrol(gateway)];
      await post('redeem', lin, '7');
      await post('earn', ada, '9');
      const heard = await stream.events(4);
      expect(heard.map(({ type, member, entry }) => [type, member.id, entry.amount])).toEqual([
        ['EARNED', lin, '100'],
        ['EARNED', ada, '100'],
        ['REDEEMED', lin, '-7'],
        ['EARNED', ada, '9'],
      ]);
      expect(heard[2].member).toMatchObject({ displayName: 'Lin', tier: { code: expect.any(String) } });
      expect(heard.map(({ source }) => source)).toEqual([null, null, null, null]);
      stream.stop();

      const record = `mutation($input: RecordActivityInput!) {
        recordActivity(input: $input) { userErrors { code } } }`;
      const input = {
        ...{ idempotencyKey: newRequestKey(), memberId: lin, type: 'sign_in' },
        source: { channel: 'MINI_PROGRAM', store: 'SH-001' },
      };
      await gateway.ask(record, { input });
      await post('earn', lin, '5');
      const again = new Stream(connect(staff()), {
        query,
        variables: { after: heard[3].cursor, filter: { assets: ['points'] } },
      });
      const rest = await again.events(2);
      expect(rest[0].source).toMatchObject({ channel: 'MINI_PROGRAM', store: 'SH-001' });
      expect(rest[1].entry).toMatchObject({ amount: '5', balanceAfter: expect.any(String) });
    });

    it('hears why it may not follow, by a code', async () => {
      const memberId = await enrol(gateway);
      const me = connect(await gateway.asMember(memberId));
      const code = async (document: Parameters<LiveClient['follow']>[0]): Promise<string> => {
        const { errors = [] } = await new Stream(me, document).next();
        return errors[0].extensions?.code;
      };
      const { query, variables } = await readDocument('22', { memberId });
      expect(await code({ query, variables: { ...variables, after: 'forged' } })).toBe('CURSOR_INVALID');
      expect(await code({ query, variables: { memberId: gateway.demo.memberId } })).toBe('NOT_FOUND');
      expect(await code(await readDocument('23'))).toBe('FORBIDDEN');
    });
  });
});

it('a program read first and followed from its cursor has no gap, and no member may read that', async () => {
  const memberId = await enrol(gateway);
  const { errors } = await gateway.ask('{ program { eventCursor } }', {}, await gateway.asMember(memberId));
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
});
