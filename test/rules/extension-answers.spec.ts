import fc from 'fast-check';
import { answers, definePlugin, memberCreate, pointsRule } from '../../src/extension/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { applyProgram, type OwnTenant, ownTenant } from '../support/own-tenant.ts';

// Whatever extensions answer: balances change by what the operations say, and by nothing else.

/** Each test is some thousand requests, one after the other. */
const LONGEST_MS = 300_000;

const QUIET = { 'open points': { postings: [] }, 'closed points': { postings: [] } };
const APPROVING = { 'open member': { decision: 'APPROVE' }, 'closed member': { decision: 'APPROVE' } };

let answer: Record<string, Json> = { ...QUIET, ...APPROVING };

function liar(id: string, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    ...{ id, version: 1, onFailure, description: 'Answers anything.' },
    answers: [
      answers(pointsRule, () => answer[`${id} points`]),
      answers(memberCreate, () => answer[`${id} member`]),
    ],
  });
}

const PROGRAM = `name: { en: Liars }
timeZone: Asia/Shanghai
currency: CNY
assets:
  - { code: points, kind: POINTS, name: { en: Points }, expiry: { after: P12M, until: END_OF_MONTH },
      limits: { earn: { perOperation: "5000", perDay: "20000" } } }
  - { code: growth, kind: GROWTH, name: { en: Growth }, spendable: false }
  - { code: stars, kind: TOKEN, name: { en: Stars }, maturity: { after: P30D } }
  - { code: credit, kind: STORED_VALUE, name: { en: Credit }, expiry: { inactive: P6M } }
ladders:
  - code: main
    name: { en: Main }
    metric: growth
    window: LIFETIME
    tiers:
      - { code: bronze, name: { en: Bronze }, threshold: "0" }
      - { code: gold, name: { en: Gold }, threshold: "1000" }
rules:
  - { code: hello, name: { en: Hello }, trigger: enrolment, postings: [{ asset: points, amount: 10 }] }
  - code: spend
    name: { en: Spend }
    trigger: purchase
    postings: [{ asset: points, amount: { each: "1.00", gives: 1 } }]
  - { code: once, name: { en: Once }, trigger: purchase, once: { per: member, window: day },
      postings: [{ asset: growth, amount: 5 }] }`;

const ASSETS = ['points', 'growth', 'stars', 'credit'] as const;

const amount = fc.oneof(
  { weight: 4, arbitrary: fc.bigInt({ min: 1n, max: 6_000n }).map(String) },
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
  fc.constantFrom('9223372036854775807', '9223372036854775808', '-1', '0', '01', '1e3', '1.5', '１', '', 5),
);
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constant('why') },
  fc.string({ unit: 'binary' }),
  fc.constantFrom('a\0b', 'half \ud83d', 'x'.repeat(201)),
);
const moment = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  fc
    .date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  fc.integer({ min: -400, max: 800 }).map((days) => new Date(Date.now() + days * 86_400_000).toISOString()),
  fc.constantFrom('tomorrow', '2026-02-30T00:00:00Z', '2027-01-01', null),
);
const posting = fc.record(
  {
    asset: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...ASSETS) },
      fc.constantFrom('gold', '', '__proto__'),
    ),
    amount,
    reason: text,
    availableAt: moment,
    expiresAt: moment,
  },
  { requiredKeys: ['asset', 'amount', 'reason'] },
);
const postings = fc.oneof(
  { weight: 5, arbitrary: fc.uniqueArray(posting, { selector: ({ asset }) => asset, maxLength: 3 }) },
  fc.array(posting, { maxLength: 4 }),
);
const ofPoints = fc.oneof(
  { weight: 6, arbitrary: fc.record({ postings, replace: fc.boolean() }, { requiredKeys: ['postings'] }) },
  fc.jsonValue(),
);
const ofMember = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record(
      {
        decision: fc.constantFrom('APPROVE', 'APPROVE', 'APPROVE', 'REFUSE', 'USE_EXISTING', 'MAYBE'),
        postings,
        tier: fc.constantFrom('bronze', 'gold', 'platinum', 7),
        tags: fc.array(fc.constantFrom('vip', 'new', 'Not A Code', ''), { maxLength: 3 }),
        attributes: fc.oneof(fc.dictionary(text, fc.oneof(text, fc.jsonValue())), fc.jsonValue()),
        profile: fc.record({
          displayName: text,
          birthday: fc.constantFrom('2999-01-01', '1990-02-30', '1990-02-28', null),
        }),
        memberId: fc.constantFrom('existing', 'mem_0', ''),
      },
      { requiredKeys: ['decision'] },
    ),
  },
  fc.jsonValue(),
);

let gateway: TestGateway;
let tenant: OwnTenant;
beforeAll(async () => {
  gateway = await startTestGateway({
    plugins: [liar('open', 'FAIL_OPEN'), liar('closed', 'FAIL_CLOSED')],
    // Who lies five times in a row wouldn't be asked any more, and nothing would be tried from there on.
    asking: { breaker: { failures: Number.MAX_SAFE_INTEGER, breakMs: 1 } },
  });
  tenant = await ownTenant(gateway, { program: false });
  await applyProgram(tenant, PROGRAM);
});
afterAll(() => gateway.close());

/** What a member has, due or not, by asset. */
async function balancesOf(id: string): Promise<bigint[]> {
  const fields = ASSETS.map(
    (asset) => `${asset}: ledger(asset: "${asset}") { balance { available pending } }`,
  );
  const { data } = await tenant.ask(`query($id: ID!) { member(id: $id) { ${fields.join(' ')} } }`, { id });
  return ASSETS.map((asset) => {
    const { available, pending } = (data as Json).member[asset].balance;
    return BigInt(available) + BigInt(pending);
  });
}

async function buy(more: Record<string, unknown>): Promise<Json> {
  const input = { idempotencyKey: newRequestKey(), type: 'purchase', ...more };
  return await tenant.act(
    'recordActivity',
    { ...input, amount: { value: '12.00', currency: 'CNY' } },
    'activity { id } member { id } operations { kind entries { amount asset { code } } }',
  );
}

/** What operations say that they changed. */
function said({ operations }: Json): bigint[] {
  const entries = operations.flatMap((operation: Json) => operation.entries);
  return ASSETS.map((code) => {
    const own = entries.filter(({ asset }: Json) => asset.code === code);
    return own.reduce((sum: bigint, entry: Json) => sum + BigInt(entry.amount), 0n);
  });
}

const NOTHING = ASSETS.map(() => 0n);

it(
  'about an activity',
  async () => {
    let done = 0;
    await fc.assert(
      fc.asyncProperty(ofPoints, fc.option(ofPoints), async (open, closed) => {
        answer = { ...QUIET, ...APPROVING };
        const memberId = await enrol(tenant);
        // A good answer in between, so that no breaker opens: then nobody would be asked any more.
        await buy({ memberId });
        const before = await balancesOf(memberId);
        answer['open points'] = open;
        if (closed !== null) answer['closed points'] = closed;
        const given = await buy({ memberId });
        const codes = given.userErrors.map(({ code }: Json) => code);
        expect(['', 'EXTENSION_UNAVAILABLE', 'BALANCE_OUT_OF_RANGE']).toContain(codes.join());
        const changes = codes.length > 0 ? NOTHING : said(given);
        expect(await balancesOf(memberId)).toEqual(before.map((had, index) => had + (changes[index] ?? 0n)));
        if (given.operations.some(({ kind }: Json) => kind === 'EARN')) done += 1;
      }),
      { numRuns: 150 },
    );
    expect(done).toBeGreaterThan(20);
    expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  },
  LONGEST_MS,
);

it(
  'about who enrols by an activity',
  async () => {
    answer = { ...QUIET, ...APPROVING };
    const existing = await enrol(tenant);
    await fc.assert(
      fc.asyncProperty(ofMember, fc.option(ofMember), ofPoints, async (open, closed, points) => {
        const named = (one: Json): Json =>
          one?.memberId === 'existing' ? { ...one, memberId: existing } : one;
        answer = { ...QUIET, ...APPROVING };
        await buy({ identity: newIdentity(), enrolIfUnknown: true });
        answer = { ...answer, 'open member': named(open), 'open points': points };
        if (closed !== null) answer['closed member'] = named(closed);
        const before = await balancesOf(existing);
        const given = await buy({ identity: newIdentity(), enrolIfUnknown: true });
        const codes = given.userErrors.map(({ code }: Json) => code);
        const expected = ['', 'EXTENSION_UNAVAILABLE', 'EXTENSION_REFUSED', 'BALANCE_OUT_OF_RANGE'];
        expect(expected).toContain(codes.join());
        if (codes.length > 0) return expect(await balancesOf(existing)).toEqual(before);
        const had = given.member.id === existing ? before : NOTHING;
        const changes = said(given);
        expect(await balancesOf(given.member.id)).toEqual(
          had.map((was, index) => was + (changes[index] ?? 0n)),
        );
        if (had === NOTHING) expect(await balancesOf(existing)).toEqual(before);
      }),
      { numRuns: 150 },
    );
    expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  },
  LONGEST_MS,
);
