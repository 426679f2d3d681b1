import { METHODS } from '../../plugins/youzan-adapter/settings.ts';
import { settleTenant } from '../../src/jobs/settle.ts';
import { acting, NOON, PROGRAM } from '../benefits/acting.ts';
import { benefit, demoWith } from '../benefits/programs.ts';
import { setClock } from '../ledger/tenants.ts';
import { buy, gave, outcomesOf, seeing } from '../support/attacks.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { mutate, type OwnTenant, tenantWith } from '../support/own-tenant.ts';
import { comesTo, milesOf } from '../support/record-elsewhere.ts';
import { act, register } from '../support/registered.ts';
import {
  KEPT_LOG,
  KEPT_PROGRAM,
  type Kept,
  keepRecords,
  ledgerOf,
  nameOf,
  type Scrm,
  startScrm,
  succeeded,
} from '../support/youzan.ts';

// An enterprise's endpoints, which take what the platform's package names and nothing else, behind the adapter.

const CUSTOMER = 'CreateCustomerExtPoint.execute';
const MEMBER = 'CreateMemberExtPoint.execute';
const POINTS = 'IncreasePointsExtPoint.invoke';
const BENEFIT = 'BenefitPluginExtPoint.getCoreBenefit';
const ACTS = ['Consume', 'Decrease', 'Increase', 'Freeze', 'Unfreeze'].map(
  (act) => `${act}PointsExtPoint.invoke`,
);
const REVERT = 'RevertPointsExPoint.invoke';
const DONE = succeeded({ success: true });

let scrm: Scrm;
let gateway: TestGateway;
let tenant: Pick<OwnTenant, 'act' | 'ask'>;
const ids: Record<string, string> = {};

const configurationOf = (baseUrl: string, methods: readonly string[]) => ({
  ...{ baseUrl, kdtId: 42_001, signing: { secret: 'sixteen or more characters', header: 'x-signature' } },
  paths: Object.fromEntries(methods.map((method) => [method, `/${method}`])),
});

beforeAll(async () => {
  scrm = await startScrm();
  gateway = await startTestGateway({
    environment: { PLUGINS: 'youzan-adapter', EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' },
    asking: { breaker: { failures: 1_000, breakMs: 10 } },
  });
  tenant = {
    ask: gateway.ask,
    act: (...mutation: Parameters<OwnTenant['act']>) => mutate(gateway.ask, ...mutation),
  };
  await gateway.application.services.programs.apply(gateway.tenantKey, WITH_SHIPPING, 'a test');
  for (const [point, methods] of [
    ['member.create', [CUSTOMER, MEMBER]],
    ['points.rule', [POINTS]],
    ['benefit.rule', [BENEFIT]],
    ...['redeem', 'hold', 'release', 'reverse'].map((act) => [`points.${act}`, [...ACTS, REVERT]] as const),
  ] as const) {
    const plugin = { id: 'youzan-adapter', configuration: configurationOf(scrm.base, methods) };
    const registered = await register(tenant, {
      ...{ name: `scrm-${point.replace('.', '-')}`, point, runtime: 'IN_PROCESS', plugin, stage: 'LIVE' },
      deadlineMs: 5_000,
    });
    ids[point] = registered.id;
  }
});
afterAll(async () => {
  expect(scrm.faults).toEqual([]);
  await gateway.close();
  await scrm.close();
});
beforeEach(async () => {
  await gateway.setClock(NOON);
  scrm.asked.length = 0;
  for (const method of [...ACTS, REVERT])
    scrm.answers[method] = () => succeeded({ data: true, isSuccess: true });
  Object.assign(scrm.answers, {
    [CUSTOMER]: () => DONE,
    [MEMBER]: () => DONE,
    [POINTS]: () => succeeded({ data: true }),
    [BENEFIT]: () => succeeded({ postageFreeFlag: true, levelAlias: 'gold', levelBenefitFlag: true }),
  });
});

const WITH_SHIPPING = demoWith([...PROGRAM.benefits, benefit('shipping', { kind: 'FREE_SHIPPING' })]);
const { done, send } = acting(() => gateway);
let phones = 0;

async function createMember(more: Json = {}): Promise<Json> {
  phones += 1;
  const input = {
    idempotencyKey: newRequestKey(),
    identities: [{ kind: 'PHONE', value: `+86138001380${String(phones).padStart(2, '0')}` }],
    profile: { displayName: '林小满', gender: 'FEMALE', birthday: '1995-05-20', locale: 'zh-CN' },
    ...more,
  };
  return await tenant.act('createMember', input, 'member { id attributes }');
}

/** How the last call of an extension ended. */
async function lastOutcome(extensionId = ''): Promise<string | undefined> {
  await gateway.application.calls.flush();
  return (await outcomesOf(tenant, extensionId)).at(-1);
}

/** Says how the extension takes failures, while a test runs. */
async function onFailure(point: string, policy: string, work: () => Promise<void>): Promise<void> {
  const change = async (to: string): Promise<void> => {
    const input = { extensionId: ids[point], onFailure: to, stage: 'LIVE' };
    expect((await act(tenant, 'updateExtension', input)).userErrors).toEqual([]);
  };
  await change(policy);
  await work();
  await change('FAIL_CLOSED');
}

describe('createMember', () => {
  it('enrols whom the endpoints take, who are told what the package names', async () => {
    const { member, userErrors } = await createMember();
    expect(userErrors).toEqual([]);
    const [customer, asked] = scrm.asked;
    expect(member.attributes).toEqual({
      youzanAccount: { accountId: customer?.request.customerIdentifyDTO.mobile, accountType: 'Mobile' },
    });
    expect([customer?.method, asked?.method]).toEqual([CUSTOMER, MEMBER]);
    expect(asked?.request.memberProfileCreateDTO).toMatchObject({
      ...{ name: '林小满', gender: 2, birthday: '1995-05-20', countryCode: '+86' },
    });
    expect(asked?.headers['x-signature']).toMatch(/^[0-9a-f]{64}$/);
  });

  it('refuses whom they refuse, with their message', async () => {
    scrm.answers[MEMBER] = () => ({ success: false, code: '40001', message: '该手机号已被列入黑名单' });
    const { userErrors } = await expectNothingWritten(gateway, () => createMember());
    expect(userErrors).toEqual([
      { code: 'EXTENSION_REFUSED', field: null, message: '该手机号已被列入黑名单' },
    ]);
  });

  it('says nothing of a dry run to them', async () => {
    const { userErrors } = await expectNothingWritten(gateway, () => createMember({ dryRun: true }));
    expect([userErrors, scrm.asked]).toEqual([[], []]);
  });

  it.each<[what: string, answer: (request: Json, response: Json) => unknown, outcome: string]>([
    ['answers 500', (_request, response) => response.writeHead(500).end('{}'), 'ERROR'],
    ['hangs up', (_request, response) => response.destroy(), 'UNREACHABLE'],
    ['never ends', () => undefined, 'TIMEOUT'],
    ['answers something else', () => ({ code: 0, result: 'ok' }), 'ERROR'],
    ['answers no JSON', (_request, response) => response.end('<html>'), 'INVALID_OUTPUT'],
  ])('comes to what is registered where one %s', async (_what, answer, outcome) => {
    scrm.answers[MEMBER] = (request, response) => void answerBy(answer, request, response);
    const refused = await expectNothingWritten(gateway, () => createMember());
    expect(refused.userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE' }]);
    expect(await lastOutcome(ids['member.create'])).toContain(outcome);
    await onFailure('member.create', 'FAIL_OPEN', async () => {
      const { member, userErrors } = await createMember();
      expect([userErrors, member.attributes]).toEqual([[], {}]);
    });
  });
});

/** Sends what a test answers, or lets it answer by itself. */
function answerBy(answer: (request: Json, response: Json) => unknown, request: Json, response: Json): void {
  const given = answer(request, response);
  if (given !== undefined && given !== response) response.end(JSON.stringify(given));
}

describe('useBenefit', () => {
  let grantId: string;
  beforeEach(async () => {
    const { member } = await createMember();
    grantId = (await done('grantBenefit', { memberId: member.id, benefit: 'shipping' })).grant.id;
    scrm.asked.length = 0;
  });

  it('ships free where the endpoint says so', async () => {
    const { use } = await done('useBenefit', { grantId });
    expect(use.effect).toEqual({ kind: 'FREE_SHIPPING', value: '' });
    expect(scrm.asked.map(({ method }) => method)).toEqual([BENEFIT]);
  });

  it('is refused where it says no', async () => {
    scrm.answers[BENEFIT] = () => succeeded({ postageFreeFlag: false });
    const { userErrors } = await expectNothingWritten(gateway, () => send('useBenefit', { grantId }));
    expect(userErrors).toEqual([{ code: 'EXTENSION_REFUSED', field: null, message: '该会员不享受包邮。' }]);
  });

  it('comes to what is registered where it lies', async () => {
    scrm.answers[BENEFIT] = () => succeeded({ postageFreeFlag: 'true' });
    const { userErrors } = await expectNothingWritten(gateway, () => send('useBenefit', { grantId }));
    expect(userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE' }]);
    await onFailure('benefit.rule', 'FAIL_OPEN', async () => {
      expect((await done('useBenefit', { grantId })).userErrors).toEqual([]);
    });
  });
});

describe('recordActivity', () => {
  it('asks before points are given, by a number that a repetition brings, too', async () => {
    const { member } = await createMember();
    scrm.asked.length = 0;
    const idempotencyKey = newRequestKey();
    const ten = expect.arrayContaining([expect.stringMatching(/^points 10 by [a-z-]+$/)]);
    scrm.answers[POINTS] = (_request, response) => void response.destroy();
    await buy(tenant, member.id, { idempotencyKey, dryRun: true });
    expect(scrm.asked).toEqual([]);
    await onFailure('points.rule', 'FAIL_CLOSED', async () => {
      const { userErrors } = await buy(tenant, member.id, { idempotencyKey });
      expect(userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE' }]);
    });
    scrm.answers[POINTS] = () => succeeded({ data: true });
    expect(gave(await buy(tenant, member.id, { idempotencyKey }))).toEqual(ten);
    const told = scrm.asked.map(({ request: { amount, bizValue } }) => [amount, bizValue]);
    expect(told).toEqual([
      [10, idempotencyKey],
      [10, idempotencyKey],
    ]);
  });

  it('gives nothing where the endpoint doesn’t want it', async () => {
    const { member } = await createMember();
    scrm.answers[POINTS] = () => succeeded({ data: false });
    expect(gave(await buy(tenant, member.id))).toEqual([]);
  });
});

describe('acts in a ledger', () => {
  const OPERATION = 'operation { id reference { type id } }';
  const told = () => scrm.asked.map(({ method, request }) => [method.split('Points')[0], request.amount]);
  let memberId: string;
  beforeEach(async () => {
    const { member } = await createMember();
    memberId = member.id;
    scrm.asked.length = 0;
  });
  const acted = async (mutation: string, input: Json, fields = OPERATION): Promise<Json> => {
    const { userErrors, ...payload } = await act(tenant, mutation, input, fields);
    expect(userErrors).toEqual([]);
    return payload;
  };
  const of = (more: Json = {}) => ({ memberId, asset: 'points', amount: '30', reason: 'tea', ...more });

  it('are asked before, and what undoes one brings the number of what it undoes', async () => {
    const { operation } = await acted('redeemPoints', of());
    const number = scrm.asked[0]?.request.bizValue;
    expect(operation.reference).toEqual({ type: 'youzan', id: number });
    await acted('reverseOperation', { operationId: operation.id });
    const { hold } = await acted('holdPoints', of(), 'hold { id }');
    await acted('captureHold', { holdId: hold.id, amount: '10' });
    await acted('releaseHold', { holdId: hold.id });
    expect(told()).toEqual([
      ['Consume', 30],
      ['Revert', undefined],
      ['Freeze', 30],
      ['Freeze', -10],
      ['Unfreeze', undefined],
    ]);
    const numbers = scrm.asked.map(({ request }) => request.bizValue);
    expect(numbers).toEqual([number, number, numbers[2], numbers[2], numbers[2]]);
    expect(numbers[2]).not.toBe(number);
  });

  it('are refused where the endpoint says no, and come to what is registered where it fails', async () => {
    scrm.answers['ConsumePointsExtPoint.invoke'] = () => ({ success: false, message: '积分不足' });
    const refused = await expectNothingWritten(gateway, () => act(tenant, 'redeemPoints', of(), OPERATION));
    expect(refused.userErrors).toMatchObject([{ code: 'EXTENSION_REFUSED', message: '积分不足' }]);
    scrm.answers['FreezePointsExtPoint.invoke'] = () => succeeded({ isSuccess: 1 });
    const failed = await expectNothingWritten(gateway, () => act(tenant, 'holdPoints', of(), OPERATION));
    expect(failed.userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE' }]);
    await onFailure('points.hold', 'FAIL_OPEN', async () => {
      expect((await acted('holdPoints', of())).operation.reference).toBeNull();
    });
  });

  it('say nothing of a dry run', async () => {
    await expectNothingWritten(gateway, () => acted('redeemPoints', of({ dryRun: true })));
    expect(scrm.asked).toEqual([]);
  });
});

describe('what the enterprise keeps', () => {
  const OPERATION = 'operation { id kind status record { status reference { type id } } }';
  let own: OwnTenant;
  let kept: Kept;
  let [memberId, accountId] = ['', ''];
  const post = (mutation: string, amount: string, asset = 'miles'): Promise<Json> =>
    own.act(mutation, { idempotencyKey: newRequestKey(), memberId, asset, amount, reason: 'x' }, OPERATION);
  const settled = async (mutation: string, amount: string, asset = 'miles'): Promise<Json> => {
    const { operation, userErrors } = await post(mutation, amount, asset);
    expect([userErrors, operation.status]).toEqual([[], 'DONE']);
    return operation;
  };
  const there = () => [kept.points.get(accountId), kept.growth.get(accountId), kept.booked];

  beforeAll(async () => {
    own = await tenantWith(gateway, KEPT_PROGRAM, NOON);
    memberId = await enrol(own);
    // The plugin is loaded, but nobody said that it keeps this tenant's records.
    expect((await post('earnPoints', '1')).userErrors).toMatchObject([{ code: 'RECORD_UNANSWERED' }]);
    const inUse = (point: string) => ({
      ...{ ...configurationOf(scrm.base, METHODS), asset: point === 'points.expire' ? 'stars' : 'miles' },
      ...{ records: { points: 'miles', growth: 'growth' }, logFields: KEPT_LOG },
    });
    const others = ['member.read', 'points.rule', 'points.redeem', 'points.reverse'];
    for (const point of ['points.change', 'points.read', 'growth.read', 'points.expire', ...others])
      await register(own, {
        ...{ name: `scrm-${point.replace('.', '-')}`, point, runtime: 'IN_PROCESS', stage: 'LIVE' },
        ...{ plugin: { id: 'youzan-adapter', configuration: inUse(point) }, deadlineMs: 10_000 },
      });
  });
  beforeEach(async () => {
    kept = keepRecords(scrm);
    accountId = newRequestKey();
    const attributes = { youzanAccount: { accountId, accountType: 'YouZanAccount' } };
    memberId = await enrol(own, { attributes });
  });
  const shown = async (asset: string): Promise<string> => {
    const { balance, source } = await ledgerOf(own, memberId, asset, 'balance { available } source');
    return `${balance.available} ${source}`;
  };
  afterAll(async () => expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]));

  it('is booked there once, and by no gate as well', async () => {
    await buy(own, memberId);
    await comesTo(() => milesOf(own, memberId), ['EARN 100 DONE', 'MATURE 100 DONE']);
    const operation = await settled('earnPoints', '20');
    expect(operation.record.reference).toEqual({ type: 'youzan', id: operation.id });
    await settled('redeemPoints', '30');
    await settled('adjustPoints', '-7');
    const input = { operationId: operation.id };
    const { operation: undone } = await act(own, 'reverseOperation', input, OPERATION);
    expect(undone.status).toBe('DONE');
    await settled('adjustPoints', '50', 'growth');
    await settled('adjustPoints', '-8', 'growth');
    const points = ['IncreasePoints 100', 'IncreasePoints 20', 'ConsumePoints 30', 'DecreasePoints 7'];
    const growth = ['IncreaseGrowth 50', 'DecreaseGrowth 8'];
    expect(there()).toEqual([63, 42, [...points, 'DecreasePoints 20', ...growth]]);
    expect([await shown('miles'), await shown('growth')]).toEqual(['63 RECORD', '42 RECORD']);
    expect(await nameOf(own, memberId)).toBe(`林小满 ${accountId} OUTSIDE`);
  });

  it('is not spent where the enterprise refuses, with its message', async () => {
    await settled('earnPoints', '100');
    kept.points.set(accountId, 10);
    expect([await shown('miles'), await shown('growth')]).toEqual(['10 RECORD', '0 MIRROR']);
    const { userErrors } = await post('redeemPoints', '30');
    expect(userErrors).toMatchObject([
      { code: 'RECORD_REFUSED', message: expect.stringContaining('积分不足') },
    ]);
    expect(await milesOf(own, memberId)).toContain('RELEASE 30 DONE');
    expect(there()).toEqual([10, undefined, ['IncreasePoints 100']]);
  });

  it('is asked again by the same number where an answer is lost, and booked once', async () => {
    kept.isAway = true;
    const { operation, userErrors } = await post('earnPoints', '100');
    expect([userErrors, operation.status]).toEqual([[], 'ASKED']);
    kept.isAway = false;
    await seeing(gateway, own, () => gateway.sql('update record_lane set next_attempt_at = now()'));
    await gateway.application.jobs.records.catchUp(own.tenantKey);
    await comesTo(() => milesOf(own, memberId), ['EARN 100 DONE', 'MATURE 100 DONE']);
    const numbers = scrm.asked.map(({ request: { bizValue } }) => bizValue);
    expect(numbers.length).toBeGreaterThan(1);
    expect(new Set(numbers)).toEqual(new Set([operation.id]));
    expect(there()).toEqual([100, undefined, ['IncreasePoints 100']]);
    const { recordLog } = await ledgerOf(own, memberId, 'miles', 'recordLog(first: 5) { reference amount }');
    expect(recordLog).toEqual([{ reference: operation.id, amount: '100' }]);
  });

  it('is told what expired of ours', async () => {
    const { jobs } = gateway.application;
    await jobs.expiries.tell(own.tenantKey);
    await settled('earnPoints', '5', 'stars');
    await setClock(gateway.application, own.tenantKey, '2027-01-01T04:00:00Z');
    await settleTenant(jobs, own.tenantKey);
    await jobs.expiries.tell(own.tenantKey);
    expect(scrm.asked).toMatchObject([{ method: 'ExpiredPointsExtPoint.invoke', request: { amount: 5 } }]);
  });
});

it('calls no address that isn’t allowed, whatever is configured', async () => {
  const plugin = {
    id: 'youzan-adapter',
    configuration: configurationOf('http://169.254.169.254/latest', [MEMBER]),
  };
  const wrong = { name: 'inside', point: 'member.create', runtime: 'IN_PROCESS', plugin, stage: 'LIVE' };
  const { id } = await register(tenant, wrong);
  const { userErrors } = await expectNothingWritten(gateway, () => createMember());
  expect(userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE' }]);
  expect(await lastOutcome(id)).toBe('LIVE UNREACHABLE WEBHOOK_ADDRESS_REFUSED');
  await act(tenant, 'setExtensionStage', { extensionId: id, stage: 'RETIRED' });
});
