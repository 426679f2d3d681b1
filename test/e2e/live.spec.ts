import { print } from 'graphql';
import { operatorContext } from '../../src/boot/index.ts';
import { composeApplication, createLogger } from '../../src/compose.ts';
import { settleTenant } from '../../src/jobs/settle.ts';
import { type Following, follow } from '../support/following.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { execute } from '../support/typed-client.ts';
import {
  AdjustDocument,
  CardDocument,
  EarnDocument,
  FollowDocument,
  type FollowSubscriptionVariables,
  RecordDocument,
  RedeemDocument,
} from './generated/graphql.ts';

let gateway: TestGateway;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  // Far from a midnight, at which what is pending falls due.
  await gateway.setClock('2026-11-20T12:00:00+08:00');
});
afterAll(() => gateway.close());

const open: Following[] = [];
beforeEach(async () => {
  memberId = await enrol(gateway);
});
afterEach(async () => {
  for (const following of open.splice(0)) await following.stop();
});

function followMember(
  variables: Partial<FollowSubscriptionVariables>,
  credentials?: Record<string, string>,
): Following {
  const query = print(FollowDocument);
  const following = follow(gateway, { query, variables: { memberId, ...variables } }, credentials);
  open.push(following);
  return following;
}

async function earn(amount = '1', input: Record<string, string> = {}): Promise<Json> {
  const whole = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount, ...input };
  return (await execute(gateway, EarnDocument, { input: whole })).earnPoints;
}

async function redeem(amount = '1'): Promise<Json> {
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount };
  return (await execute(gateway, RedeemDocument, { input })).redeemPoints;
}

async function eventCursor(): Promise<string> {
  const { member } = await execute(gateway, CardDocument, { id: memberId, soon: 'P1D' });
  return member?.ledger?.eventCursor ?? '';
}

async function events(following: Following, count: number): Promise<Json[]> {
  const heard: Json[] = [];
  while (heard.length < count) heard.push(await following.event());
  return heard;
}

const summary = ({ type, entry, ledger }: Json) => [
  type,
  entry.version,
  entry.amount,
  ledger.balance.available,
  ledger.balance.pending,
];

describe('a member’s events', () => {
  it('come in the order of versions, each with the ledger as its entry left it', async () => {
    const following = followMember({ asset: 'points', after: await eventCursor() });
    const earned = await earn('50', { reason: 'goodwill' });
    await redeem('30');
    const input = {
      idempotencyKey: newRequestKey(),
      memberId,
      type: 'purchase',
      amount: { value: '100', currency: 'CNY' },
    };
    await execute(gateway, RecordDocument, { input });
    const correction = {
      idempotencyKey: newRequestKey(),
      memberId,
      asset: 'points',
      amount: '-5',
      reason: 'count',
    };
    await execute(gateway, AdjustDocument, { input: correction });
    const heard = await events(following, 4);
    expect(heard.map(summary)).toEqual([
      ['EARNED', '2', '50', '150', '0'],
      ['REDEEMED', '3', '-30', '120', '0'],
      ['PENDING', '4', '10', '120', '10'],
      ['ADJUSTED', '5', '-5', '115', '10'],
    ]);
    const [first] = heard;
    const { allocations: _, entries, ...operation } = earned.operation;
    expect(first).toEqual({
      cursor: expect.any(String),
      type: 'EARNED',
      occurredAt: entries[0].occurredAt,
      entry: { ...entries[0], operation: { id: operation.id, kind: 'EARN' } },
      ledger: { ...earned.ledger, eventCursor: first.cursor },
      nudge: null,
    });
    const cursors = heard.map(({ cursor }) => cursor);
    expect(new Set(cursors).size).toBe(4);
    for (const cursor of cursors) expect(Buffer.byteLength(cursor)).toBeLessThanOrEqual(64);
  });

  it('tell what time did, when that is written down', async () => {
    const following = followMember({ asset: 'points', after: await eventCursor() });
    const [dueAt, overAt] = ['2026-11-20T13:00:00+08:00', '2026-11-20T14:00:00+08:00'];
    await earn('10', { availableAt: dueAt, expiresAt: overAt });
    for (const moment of [dueAt, overAt]) {
      await gateway.setClock(moment);
      await settleTenant(gateway.application.jobs, gateway.tenantKey);
    }
    expect((await events(following, 3)).map(summary)).toEqual([
      ['PENDING', '2', '10', '100', '10'],
      ['MATURED', '3', '10', '110', '0'],
      ['EXPIRED', '4', '-10', '100', '0'],
    ]);
  });

  it('begin at the moment of subscribing without a cursor', async () => {
    const following = followMember({ asset: 'points' });
    let heard: Json = null;
    const hearing = following.event().then((event) => {
      heard = event;
    });
    // Nothing says when a subscription stands, so one earns until it is heard.
    const posted: string[] = [];
    while (heard === null) posted.push((await earn()).ledger.version);
    await hearing;
    expect(posted).toContain(heard.entry.version);
    const missed = posted.filter((version) => Number(version) > Number(heard.entry.version));
    await redeem();
    const rest = await events(following, missed.length + 1);
    expect(rest.map(({ entry }) => entry.version)).toEqual([...missed, String(Number(posted.at(-1)) + 1)]);
  });

  it('are of one asset, or of all of them in the order of their commits', async () => {
    await earn('9');
    const after = await eventCursor();
    await earn('1');
    await earn('2', { asset: 'growth' });
    await earn('3', { asset: 'token' });
    await earn('4');
    const amounts = async (asset: string | null, count: number) =>
      (await events(followMember({ asset, after }), count)).map(({ entry }) => [
        entry.asset.code,
        entry.amount,
      ]);
    expect(await amounts('growth', 1)).toEqual([['growth', '2']]);
    expect(await amounts('points', 2)).toEqual([
      ['points', '1'],
      ['points', '4'],
    ]);
    expect(await amounts(null, 4)).toEqual([
      ['points', '1'],
      ['growth', '2'],
      ['token', '3'],
      ['points', '4'],
    ]);
  });

  it('go on behind a cursor: just what was missed, and then what comes', async () => {
    const after = await eventCursor();
    const before = followMember({ asset: 'points', after });
    await earn('1');
    await earn('2');
    const [first] = await events(before, 1);
    await before.stop();
    await redeem('3');
    await earn('4');
    const again = followMember({ asset: 'points', after: first.cursor });
    expect((await events(again, 3)).map(({ entry }) => entry.amount)).toEqual(['2', '-3', '4']);
    await earn('5');
    expect((await again.event()).entry.amount).toBe('5');
    const fromCard = followMember({ asset: 'points', after: await eventCursor() });
    await earn('6');
    expect((await fromCard.event()).entry.amount).toBe('6');
    expect((await again.event()).entry.amount).toBe('6');
  });

  it('are caught up with by hundreds', async () => {
    const after = await eventCursor();
    const amounts = Array.from({ length: 210 }, (_, index) => String(index + 1));
    await Promise.all(amounts.map((amount) => earn(amount)));
    const heard = await events(followMember({ asset: 'points', after }), 210);
    expect(heard.map(({ entry }) => Number(entry.version))).toEqual(amounts.map((_, index) => index + 2));
    expect(heard.map(({ entry }) => entry.amount).sort()).toEqual(amounts.sort());
  });

  it('come to every follower of the same member', async () => {
    const after = await eventCursor();
    const followers = Array.from({ length: 5 }, () => followMember({ asset: 'points', after }));
    await earn('1');
    const heard = await Promise.all(followers.map((following) => following.event()));
    for (const event of heard) expect(event).toEqual(heard[0]);
  });

  it('come when another process posted them', async () => {
    const following = followMember({ asset: 'points', after: await eventCursor() });
    const { config, database } = gateway;
    const another = await composeApplication({
      config,
      databaseUrl: database.appUrl,
      plugins: [],
      logger: createLogger('silent'),
    });
    try {
      const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: 77n };
      await another.services.ledgers.earn(operatorContext(gateway.tenantKey, 'test'), input);
      expect(summary(await following.event())).toEqual(['EARNED', '2', '77', '177', '0']);
    } finally {
      await another.close();
    }
  });
});

describe('a member', () => {
  it('follows themselves', async () => {
    const me = await gateway.asMember(memberId);
    const following = followMember({ asset: 'points', after: await eventCursor() }, me);
    await earn('1');
    expect(await following.event()).toMatchObject({ type: 'EARNED', entry: { version: '2' } });
  });

  it.each([
    ['somebody else', () => gateway.demo.memberId],
    ['nobody', () => 'mem_01jdb4g8vse3aaaaaaaaaaaaaa'],
    ['what is no member', () => 'nonsense'],
  ])('can’t follow %s', async (_, id) => {
    const me = await gateway.asMember(memberId);
    const { data = null, errors } = await followMember({ memberId: id() }, me).result();
    expect(data).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND', field: ['memberId'] } }]);
  });
});

it.each([
  ['an invented cursor', async () => 'invented'],
  ['an empty cursor', async () => ''],
  [
    'a cursor of another list',
    async () =>
      (await execute(gateway, CardDocument, { id: memberId, soon: 'P1D' })).member?.ledger?.entries.pageInfo
        .endCursor ?? '',
  ],
])('%s is refused', async (_, cursor) => {
  const { errors } = await followMember({ after: await cursor() }).result();
  expect(errors).toMatchObject([{ extensions: { code: 'CURSOR_INVALID', field: ['after'] } }]);
});

it('a cursor with an invented place in it is refused', async () => {
  const binding = Buffer.from(await eventCursor(), 'base64url').subarray(0, 6);
  for (const place of ['!', '-', 'NaN', '1.5', ' ']) {
    const after = Buffer.concat([binding, Buffer.from(place)]).toString('base64url');
    const { errors } = await followMember({ after }).result();
    expect(errors).toMatchObject([{ extensions: { code: 'CURSOR_INVALID' } }]);
  }
});

it('a stream that breaks off keeps to itself why', async () => {
  const following = followMember({ asset: 'points', after: await eventCursor() });
  await earn('1');
  await following.event();
  await gateway.sql('alter table entry rename to entry_away');
  try {
    await gateway.sql('update tenant_feed set position = position + 1');
    await expect(following.event()).rejects.toMatchObject([
      { extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ]);
  } finally {
    await gateway.sql('alter table entry_away rename to entry');
  }
});
