import { fromPublicId } from '../../src/kernel/ids.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { acting, END, NOON, PROGRAM } from './acting.ts';

let gateway: TestGateway;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  await gateway.application.services.programs.apply(gateway.tenantKey, PROGRAM, 'a test');
});
afterAll(() => gateway.close());
beforeEach(async () => {
  await gateway.setClock(NOON);
  memberId = await enrol(gateway);
});

const { send, done, expectRefused } = acting(() => gateway);
const give = async (code: string, input: Json = {}): Promise<Json> =>
  (await done('grantBenefit', { memberId, benefit: code, ...input })).grant;

describe('a use', () => {
  it('counts down, and keeps where it was and what for', async () => {
    const { id } = await give('tea');
    const order = { number: 'A-1', amount: { value: '88.5', currency: 'CNY' } };
    const first = await done('useBenefit', {
      grantId: id,
      source: { channel: 'POS', store: 'SH-001' },
      order,
    });
    expect(first).toMatchObject({
      use: {
        channel: 'POS',
        store: 'SH-001',
        orderNumber: 'A-1',
        orderAmount: { value: '88.50', currency: 'CNY' },
        undoneAt: null,
        effect: { kind: 'GIFT', value: 'TEA' },
      },
      grant: { id, status: 'AVAILABLE', usesLeft: 1 },
    });
    const second = await done('useBenefit', { grantId: id });
    expect(second.use).toMatchObject({ channel: null, orderNumber: null, orderAmount: null });
    expect(second.grant).toMatchObject({ status: 'USED_UP', usesLeft: 0 });
    await expectRefused('useBenefit', { grantId: id }, 'NO_USES_LEFT', ['grantId']);

    const query = `query($id: ID!, $after: String) { node(id: $id) { ... on Grant {
      status uses(first: 1, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } } } }`;
    const { node } = (await gateway.ask(query, { id })).data;
    expect(node.status).toBe('USED_UP');
    expect(node.uses.edges).toEqual([{ node: { id: second.use.id } }]);
    const after = node.uses.pageInfo.endCursor;
    const next = (await gateway.ask(query, { id, after })).data.node.uses;
    expect(next).toMatchObject({ edges: [{ node: { id: first.use.id } }], pageInfo: { hasNextPage: false } });
    const { id: other } = await give('tea');
    expect((await gateway.ask(query, { id: other, after })).errors).toMatchObject([
      { extensions: { code: 'CURSOR_INVALID' } },
    ]);
  });

  it('of a benefit without a limit never ends', async () => {
    const { id } = await give('gold-discount');
    for (let count = 0; count < 3; count += 1) {
      expect(await done('useBenefit', { grantId: id })).toMatchObject({
        use: { effect: { kind: 'PERCENT_OFF', value: '10' } },
        grant: { status: 'AVAILABLE', usesLeft: null },
      });
    }
  });

  it('counts for a member’s local day, over all of their grants', async () => {
    const [{ id }, { id: another }] = [await give('lounge'), await give('lounge')];
    await done('useBenefit', { grantId: id });
    for (const grantId of [id, another]) {
      const message = await expectRefused('useBenefit', { grantId }, 'GRANT_LIMIT', ['grantId']);
      expect(message).toContain('uses.perDay');
    }
    await gateway.setClock('2026-11-20T23:59:00+08:00');
    await expectRefused('useBenefit', { grantId: another }, 'GRANT_LIMIT', ['grantId']);
    await gateway.setClock('2026-11-21T00:00:00+08:00');
    const { use } = await done('useBenefit', { grantId: another });
    await expectRefused('useBenefit', { grantId: id }, 'GRANT_LIMIT', ['grantId']);
    // Undone on a later day, it counts no longer on its own.
    await gateway.setClock('2026-11-22T12:00:00+08:00');
    await done('useBenefit', { grantId: id });
    await done('undoBenefitUse', { useId: use.id, reason: 'cancelled' });
    await expectRefused('useBenefit', { grantId: id }, 'GRANT_LIMIT', ['grantId']);
    const own = await gateway.sql(
      `select window_start::text as day, used::int from limit_counter where subject = 'benefit:lounge:uses'
        order by 1`,
    );
    expect(own).toEqual([
      { day: '2026-11-20', used: 1 },
      { day: '2026-11-21', used: 0 },
      { day: '2026-11-22', used: 1 },
    ]);
  });

  it('counts for all members together', async () => {
    const { id } = await give('launch');
    const { id: another } = await give('launch', { memberId: await enrol(gateway) });
    const { use } = await done('useBenefit', { grantId: id });
    await done('useBenefit', { grantId: another });
    const message = await expectRefused('useBenefit', { grantId: id }, 'GRANT_LIMIT', ['grantId']);
    expect(message).toContain('uses.total');
    await done('undoBenefitUse', { useId: use.id, reason: 'cancelled' });
    await done('useBenefit', { grantId: another });
    await expectRefused('useBenefit', { grantId: id }, 'GRANT_LIMIT', ['grantId']);
  });

  it('can be undone once, and the grant is as before', async () => {
    const { id } = await give('birthday-gift');
    const { use } = await done('useBenefit', { grantId: id });
    const undone = await done('undoBenefitUse', { useId: use.id, reason: 'cancelled' });
    expect(undone).toMatchObject({
      use: { id: use.id, undoneAt: expect.any(String), undoReason: 'cancelled' },
      grant: { id, status: 'AVAILABLE', usesLeft: 1 },
    });
    const again = { useId: use.id, reason: 'cancelled' };
    await expectRefused('undoBenefitUse', again, 'USE_ALREADY_UNDONE', ['useId']);
    expect((await done('useBenefit', { grantId: id })).grant.usesLeft).toBe(0);
  });

  it.each<[string, Json, string, string[]]>([
    ['an id that is none', { grantId: 'grt_1' }, 'GRANT_NOT_FOUND', ['grantId']],
    ['an unknown id', { grantId: 'grt_01jdb4g8vse3aaaaaaaaaaaaaa' }, 'GRANT_NOT_FOUND', ['grantId']],
    ['an empty order', { order: { number: '' } }, 'ORDER_INVALID', ['order', 'number']],
    ['a long order', { order: { number: 'x'.repeat(101) } }, 'ORDER_INVALID', ['order', 'number']],
    [
      'another currency',
      { order: { number: '1', amount: { value: '1', currency: 'EUR' } } },
      'CURRENCY_MISMATCH',
      ['order', 'amount', 'currency'],
    ],
    [
      'less than nothing',
      { order: { number: '1', amount: { value: '-1', currency: 'CNY' } } },
      'MONEY_INVALID',
      ['order', 'amount', 'value'],
    ],
    [
      'a part of a cent',
      { order: { number: '1', amount: { value: '0.001', currency: 'CNY' } } },
      'MONEY_INVALID',
      ['order', 'amount', 'value'],
    ],
    ['a long store', { source: { store: 'x'.repeat(65) } }, 'TEXT_TOO_LONG', ['source', 'store']],
  ])('is refused for %s', async (_, input, code, field) => {
    const { id } = await give('tea');
    await expectRefused('useBenefit', { grantId: id, ...input }, code, field);
  });

  it('is refused when the grant was revoked, and for members who are not active', async () => {
    const { id } = await give('tea');
    await gateway.sql(`update member set status = 'BLOCKED' where member_id = $1`, [
      fromPublicId('member', memberId),
    ]);
    await expectRefused('useBenefit', { grantId: id }, 'MEMBER_NOT_ACTIVE', ['grantId']);
    await gateway.sql(`update member set status = 'ACTIVE' where status = 'BLOCKED'`);
    await done('revokeGrant', { grantId: id, reason: 'by mistake' });
    await expectRefused('useBenefit', { grantId: id }, 'GRANT_NOT_AVAILABLE', ['grantId']);
  });

  it.each<[string, Json, string, string[]]>([
    ['revokeGrant', { grantId: 'grt_1', reason: 'x' }, 'GRANT_NOT_FOUND', ['grantId']],
    [
      'revokeGrant',
      { grantId: 'grt_01jdb4g8vse3aaaaaaaaaaaaaa', reason: 'x' },
      'GRANT_NOT_FOUND',
      ['grantId'],
    ],
    ['revokeGrant', { grantId: 'grt_1', reason: 'x'.repeat(501) }, 'TEXT_TOO_LONG', ['reason']],
    ['undoBenefitUse', { useId: 'use_1', reason: 'x' }, 'USE_NOT_FOUND', ['useId']],
    ['undoBenefitUse', { useId: 'use_01jdb4g8vse3aaaaaaaaaaaaaa', reason: 'x' }, 'USE_NOT_FOUND', ['useId']],
    ['undoBenefitUse', { useId: 'use_1', reason: 'x'.repeat(501) }, 'TEXT_TOO_LONG', ['reason']],
  ])('%s of %p is refused', (name, input, code, field) => expectRefused(name, input, code, field));
});

describe('a key', () => {
  it('gives its first answer again, whatever happened to the grant meanwhile', async () => {
    const asked: [string, Json, Json][] = [];
    const act = async (name: string, input: Json): Promise<Json> => {
      const whole = { idempotencyKey: newRequestKey(), ...input };
      const answer = await done(name, whole);
      asked.push([name, whole, answer]);
      return answer;
    };
    const { grant } = await act('grantBenefit', { memberId, benefit: 'tea', validUntil: END });
    const { use } = await act('useBenefit', { grantId: grant.id });
    await act('useBenefit', { grantId: grant.id });
    await act('undoBenefitUse', { useId: use.id, reason: 'cancelled' });
    const { use: last } = await act('useBenefit', { grantId: grant.id });
    await act('revokeGrant', { grantId: grant.id, reason: 'by mistake' });
    await act('undoBenefitUse', { useId: last.id, reason: 'cancelled' });
    await gateway.advanceClock('60 days');
    for (const [name, input, answer] of asked) {
      const replayed = await expectNothingWritten(gateway, () => send(name, { ...input, dryRun: true }));
      expect(replayed).toEqual(answer);
    }
    const input = asked[0]?.[1];
    const { userErrors } = await send('grantBenefit', { ...input, benefit: 'cup' });
    expect(userErrors).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT' }]);
  });

  it('of another member’s use tells a member nothing', async () => {
    const { id } = await give('tea');
    const input = { idempotencyKey: newRequestKey(), grantId: id };
    await done('useBenefit', input);
    const other = await gateway.asMember(await enrol(gateway));
    await expectRefused('useBenefit', input, 'GRANT_NOT_FOUND', ['grantId'], other);
  });
});

it('a dry run answers as the real one would, and writes nothing', async () => {
  const { id } = await give('cup');
  const { use } = await done('useBenefit', { grantId: (await give('tea')).id });
  const inputs: [string, Json][] = [
    ['grantBenefit', { memberId, benefit: 'birthday-gift' }],
    ['revokeGrant', { grantId: id, reason: 'x' }],
    ['useBenefit', { grantId: id }],
    ['undoBenefitUse', { useId: use.id, reason: 'x' }],
  ];
  for (const [name, input] of inputs) {
    const tried = await expectNothingWritten(gateway, () => done(name, { ...input, dryRun: true }));
    expect(tried.grant).not.toBeNull();
  }
  await done('useBenefit', { grantId: id });
  await done('revokeGrant', { grantId: id, reason: 'x' });
});
