import {
  BY_RULES,
  buy,
  callsOf,
  gave,
  type Hook,
  healthOf,
  hooked,
  outcomesOf,
  posting,
  seeing,
  startHook,
  timed,
} from '../support/attacks.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { backToNow, letPass } from '../support/later.ts';
import { enrol, newIdentity } from '../support/members.ts';
import { untilNothingIsOpen } from '../support/open-transactions.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { act, register } from '../support/registered.ts';
import { untilHolds } from '../support/until-holds.ts';

// What happens around an extension while it is asked. The map of attacks is in extension-attacks.spec.ts.

const BREAK_MS = 60_000;
/** The longest there is, for what is ended by something else. */
const LONGEST_MS = 10_000;
let hook: Hook;
let gateway: TestGateway;
let tenant: OwnTenant;
let memberId: string;
beforeAll(async () => {
  hook = await startHook();
  gateway = await startTestGateway({
    environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' },
    asking: { breaker: { failures: 5, breakMs: BREAK_MS } },
  });
});
afterAll(async () => {
  backToNow();
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
  await hook.close();
});
beforeEach(async () => {
  hook.answer = () => ({ postings: [] });
  hook.asked.length = 0;
  tenant = await ownTenant(gateway);
  memberId = await enrol(tenant);
});

const nothingWritten = (work: () => Promise<Json>): Promise<Json> =>
  seeing(gateway, tenant, () => expectNothingWritten(gateway, work));

describe('an extension that is redeployed while it is asked', () => {
  it('answers as the version that was asked, and the next act asks the new one', async () => {
    const next = await startHook(() => ({ postings: [posting('7')] }));
    try {
      const { id: extensionId } = await register(
        tenant,
        hooked(hook, { name: 'rule', deadlineMs: LONGEST_MS }),
      );
      hook.answer = async () => {
        const change = { extensionId, webhook: { url: next.url }, stage: 'LIVE' };
        const { extension } = await act(tenant, 'updateExtension', change);
        expect(extension).toMatchObject({ version: 2, liveVersion: 2 });
        return { postings: [posting('3')] };
      };
      const during = await buy(tenant, memberId);
      expect(gave(during)).toEqual([...BY_RULES, 'points 3 by rule 1']);
      const told = during.activity.explanations.filter(({ extension }: Json) => extension !== null);
      expect(told).toMatchObject([{ extension: { name: 'rule', version: 1 }, outcome: 'APPLIED' }]);
      expect(gave(await buy(tenant, memberId))).toEqual([...BY_RULES, 'points 7 by rule 2']);
      expect((await callsOf(tenant, extensionId)).map(({ version, mode }) => [version, mode])).toEqual([
        [1, 'LIVE'],
        [2, 'LIVE'],
      ]);
    } finally {
      await next.close();
    }
  });

  it('answers a whole operation by one version, though the operation asks about many points', async () => {
    const create = { ...hooked(hook, { name: 'crm', deadlineMs: LONGEST_MS }), point: 'member.create' };
    const { id: crm } = await register(tenant, create);
    const { id: rule } = await register(tenant, hooked(hook, { name: 'rule', deadlineMs: LONGEST_MS }));
    hook.answer = async ({ point }) => {
      if (point !== 'member.create') return { postings: [posting('3')] };
      await act(tenant, 'setExtensionStage', { extensionId: crm, stage: 'RETIRED' });
      return { decision: 'APPROVE', tags: ['from-crm'] };
    };
    const identity = newIdentity();
    const answer = await buy(tenant, memberId, { memberId: null, identity, enrolIfUnknown: true });
    expect(answer.userErrors).toEqual([]);
    expect(gave(answer).filter((text) => text.includes('rule 1'))).toEqual(['points 3 by rule 1']);
    expect([await outcomesOf(tenant, crm), await outcomesOf(tenant, rule)]).toEqual([
      ['LIVE OK'],
      ['LIVE OK'],
    ]);
  });
});

it('while an extension is asked, nothing of ours is locked and no transaction is open', async () => {
  const looked: string[] = [];
  hook.answer = async ({ point }) => {
    await untilNothingIsOpen(gateway);
    looked.push(point);
    if (point === 'points.rule') return { postings: [posting('1')] };
    return point === 'member.create' ? { decision: 'APPROVE' } : { eligible: true };
  };
  for (const point of ['points.rule', 'member.create', 'benefit.rule'])
    await register(tenant, { ...hooked(hook, { deadlineMs: LONGEST_MS }), point });
  const identity = newIdentity();
  await buy(tenant, memberId, { memberId: null, identity, enrolIfUnknown: true });
  const benefit = { memberId, benefit: 'birthday-gift' };
  const { grant } = await act(tenant, 'grantBenefit', benefit, 'grant { id }');
  await act(tenant, 'useBenefit', { grantId: grant.id }, 'use { id }');
  expect(looked).toEqual(['member.create', 'points.rule', 'benefit.rule', 'benefit.rule']);
});

const FAILURES: [outcome: string, answer: Hook['answer'], more?: Json][] = [
  ['TIMEOUT WEBHOOK_TIMEOUT', () => undefined],
  ['ERROR WEBHOOK_STATUS', (_envelope, response) => void response.writeHead(503).end()],
  [
    'ERROR WEBHOOK_CUT_OFF',
    (_envelope, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '99' }).flushHeaders();
      setTimeout(() => response.destroy(), 10);
    },
  ],
  ['UNREACHABLE WEBHOOK_UNREACHABLE', (_envelope, response) => void response.destroy()],
  ['INVALID_OUTPUT OUTPUT_INVALID', () => ({ postings: 'none' })],
  [
    'INVALID_OUTPUT WEBHOOK_WRONG_SHAPE',
    (_envelope, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"output":{},"other":1}');
    },
  ],
  [
    'ERROR FILTER_FAILED',
    () => ({ postings: [] }),
    { filter: 'activity.amount / (tier.rank - tier.rank) > 0' },
  ],
];

describe.each(FAILURES)('a call that comes to %s', (outcome, answer, more = {}) => {
  it.each([
    ['FAIL_OPEN', BY_RULES],
    ['DEFAULT', [...BY_RULES, 'points 4 by failing 1']],
    ['FAIL_CLOSED', ['EXTENSION_UNAVAILABLE']],
  ])('means what %s says, is recorded, and five of them open the breaker', async (onFailure, expected) => {
    hook.answer = answer;
    const defaultOutput = { postings: [posting('4')] };
    // What is ended by something else than its deadline has time for it.
    const deadlineMs = outcome.startsWith('TIMEOUT') ? 200 : LONGEST_MS;
    const given = { name: 'failing', onFailure, defaultOutput, deadlineMs, ...more };
    const { id } = await register(tenant, hooked(hook, given));
    const answered = await (onFailure === 'FAIL_CLOSED'
      ? nothingWritten(() => buy(tenant, memberId))
      : buy(tenant, memberId));
    expect(gave(answered)).toEqual(expected);
    for (let count = 1; count < 6; count += 1) expect(gave(await buy(tenant, memberId))).toEqual(expected);
    const isAsked = outcome !== 'ERROR FILTER_FAILED';
    const sixth = isAsked ? 'LIVE BREAKER_OPEN WEBHOOK_BREAKER_OPEN' : `LIVE ${outcome}`;
    expect(await outcomesOf(tenant, id)).toEqual([...Array(5).fill(`LIVE ${outcome}`), sixth]);
    expect(await healthOf(tenant, id)).toBe(isAsked ? 'BROKEN' : 'FAILING');
  });
});

it('a service that goes away is UNREACHABLE, and its policy applies until it is back', async () => {
  const away = await startHook(() => ({ postings: [posting('2')] }));
  const { id } = await register(tenant, hooked(away, { name: 'away', onFailure: 'FAIL_OPEN' }));
  expect(gave(await buy(tenant, memberId))).toEqual([...BY_RULES, 'points 2 by away 1']);
  await away.close();
  expect(gave(await buy(tenant, memberId))).toEqual(BY_RULES);
  expect(await outcomesOf(tenant, id)).toEqual(['LIVE OK', 'LIVE UNREACHABLE WEBHOOK_UNREACHABLE']);
});

it('a breaker opens, keeps calls away, lets one try, and closes when that one is answered', async () => {
  const { id } = await register(tenant, hooked(hook, { name: 'flaky', onFailure: 'FAIL_OPEN' }));
  hook.answer = (_envelope, response) => void response.writeHead(500).end();
  for (let count = 0; count < 7; count += 1) expect(gave(await buy(tenant, memberId))).toEqual(BY_RULES);
  expect(hook.asked).toHaveLength(5);
  expect(await healthOf(tenant, id)).toBe('BROKEN');
  letPass(BREAK_MS);
  await buy(tenant, memberId);
  expect(hook.asked).toHaveLength(6);
  await buy(tenant, memberId);
  expect([hook.asked.length, await healthOf(tenant, id)]).toEqual([6, 'BROKEN']);
  letPass(BREAK_MS);
  hook.answer = () => ({ postings: [posting('2')] });
  for (let count = 0; count < 2; count += 1)
    expect(gave(await buy(tenant, memberId))).toEqual([...BY_RULES, 'points 2 by flaky 1']);
  expect(await healthOf(tenant, id)).not.toBe('BROKEN');
});

it('an extension that hangs under 64 requests at once holds up its own tenant alone', async () => {
  const deadlineMs = LONGEST_MS;
  hook.answer = () => undefined;
  const { id } = await register(tenant, hooked(hook, { deadlineMs, onFailure: 'FAIL_OPEN' }));
  const members = await Promise.all(Array.from({ length: 64 }, () => enrol(tenant)));
  const other = await ownTenant(gateway);
  const theirs = await enrol(other);
  let ended = 0;
  const hang = async (one: string): Promise<[Json, number]> =>
    await timed(() => buy(tenant, one)).finally(() => {
      ended += 1;
    });
  const hanging = Promise.all(members.map(hang));
  // As many as there are connections; the others wait behind them.
  await untilHolds(() => hook.asked.length >= 16);
  let answeredMeanwhile = 0;
  while (ended === 0) {
    expect(gave(await buy(other, theirs))).toEqual(BY_RULES);
    // The same tenant is read meanwhile, too.
    const { data } = await tenant.ask('query($id: ID!) { member(id: $id) { id } }', { id: memberId });
    expect(data).toEqual({ member: { id: memberId } });
    if (ended === 0) answeredMeanwhile += 1;
  }
  for (const [answered, ms] of await hanging) {
    expect(gave(answered)).toEqual(BY_RULES);
    // Nobody waited for another one's deadline and then for their own.
    expect(ms).toBeLessThan(2 * deadlineMs);
  }
  expect(answeredMeanwhile).toBeGreaterThan(5);
  const outcomes = await outcomesOf(tenant, id);
  expect(outcomes).toHaveLength(64);
  for (const outcome of outcomes) expect(outcome).toMatch(/^LIVE (TIMEOUT|BREAKER_OPEN) /);
});
