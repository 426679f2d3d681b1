import {
  type GrantContext,
  GrantWriter,
  TierGrants,
  type WantedGrant,
} from '../../src/domain/benefits/index.ts';
import { fromPublicId, newKey, toPublicId } from '../../src/kernel/ids.ts';
import type { Transaction } from '../../src/persistence/index.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { acting } from './acting.ts';
import { benefit, demoWith } from './programs.ts';

const PROGRAM = demoWith(
  [
    benefit('tea', { stock: 3, uses: { perGrant: 1 } }),
    benefit('cup', { limits: { perMember: 1 } }),
    benefit('spa'),
  ],
  (demo) => ({
    ...demo,
    ladders: [
      ...demo.ladders,
      {
        code: 'vip',
        name: { en: 'VIP' },
        metric: 'orders',
        window: 'LIFETIME',
        tiers: [
          { code: 'guest', name: { en: 'Guest' }, threshold: '0.00', hidden: false, benefits: ['spa'] },
          {
            code: 'vip',
            name: { en: 'VIP' },
            threshold: '3',
            hidden: false,
            benefits: ['free-shipping', 'tea'],
          },
        ],
      },
    ],
  }),
);

let gateway: TestGateway;
let members: string[];
beforeAll(async () => {
  gateway = await startTestGateway();
  await gateway.application.services.programs.apply(gateway.tenantKey, PROGRAM, 'a test');
});
afterAll(() => gateway.close());
beforeEach(async () => {
  const ids = [await enrol(gateway), await enrol(gateway)];
  members = ids.map((id) => fromPublicId('member', id) ?? '');
});

const { done } = acting(() => gateway);

async function within<Result>(
  act: (tx: Transaction, context: GrantContext) => Promise<Result>,
): Promise<Result> {
  const { tenantKey, application } = gateway;
  const program = await application.services.programs.inForce(tenantKey);
  return await application.database.transaction(tenantKey, async (tx) => {
    const { now } = await tx.facts;
    return await act(tx, { tenantKey, program, now });
  });
}

function wanted(code: string, given: Partial<WantedGrant> = {}): WantedGrant {
  return {
    grantKey: newKey(),
    memberKey: members[0] ?? '',
    benefit: code,
    source: 'RULE',
    reason: 'birthday',
    rule: 'birthday-gift',
    activityKey: null,
    grantedBy: null,
    ...given,
  };
}

/** A member's grants as they are stored, oldest first. */
async function grantsOf(index: number): Promise<Json[]> {
  return await gateway.sql(
    `select benefit, source, revoked_at is not null as revoked, tier_held as held, grant_id as key
       from benefit_grant where member_id = $1 order by grant_id`,
    [members[index]],
  );
}

describe('the writer of grants', () => {
  const writer = new GrantWriter();
  const grant = (list: readonly WantedGrant[]) => within((tx, context) => writer.grant(tx, context, list));

  it('grants in order what limits and stock leave, and tells the rest', async () => {
    const list = [
      wanted('cup'),
      wanted('cup'),
      wanted('cup', { memberKey: members[1] ?? '' }),
      wanted('yacht'),
      wanted('tea'),
      wanted('tea'),
      wanted('tea'),
      wanted('tea'),
      wanted('birthday-gift'),
    ];
    const { granted, refused } = await grant(list);
    const at = (...places: number[]): (string | undefined)[] => places.map((place) => list[place]?.grantKey);
    expect(granted.map(({ grantKey }) => grantKey)).toEqual(at(0, 2, 4, 5, 6, 8));
    expect(refused.map(({ grantKey, short }) => [grantKey, short?.name ?? null])).toEqual([
      [list[1]?.grantKey, 'limits.perMember'],
      [list[7]?.grantKey, 'stock'],
      [list[3]?.grantKey, null],
    ]);
    expect(granted[0]).toMatchObject({
      source: 'RULE',
      reason: 'birthday',
      status: 'AVAILABLE',
      usesLeft: null,
    });
    expect((await grant([])).granted).toEqual([]);
  });

  it('takes back what rules gave for an activity, unless it was used', async () => {
    const activityKey = newKey();
    await gateway.sql(`delete from limit_counter where subject like 'benefit:tea:%'`);
    const list = [
      wanted('tea', { activityKey }),
      wanted('tea', { activityKey }),
      wanted('tea', { activityKey, rule: 'another' }),
      wanted('spa', { activityKey }),
      wanted('spa'),
    ];
    const { granted } = await grant(list);
    expect(granted).toHaveLength(5);
    const { grants } = (
      await gateway.ask(
        'query($id: ID!) { member(id: $id) { grants(first: 9) { edges { node { id } } } } }',
        {
          id: publicId(0),
        },
      )
    ).data.member;
    await done('useBenefit', { grantId: grants.edges[4].node.id });
    const revoke = () =>
      within((tx, context) =>
        writer.revokeOfActivity(tx, context, activityKey, ['birthday-gift', 'unknown'], 'refunded'),
      );
    const revoked = await revoke();
    expect(revoked.map(({ grantKey, status, revokeReason }) => [grantKey, status, revokeReason])).toEqual([
      [list[1]?.grantKey, 'REVOKED', 'refunded'],
      [list[3]?.grantKey, 'REVOKED', 'refunded'],
    ]);
    expect(await revoke()).toEqual([]);
    // Of three pieces one came back.
    const { granted: more, refused } = await grant([wanted('tea'), wanted('tea')]);
    expect([more.length, refused.length]).toEqual([1, 1]);
  });
});

function publicId(index: number): string {
  return toPublicId('member', members[index] ?? '');
}

describe('the grants of tiers', () => {
  const tiers = new TierGrants();
  const reconcile = (...keys: string[]) => within((tx, context) => tiers.changed(tx, context, keys));

  async function setTier(index: number, ladder: string, tier: string | null): Promise<void> {
    await gateway.sql(
      `insert into member_tier (tenant_id, member_id, ladder, tier, since, enrolled_at)
       values ($1, $2, $3, $4, now(), now())
       on conflict (tenant_id, member_id, ladder) do update set tier = excluded.tier`,
      [gateway.tenantKey, members[index], ladder, tier],
    );
  }

  const live = async (index: number): Promise<string[]> =>
    (await grantsOf(index))
      .filter(({ revoked }) => !revoked)
      .map(({ benefit: code }) => code)
      .sort();

  it('are there while a tier carries them, over all ladders', async () => {
    await reconcile(...members);
    // Who has no row is in the lowest tier of each ladder that asks nothing for it.
    expect(await live(0)).toEqual(['spa']);
    await setTier(0, 'tea-friends', 'gold');
    await setTier(1, 'vip', 'vip');
    await reconcile(...members, ...members);
    expect(await live(0)).toEqual(['free-shipping', 'gold-discount', 'spa']);
    expect(await live(1)).toEqual(['free-shipping', 'tea']);
    const before = await grantsOf(0);
    await reconcile(...members);
    expect(await grantsOf(0)).toEqual(before);

    await setTier(0, 'tea-friends', 'silver');
    await setTier(0, 'vip', 'vip');
    await setTier(1, 'vip', null);
    await reconcile(...members);
    expect(await live(0)).toEqual(['free-shipping', 'tea']);
    expect(await live(1)).toEqual([]);
    await setTier(0, 'tea-friends', 'a tier that is gone');
    await reconcile(...members);
    expect(await live(0)).toEqual(['free-shipping', 'tea']);
    await setTier(0, 'vip', 'guest');
    await reconcile(...members);
    expect(await live(0)).toEqual(['spa']);
    await reconcile();
  });

  it('that were revoked by hand come again only with a tier that is reached anew', async () => {
    const query = `query($id: ID!) { member(id: $id) { grants(status: AVAILABLE, first: 9) {
      edges { node { id source usesLeft validUntil benefit { code } } } } } }`;
    const shown = async (): Promise<Json[]> =>
      (await gateway.ask(query, { id: publicId(0) })).data.member.grants.edges.map(({ node }: Json) => node);
    await setTier(0, 'vip', 'vip');
    await reconcile(...members);
    const [tea] = (await shown()).filter((node) => node.benefit.code === 'tea');
    expect(tea).toMatchObject({ source: 'TIER', usesLeft: 1, validUntil: null });
    await done('revokeGrant', { idempotencyKey: newRequestKey(), grantId: tea.id, reason: 'abuse' });
    await reconcile(...members);
    await setTier(0, 'tea-friends', 'gold');
    await reconcile(...members);
    expect(await live(0)).toEqual(['free-shipping', 'gold-discount']);
    await setTier(0, 'vip', 'guest');
    await reconcile(...members);
    await setTier(0, 'vip', 'vip');
    await reconcile(...members);
    expect(await live(0)).toEqual(['free-shipping', 'gold-discount', 'tea']);
  });

  it('neither take nor give back a piece of the stock', async () => {
    const stock = () =>
      gateway.sql(`select used::int from limit_counter where subject = 'benefit:tea:stock'`);
    const before = await stock();
    await setTier(0, 'vip', 'vip');
    await reconcile(...members);
    const [{ key }] = (await grantsOf(0)).filter(({ benefit: code }) => code === 'tea');
    await done('revokeGrant', { grantId: toPublicId('grant', key), reason: 'test' });
    expect(await stock()).toEqual(before);
  });

  it('follow two ladders that change at once', async () => {
    for (let round = 0; round < 10; round += 1) {
      await setTier(0, 'tea-friends', 'silver');
      await setTier(0, 'vip', 'guest');
      await reconcile(...members);
      const change = (ladder: string, tier: string) =>
        within(async (tx, context) => {
          await tx.run(
            {
              name: `test.${ladder}`,
              text: 'update member_tier set tier = $4 where tenant_id = $1 and member_id = $2 and ladder = $3',
            },
            [gateway.tenantKey, members[0], ladder, tier],
          );
          await tiers.changed(tx, context, [members[0] ?? '']);
        });
      await Promise.all([change('tea-friends', 'bronze'), change('vip', 'vip')]);
      expect(await live(0)).toEqual(['free-shipping', 'tea']);
    }
  });

  it('of many members take as many statements as those of one', async () => {
    const count = async (keys: string[]): Promise<number> =>
      await within(async (tx, context) => {
        let statements = 0;
        const counting: Transaction = {
          facts: tx.facts,
          defer: tx.defer.bind(tx),
          check: tx.check.bind(tx),
          run: (stmt, values) => {
            statements += 1;
            return tx.run(stmt, values);
          },
        };
        await tiers.reconcile(counting, context, keys);
        return statements;
      });
    await setTier(0, 'vip', 'vip');
    await setTier(1, 'vip', 'vip');
    // Grants and tiers are read, what is missing is granted, and what is carried no more is ended.
    expect(await count(members)).toBe(4);
    expect(await count(members)).toBe(2);
    await setTier(0, 'vip', 'guest');
    expect(await count([members[0] ?? ''])).toBe(4);
  });
});
