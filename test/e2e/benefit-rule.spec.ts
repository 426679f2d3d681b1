import { businessNow } from '../../src/domain/members/index.ts';
import {
  answers,
  type BenefitRuleInput,
  benefitRule,
  type CallContext,
  definePlugin,
} from '../../src/extension/index.ts';
import type { Sql } from '../../src/persistence/index.ts';
import { acting, NOON, PROGRAM } from '../benefits/acting.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { openTransactions, untilNothingIsOpen } from '../support/open-transactions.ts';

type Way = (input: BenefitRuleInput) => Json;

/** What the plugins were asked, in order, and what each of them does; eligible when missing. */
const asked: { plugin: string; input: BenefitRuleInput; context: Omit<CallContext, 'signal'> }[] = [];
const ways = new Map<string, Way>();
/** Runs while a plugin is asked. */
let meanwhile: () => Promise<void> = async () => undefined;

function answerer(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    id,
    version: 2,
    description: 'Does what a test says.',
    priority,
    onFailure,
    // What a test does meanwhile takes its time on a busy machine.
    deadlineMs: 10_000,
    answers: [
      answers(benefitRule, async (input, { signal: _, ...context }): Promise<Json> => {
        asked.push({ plugin: id, input, context });
        await meanwhile();
        return (ways.get(id) ?? (() => ({ eligible: true })))(input);
      }),
    ],
  });
}

let gateway: TestGateway;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway({
    plugins: [answerer('strict', 20, 'FAIL_CLOSED'), answerer('lax', 10, 'FAIL_OPEN')],
  });
  await gateway.application.services.programs.apply(gateway.tenantKey, PROGRAM, 'a test');
});
afterAll(() => gateway.close());
beforeEach(async () => {
  ways.clear();
  meanwhile = async () => undefined;
  await gateway.setClock(NOON);
  memberId = await enrol(gateway);
  asked.length = 0;
});

const { done, send, expectRefused } = acting(() => gateway);
const give = async (benefit: string, input: Json = {}): Promise<Json> =>
  (await done('grantBenefit', { memberId, benefit, ...input })).grant;

async function refusalOf(name: string, input: Json): Promise<Json> {
  const { grant, userErrors } = await expectNothingWritten(gateway, () => send(name, input));
  expect(grant).toBeNull();
  return userErrors;
}

describe('a grant by hand', () => {
  it('is asked about, by priority: the benefit, the member, and no grant yet', async () => {
    const idempotencyKey = newRequestKey();
    await give('tea', { idempotencyKey });
    expect(asked.map(({ plugin }) => plugin)).toEqual(['lax', 'strict']);
    expect(asked[0]).toEqual({
      plugin: 'lax',
      input: {
        benefit: { code: 'tea', kind: 'GIFT', value: 'TEA' },
        member: {
          id: memberId,
          enrolledAt: expect.stringMatching(/^2026-11-20T04:00:/),
          tier: { code: 'bronze', rank: 1 },
          tags: [],
          ...{ birthday: null, gender: null, locale: null, region: null },
          source: { channel: null, store: null },
          attributes: {},
        },
        grant: null,
        order: null,
        source: { channel: null, store: null },
      },
      context: expect.objectContaining({
        ...{ tenant: 'demo', mode: 'LIVE', attempt: 1, idempotencyKey },
        now: expect.any(Date),
      }),
    });
  });

  it('is refused by one that says so, with its reason; the first of them wins', async () => {
    ways.set('lax', () => ({ eligible: false, reason: 'not this month' }));
    ways.set('strict', () => ({ eligible: false, reason: 'never' }));
    const input = { memberId, benefit: 'tea', idempotencyKey: newRequestKey() };
    expect(await refusalOf('grantBenefit', input)).toEqual([
      { code: 'EXTENSION_REFUSED', field: null, message: 'not this month' },
    ]);
    expect(asked.map(({ plugin }) => plugin)).toEqual(['lax']);
    ways.set('lax', () => ({ eligible: false }));
    expect(await refusalOf('grantBenefit', input)).toEqual([
      { code: 'EXTENSION_REFUSED', field: null, message: expect.stringContaining('lax') },
    ]);
    // A refusal binds no key.
    ways.clear();
    expect((await done('grantBenefit', input)).grant.status).toBe('AVAILABLE');
  });

  it.each<[string, Json, string, string[]]>([
    ['a stranger', { memberId: 'mem_01jdb4g8vse3aaaaaaaaaaaaaa' }, 'MEMBER_NOT_FOUND', ['memberId']],
    ['an unknown benefit', { benefit: 'yacht' }, 'BENEFIT_NOT_FOUND', ['benefit']],
    ['one that ended', { validUntil: '2026-01-01T00:00:00Z' }, 'VALIDITY_INVALID', ['validUntil']],
  ])('that could not be is refused before anybody is asked: %s', async (_what, input, code, field) => {
    await expectRefused('grantBenefit', { memberId, benefit: 'tea', ...input }, code, field);
    expect(asked).toEqual([]);
  });

  it('is asked about with no transaction open', async () => {
    const { database } = gateway.application;
    const whileOpen = await database.transaction(gateway.tenantKey, async (tx) => {
      await businessNow(tx, gateway.tenantKey);
      return await openTransactions(gateway);
    });
    expect(whileOpen).toBeGreaterThanOrEqual(1);
    let looked = 0;
    meanwhile = async () => {
      await untilNothingIsOpen(gateway);
      looked += 1;
    };
    await give('tea');
    expect(looked).toBe(2);
  });
});

describe('a use', () => {
  it('is asked about with the grant, the order and the place', async () => {
    await gateway.sql(
      `update member set birthday = '1995-05-20', tags = '{tea-lover}', channel = 'app', store = 'sh-01',
        gender = 'FEMALE', locale = 'zh-CN', region = 'CN-31', attributes = '{"vip":true}'`,
    );
    const grant = await give('tea', { validUntil: '2026-12-24T00:00:00Z' });
    asked.length = 0;
    await done('useBenefit', {
      grantId: grant.id,
      order: { number: 'SO-1', amount: { value: '88.5', currency: 'CNY' } },
      source: { channel: 'pos', store: 'sh-02' },
    });
    expect(asked[0]?.input).toMatchObject({
      member: {
        ...{ id: memberId, birthday: '1995-05-20', tags: ['tea-lover'], gender: 'FEMALE', locale: 'zh-CN' },
        ...{ region: 'CN-31', source: { channel: 'app', store: 'sh-01' }, attributes: { vip: true } },
      },
      grant: {
        ...{ id: grant.id, source: 'HAND', validFrom: grant.validFrom, usesLeft: 2 },
        validUntil: '2026-12-24T00:00:00.000Z',
      },
      order: { number: 'SO-1', amount: { value: '88.50', currency: 'CNY' } },
      source: { channel: 'pos', store: 'sh-02' },
    });
  });

  it('does the last effect that is given; undoing and replaying tell it again', async () => {
    const { id: grantId } = await give('tea');
    ways.set('lax', () => ({ eligible: true, effect: { kind: 'PERCENT_OFF', value: '15' } }));
    const idempotencyKey = newRequestKey();
    const first = await done('useBenefit', { grantId, idempotencyKey });
    expect(first.use.effect).toEqual({ kind: 'PERCENT_OFF', value: '15' });
    ways.set('strict', () => ({ eligible: true, effect: { kind: 'AMOUNT_OFF', value: '9.90' } }));
    const second = await done('useBenefit', { grantId });
    expect(second.use.effect).toEqual({ kind: 'AMOUNT_OFF', value: '9.90' });
    ways.set('lax', () => ({ eligible: false }));
    asked.length = 0;
    expect(await done('useBenefit', { grantId, idempotencyKey })).toEqual(first);
    const undone = await done('undoBenefitUse', { useId: first.use.id, reason: 'a mistake' });
    expect(undone.use.effect).toEqual({ kind: 'PERCENT_OFF', value: '15' });
    expect(await done('useBenefit', { grantId, idempotencyKey })).toEqual(first);
    expect(asked).toEqual([]);
  });

  it('does what the catalogue says where nobody gives an effect', async () => {
    const { id: grantId } = await give('tea');
    const { use } = await done('useBenefit', { grantId });
    expect(use.effect).toEqual({ kind: 'GIFT', value: 'TEA' });
  });

  it('is refused by one that says so: no use is taken', async () => {
    const { id: grantId } = await give('tea');
    ways.set('strict', () => ({ eligible: false, reason: '今日不可用' }));
    expect(await refusalOf('useBenefit', { grantId })).toEqual([
      { code: 'EXTENSION_REFUSED', field: null, message: '今日不可用' },
    ]);
    ways.clear();
    expect((await done('useBenefit', { grantId })).grant.usesLeft).toBe(1);
  });

  it('of what can’t be used is refused before anybody is asked', async () => {
    const { id: grantId } = await give('birthday-gift');
    await done('useBenefit', { grantId });
    asked.length = 0;
    await expectRefused('useBenefit', { grantId }, 'NO_USES_LEFT', ['grantId']);
    await gateway.sql(`update member set status = 'BLOCKED'`);
    await expectRefused('useBenefit', { grantId }, 'MEMBER_NOT_ACTIVE', ['grantId']);
    expect(asked).toEqual([]);
  });

  it('is only tried on a dry run', async () => {
    const { id: grantId } = await give('tea');
    asked.length = 0;
    await expectNothingWritten(gateway, () => send('useBenefit', { grantId, dryRun: true }));
    expect(asked.map(({ context }) => context.mode)).toEqual(['DRY_RUN', 'DRY_RUN']);
  });

  it('that another one made impossible meanwhile is refused', async () => {
    const { id: grantId } = await give('birthday-gift');
    let isFirst = true;
    meanwhile = async () => {
      if (!isFirst) return;
      isFirst = false;
      await done('useBenefit', { grantId });
    };
    const { userErrors } = await send('useBenefit', { grantId });
    expect(userErrors).toMatchObject([{ code: 'NO_USES_LEFT' }]);
  });
});

describe.each<[string, Json]>([
  ['a percentage above 100', { kind: 'PERCENT_OFF', value: '101' }],
  ['no percentage', { kind: 'PERCENT_OFF', value: 'ten' }],
  ['a factor of nothing', { kind: 'MULTIPLIER', value: '0' }],
  ['an amount finer than a cent', { kind: 'AMOUNT_OFF', value: '1.005' }],
  ['an amount below zero', { kind: 'AMOUNT_OFF', value: '-1' }],
  ['text that can’t be kept', { kind: 'GIFT', value: 'a\0b' }],
  ['half of a character', { kind: 'GIFT', value: '\ud83d' }],
  ['an unknown kind', { kind: 'MONEY', value: '1' }],
])('an effect with %s', (_what, effect) => {
  it('is a failure of who fails closed, and nothing of who fails open', async () => {
    const { id: grantId } = await give('tea');
    ways.set('strict', () => ({ eligible: true, effect }));
    expect(await refusalOf('useBenefit', { grantId })).toEqual([
      { code: 'EXTENSION_UNAVAILABLE', field: null, message: expect.stringContaining('strict') },
    ]);
    ways.clear();
    ways.set('lax', () => ({ eligible: true, effect }));
    const { use } = await done('useBenefit', { grantId });
    expect(use.effect).toEqual({ kind: 'GIFT', value: 'TEA' });
  });
});

it('costs not one query more where nobody answers', async () => {
  const bare = await startTestGateway({ plugins: [] });
  try {
    await bare.application.services.programs.apply(bare.tenantKey, PROGRAM, 'a test');
    const member = await enrol(bare);
    const grantId = (await acting(() => bare).done('grantBenefit', { memberId: member, benefit: 'tea' }))
      .grant.id;
    const ran: string[] = [];
    const { database } = bare.application;
    const read = database.read.bind(database);
    database.read = (tenantKey): Sql => {
      const sql = read(tenantKey);
      return {
        run: async (statement, values) => {
          ran.push(statement.name);
          return await sql.run(statement, values);
        },
      };
    };
    await acting(() => bare).done('grantBenefit', { memberId: member, benefit: 'tea' });
    await acting(() => bare).done('useBenefit', { grantId });
    expect(ran.filter((name) => /member|standing|now/.test(name))).toEqual([]);
    expect(ran).toContain('grant.by_keys');
  } finally {
    await bare.close();
  }
});
