import { fromPublicId } from '../../src/kernel/ids.ts';
import { acting, END, MUTATIONS, NOON, PROGRAM } from '../benefits/acting.ts';
import { newTenant } from '../ledger/tenants.ts';
import { describeDocuments, readDocument } from '../support/documents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';

const GRANTS = `query($id: ID!, $status: GrantStatus, $first: Int!, $after: String) {
  member(id: $id) { grants(status: $status, first: $first, after: $after) {
    edges { node { id status usesLeft source benefit { code } } } pageInfo { hasNextPage endCursor } } } }`;

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

const { done, expectRefused } = acting(() => gateway);
const give = async (code: string, input: Json = {}): Promise<Json> =>
  (await done('grantBenefit', { memberId, benefit: code, ...input })).grant;

describeDocuments('the clients’ documents', () => {
  it('15 grants, and 16 uses at the till', async () => {
    const grant = await readDocument('15', { memberId });
    const granted = (await gateway.ask(grant.query, grant.variables)).data.grantBenefit;
    expect(granted).toEqual({
      grant: {
        id: expect.stringMatching(/^grt_/),
        status: 'AVAILABLE',
        usesLeft: 1,
        validFrom: expect.stringMatching(/^2026-11-20T04:00:/),
        validUntil: END,
        benefit: { code: 'birthday-gift', name: '生日礼', kind: 'GIFT', level: 'BASIC' },
      },
      userErrors: [],
    });
    const use = await readDocument('16', { grantId: granted.grant.id });
    const first = (await gateway.ask(use.query, use.variables)).data.useBenefit;
    expect(first).toEqual({
      use: {
        id: expect.stringMatching(/^use_/),
        usedAt: expect.stringMatching(/^2026-11-20T04:00:/),
        channel: 'POS',
        effect: { kind: 'GIFT', value: 'TEA-GIFT-BOX' },
      },
      grant: { id: granted.grant.id, status: 'USED_UP', usesLeft: 0 },
      userErrors: [],
    });
    expect((await gateway.ask(use.query, use.variables)).data.useBenefit).toEqual(first);
    expect((await gateway.ask(grant.query, grant.variables)).data.grantBenefit).toEqual(granted);
  });

  it('04 shows what is available', async () => {
    const { id } = await give('tea');
    await give('tea', { validFrom: '2027-01-01T00:00:00Z' });
    const card = await readDocument('04', { memberId });
    const { grants } = (await gateway.ask(card.query, card.variables)).data.member;
    expect(grants.edges).toEqual([
      {
        node: {
          id,
          status: 'AVAILABLE',
          usesLeft: 2,
          validUntil: null,
          benefit: { code: 'tea', name: 'tea', kind: 'GIFT', level: 'BASIC' },
        },
      },
    ]);
  });
});

describe('the catalogue', () => {
  it('is shown to staff; members see what tiers carry, and not what bounds granting', async () => {
    const shown = '{ benefits { code name kind level value uses { perGrant perDay total } } }';
    const me = await gateway.asMember(memberId);
    const { data } = await gateway.ask(shown);
    expect(data.benefits[2]).toEqual({
      code: 'gold-discount',
      name: '黄金会员折扣',
      kind: 'PERCENT_OFF',
      level: 'TOP',
      value: '10',
      uses: { perGrant: null, perDay: null, total: null },
    });
    const inside = '{ benefits { code stock limits { perMember perDay total } } }';
    expect((await gateway.ask(inside)).data.benefits).toContainEqual({
      code: 'cup',
      stock: 2,
      limits: { perMember: null, perDay: null, total: null },
    });
    const carried = '{ tierLadder { tiers { benefits { code value } } } }';
    expect((await gateway.ask(carried, {}, me)).data).toEqual((await gateway.ask(carried)).data);
    const bounds = '{ tierLadder { tiers { benefits { code stock limits { total } } } } }';
    for (const query of [shown, bounds]) {
      expect(await gateway.ask(query, {}, me)).toMatchObject({
        data: null,
        errors: [{ extensions: { code: 'FORBIDDEN' } }],
      });
    }
  });
});

describe('a grant by hand', () => {
  it('begins and ends as it is asked to', async () => {
    const validFrom = '2026-12-01T00:00:00.000Z';
    const validUntil = '2026-12-02T00:00:00.000Z';
    const grant = await give('birthday-gift', { validFrom, validUntil, reason: 'service recovery' });
    expect(grant).toMatchObject({
      status: 'SCHEDULED',
      source: 'HAND',
      reason: 'service recovery',
      validFrom,
      validUntil,
      revokedAt: null,
      benefit: { value: 'TEA-GIFT-BOX', uses: { perGrant: 1, perDay: null, total: null } },
    });
    await expectRefused('useBenefit', { grantId: grant.id }, 'GRANT_NOT_AVAILABLE', ['grantId']);
    await gateway.setClock('2026-12-01T08:00:00+08:00');
    expect((await done('useBenefit', { grantId: grant.id })).grant.status).toBe('USED_UP');
  });

  it('is valid until its 30th local day ends', async () => {
    const [{ id: early }, { id: late }] = [await give('birthday-gift'), await give('birthday-gift')];
    await gateway.setClock('2026-12-20T23:59:00+08:00');
    expect((await done('useBenefit', { grantId: early })).grant.usesLeft).toBe(0);
    await gateway.setClock('2026-12-21T00:00:00+08:00');
    const message = await expectRefused('useBenefit', { grantId: late }, 'GRANT_EXPIRED', ['grantId']);
    expect(message).toContain(END);
  });

  it.each<[string, Json, string, string[]]>([
    ['nobody', { memberId: 'mem_1' }, 'MEMBER_NOT_FOUND', ['memberId']],
    ['a stranger', { memberId: 'mem_01jdb4g8vse3aaaaaaaaaaaaaa' }, 'MEMBER_NOT_FOUND', ['memberId']],
    ['an unknown benefit', { benefit: 'yacht' }, 'BENEFIT_NOT_FOUND', ['benefit']],
    ['a long reason', { reason: 'x'.repeat(501) }, 'TEXT_TOO_LONG', ['reason']],
    ['an end that has passed', { validUntil: '2026-11-20T03:59:59Z' }, 'VALIDITY_INVALID', ['validUntil']],
    [
      'an end that is the beginning',
      { validFrom: '2026-12-01T00:00:00Z', validUntil: '2026-12-01T00:00:00Z' },
      'VALIDITY_INVALID',
      ['validUntil'],
    ],
    [
      'a beginning so old that it has ended',
      { benefit: 'birthday-gift', validFrom: '2026-10-01T00:00:00Z' },
      'VALIDITY_INVALID',
      ['validFrom'],
    ],
  ])('is refused for %s', async (_, input, code, field) => {
    await expectRefused('grantBenefit', { memberId, benefit: 'tea', ...input }, code, field);
  });

  it('is refused for members who are not active', async () => {
    await gateway.sql(`update member set status = 'BLOCKED' where member_id = $1`, [
      fromPublicId('member', memberId),
    ]);
    await expectRefused('grantBenefit', { memberId, benefit: 'tea' }, 'MEMBER_NOT_ACTIVE', ['memberId']);
  });

  it('stays within limits, and says which is reached', async () => {
    await give('one-each');
    const each = { memberId, benefit: 'one-each' };
    expect(await expectRefused('grantBenefit', each, 'GRANT_LIMIT', ['benefit'])).toContain(
      'limits.perMember',
    );
    await give('one-each', { memberId: await enrol(gateway) });

    await give('one-a-day');
    const daily = { memberId: await enrol(gateway), benefit: 'one-a-day' };
    expect(await expectRefused('grantBenefit', daily, 'GRANT_LIMIT', ['benefit'])).toContain('limits.perDay');
    await gateway.setClock('2026-11-20T23:59:00+08:00');
    await expectRefused('grantBenefit', daily, 'GRANT_LIMIT', ['benefit']);
    await gateway.setClock('2026-11-21T00:00:00+08:00');
    await done('grantBenefit', daily);

    await give('only-two');
    const { id } = await give('only-two');
    const total = { memberId, benefit: 'only-two' };
    expect(await expectRefused('grantBenefit', total, 'GRANT_LIMIT', ['benefit'])).toContain('limits.total');
    await done('revokeGrant', { grantId: id, reason: 'by mistake' });
    await expectRefused('grantBenefit', total, 'GRANT_LIMIT', ['benefit']);
  });
});

it('a tier’s benefits are there while it is held', async () => {
  const earn = 'mutation($input: EarnPointsInput!) { earnPoints(input: $input) { userErrors { code } } }';
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'growth', amount: '2000' };
  expect((await gateway.ask(earn, { input })).data.earnPoints.userErrors).toEqual([]);
  const { edges } = (await gateway.ask(GRANTS, { id: memberId, first: 9 })).data.member.grants;
  const shown = edges.map(({ node }: Json) => [node.benefit.code, node.source, node.status, node.usesLeft]);
  expect(shown.sort()).toEqual([
    ['free-shipping', 'TIER', 'AVAILABLE', null],
    ['gold-discount', 'TIER', 'AVAILABLE', null],
  ]);
  const [{ node }] = edges;
  expect((await done('useBenefit', { grantId: node.id })).grant.status).toBe('AVAILABLE');
});

describe('stock', () => {
  it('comes back with an unused grant alone, and with a use that is undone after all', async () => {
    const cup = { memberId, benefit: 'cup' };
    const [first, second] = [await give('cup'), await give('cup')];
    expect(await expectRefused('grantBenefit', cup, 'GRANT_LIMIT', ['benefit'])).toContain('stock');
    const { grant } = await done('revokeGrant', { grantId: first.id, reason: 'by mistake' });
    expect(grant).toMatchObject({
      status: 'REVOKED',
      revokeReason: 'by mistake',
      revokedAt: expect.any(String),
    });
    const third = await give('cup');
    const { use } = await done('useBenefit', { grantId: second.id });
    await done('revokeGrant', { grantId: second.id, reason: 'by mistake' });
    await expectRefused('grantBenefit', cup, 'GRANT_LIMIT', ['benefit']);
    const undone = await done('undoBenefitUse', { useId: use.id, reason: 'not given' });
    expect(undone.grant.status).toBe('REVOKED');
    await give('cup');
    await expectRefused('grantBenefit', cup, 'GRANT_LIMIT', ['benefit']);
    await done('revokeGrant', { grantId: third.id, reason: 'by mistake' });
    await expectRefused('revokeGrant', { grantId: third.id, reason: 'again' }, 'GRANT_NOT_AVAILABLE', [
      'grantId',
    ]);
  });
});

describe('a member', () => {
  it('uses and sees their own grants alone', async () => {
    const { id } = await give('tea');
    const [me, other] = await Promise.all([
      gateway.asMember(memberId),
      enrol(gateway).then((another) => gateway.asMember(another)),
    ]);
    await expectRefused('useBenefit', { grantId: id }, 'GRANT_NOT_FOUND', ['grantId'], other);
    expect((await done('useBenefit', { grantId: id }, me)).grant.usesLeft).toBe(1);
    const node = 'query($id: ID!) { node(id: $id) { __typename id } }';
    expect((await gateway.ask(node, { id }, me)).data).toEqual({ node: { __typename: 'Grant', id } });
    expect((await gateway.ask(node, { id }, other)).data).toEqual({ node: null });
    for (const name of ['grantBenefit', 'revokeGrant', 'undoBenefitUse']) {
      const answer = await gateway.ask(MUTATIONS[name] ?? '', { input: {} }, me);
      expect(answer).toMatchObject({ data: null, errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    }
  });

  it('of another tenant is not there, and neither are their grants', async () => {
    const tenant = await newTenant(gateway.application, 'coffee', PROGRAM);
    const { benefits } = gateway.application.services;
    const { id } = await give('tea');
    const { use } = await done('useBenefit', { grantId: id });
    const input = { idempotencyKey: newRequestKey(), reason: 'x' };
    const coded = (code: string) => ({ reasons: [expect.objectContaining({ code })] });
    const { ctx } = tenant;
    await expect(benefits.revoke(ctx, { ...input, grantId: id })).rejects.toMatchObject(
      coded('GRANT_NOT_FOUND'),
    );
    await expect(benefits.use(ctx, { ...input, grantId: id })).rejects.toMatchObject(
      coded('GRANT_NOT_FOUND'),
    );
    await expect(benefits.undo(ctx, { ...input, useId: use.id })).rejects.toMatchObject(
      coded('USE_NOT_FOUND'),
    );
    await expect(benefits.grant(ctx, { ...input, memberId, benefit: 'tea' })).rejects.toMatchObject(
      coded('MEMBER_NOT_FOUND'),
    );
  });
});

it('a list of grants can be of one status, and is paged newest first', async () => {
  const ids: Record<string, string[]> = {};
  const keep = async (status: string, input: Json = {}): Promise<string> => {
    const { id } = await give('birthday-gift', input);
    ids[status] = [id, ...(ids[status] ?? [])];
    return id;
  };
  for (let round = 0; round < 3; round += 1) {
    await keep('AVAILABLE');
    await keep('SCHEDULED', { validFrom: '2026-11-25T00:00:00Z' });
    await keep('EXPIRED', { validUntil: '2026-11-20T05:00:00Z' });
    await done('useBenefit', { grantId: await keep('USED_UP') });
    await done('revokeGrant', { grantId: await keep('REVOKED'), reason: 'x' });
  }
  await gateway.advanceClock('2 hours');
  for (const [status, own] of Object.entries(ids)) {
    const first = (await gateway.ask(GRANTS, { id: memberId, status, first: 2 })).data.member.grants;
    const after = first.pageInfo.endCursor;
    const rest = (await gateway.ask(GRANTS, { id: memberId, status, first: 2, after })).data.member.grants;
    const nodes = [...first.edges, ...rest.edges].map(({ node }: Json) => [node.id, node.status]);
    expect(nodes).toEqual(own.map((id) => [id, status]));
    expect([first.pageInfo.hasNextPage, rest.pageInfo.hasNextPage]).toEqual([true, false]);
  }
  const all = (await gateway.ask(GRANTS, { id: memberId, first: 100 })).data.member.grants.edges;
  expect(all).toHaveLength(15);
});
