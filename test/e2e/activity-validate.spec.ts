import {
  type ActivityValidateInput,
  activityValidate,
  answers,
  type CallContext,
  definePlugin,
  pointsRule,
} from '../../src/extension/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { type OwnTenant, tenantWith } from '../support/own-tenant.ts';
import { TEA_PROGRAM } from '../support/tea-program.ts';

// Activities that extensions look at before they are recorded.

type Asked = { plugin: string; input: ActivityValidateInput; context: Omit<CallContext, 'signal'> };

/** What the plugins were asked, in order, and what they answer now. */
const asked: Asked[] = [];
let askedForPoints = 0;
const ACCEPT = { decision: 'ACCEPT' };
let answering: Record<string, (input: ActivityValidateInput) => Json> = {};

function plugin(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    ...{ id, version: 3, priority, onFailure, deadlineMs: 10_000, description: 'Answers what a test says.' },
    answers: [
      answers(activityValidate, (input, { signal: _, ...context }): Json => {
        asked.push({ plugin: id, input, context });
        return answering[id]?.(input) ?? ACCEPT;
      }),
      answers(pointsRule, () => {
        askedForPoints += 1;
        return { postings: [] };
      }),
    ],
  });
}

/** One answer, whatever is asked. */
function give(id: string, output: Json): void {
  answering = { ...answering, [id]: () => output };
}

let gateway: TestGateway;
let tenant: OwnTenant;
let memberId: string;
beforeAll(async () => {
  const plugins = [plugin('second', 20, 'FAIL_OPEN'), plugin('first', 10, 'FAIL_CLOSED')];
  gateway = await startTestGateway({ plugins });
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});
beforeEach(async () => {
  answering = {};
  tenant = await tenantWith(gateway, TEA_PROGRAM, '2026-11-20T04:00:00Z');
  // What `gateway.sql` sees, and so whether anything was written.
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  memberId = await enrol(tenant, { profile: { birthday: '1995-11-20' }, tags: ['vip'] });
  asked.length = 0;
  askedForPoints = 0;
});

const money = (value: string) => ({ value, currency: 'CNY' });
async function record(input: Record<string, unknown>): Promise<Json> {
  const own = 'identity' in input || input.type === 'refund' ? {} : { memberId };
  const fields = 'activity { id } member { id } operations { id }';
  return await tenant.act('recordActivity', { idempotencyKey: newRequestKey(), ...own, ...input }, fields);
}
const buy = (more: Record<string, unknown> = {}) =>
  record({ type: 'purchase', amount: money('238.00'), ...more });

describe('an extension that looks at activities', () => {
  it('is told what happened and whose it is, before anybody is asked for points', async () => {
    const occurredAt = '2026-11-20T11:00:00+08:00';
    const source = { channel: 'pos', store: 'sh-2' };
    const idempotencyKey = newRequestKey();
    let before: number | undefined;
    answering = {
      first: () => {
        before = askedForPoints;
        return { ...ACCEPT, score: 3, flags: ['night'] };
      },
    };
    const { activity, operations } = await buy({
      idempotencyKey,
      occurredAt,
      source,
      order: { number: 'S' },
    });
    expect([before, askedForPoints, operations.length]).toEqual([0, 2, 2]);
    expect(asked.map(({ plugin: id }) => id)).toEqual(['first', 'second']);
    expect(asked[0]?.input).toEqual({
      activity: {
        ...{ id: activity.id, type: 'purchase', occurredAt: '2026-11-20T03:00:00.000Z' },
        ...{ amount: money('238.00'), order: { number: 'S', lines: [] }, source },
      },
      member: expect.objectContaining({ id: memberId, tier: { code: 'bronze', rank: 1 }, tags: ['vip'] }),
    });
    expect(asked[0]?.context).toMatchObject({ mode: 'LIVE', idempotencyKey, tenant: tenant.code });
  });

  it('refuses with its reason: nothing is written, and nobody later is asked', async () => {
    give('first', { decision: 'REFUSE', reason: 'too fast' });
    give('second', { decision: 'REFUSE', reason: 'too late' });
    const idempotencyKey = newRequestKey();
    const refused = await expectNothingWritten(gateway, () => buy({ idempotencyKey }));
    expect(refused).toMatchObject({ activity: null, member: null, operations: [] });
    expect(refused.userErrors).toEqual([{ code: 'EXTENSION_REFUSED', field: null, message: 'too fast' }]);
    expect([asked.map(({ plugin: id }) => id), askedForPoints]).toEqual([['first'], 0]);
    // A refusal binds no key.
    answering = {};
    expect((await buy({ idempotencyKey })).userErrors).toEqual([]);
  });

  it('keeps out who would be enrolled by what it refuses', async () => {
    give('second', { decision: 'REFUSE' });
    const input = { type: 'sign_in', identity: newIdentity(), enrolIfUnknown: true };
    const { userErrors } = await expectNothingWritten(gateway, () => record(input));
    expect(userErrors).toMatchObject([
      { code: 'EXTENSION_REFUSED', message: expect.stringContaining('second') },
    ]);
    expect(asked[0]?.input.member).toMatchObject({ enrolledAt: null, tier: { code: null, rank: 0 } });
  });

  it('is asked in a dry run, and not about a replay', async () => {
    await expectNothingWritten(gateway, () => buy({ dryRun: true }));
    expect(asked[0]?.context.mode).toBe('DRY_RUN');
    const idempotencyKey = newRequestKey();
    const first = await buy({ idempotencyKey });
    asked.length = 0;
    give('first', { decision: 'REFUSE' });
    expect(await buy({ idempotencyKey })).toEqual(first);
    expect(asked).toEqual([]);
  });

  it('is asked neither about refunds nor about what comes of itself', async () => {
    await buy({ order: { number: 'SO-1' } });
    asked.length = 0;
    answering = { first: () => ({ decision: 'REFUSE' }), second: () => ({ decision: 'REFUSE' }) };
    expect((await record({ type: 'refund', order: { number: 'SO-1' } })).userErrors).toEqual([]);
    const { activities } = gateway.application.services;
    const [{ key }] = (await gateway.sql('select member_id as key from member where tenant_id = $1', [
      tenant.tenantKey,
    ])) as [{ key: string }];
    await activities.recordOwn(tenant.tenantKey, {
      ...{ idempotencyKey: newRequestKey(), memberKey: key, type: 'birthday' },
    });
    expect(asked).toEqual([]);
  });
});

describe.each([
  ['of no decision', {}],
  ['of another decision', { decision: 'MAYBE' }],
  ['with a score above 100', { ...ACCEPT, score: 101 }],
  ['with a flag that is no code', { ...ACCEPT, flags: ['Not A Code'] }],
  ['with something else', { ...ACCEPT, postings: [] }],
])('an answer %s', (_what, output) => {
  it('is no answer: nothing is recorded where it fails closed', async () => {
    give('first', output);
    const { userErrors } = await expectNothingWritten(gateway, () => buy());
    expect(userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE', field: null }]);
  });

  it('is as if it weren’t there where it fails open', async () => {
    give('second', output);
    expect((await buy()).userErrors).toEqual([]);
  });
});

it('of many activities recorded together those that it refuses are left out, and the others recorded', async () => {
  answering = {
    first: ({ activity, member }) => {
      const isOdd = activity.type === 'sign_in' || member.tier.code === 'silver';
      return isOdd ? { decision: 'REFUSE', reason: 'odd' } : ACCEPT;
    },
  };
  const others = await Promise.all(Array.from({ length: 8 }, () => enrol(tenant)));
  const purchase = { type: 'purchase', amount: money('150.00') };
  const inputs = [
    ...others.map((id, index) => ({ memberId: id, ...(index % 4 === 0 ? { type: 'sign_in' } : purchase) })),
    // The second of these makes them silver.
    ...[purchase, purchase, purchase].map((one) => ({ memberId, ...one })),
  ].map((input) => ({ idempotencyKey: newRequestKey(), ...input }));
  const { activities } = gateway.application.services;
  const caller = { role: 'STAFF', memberKey: null, subject: 'test', expiresAt: null } as const;
  const ctx = { requestId: 'test', tenantKey: tenant.tenantKey, caller, language: 'en' } as const;
  const refusals = await activities.recordAll(ctx, inputs, { isImport: true });
  const codes = refusals.map((refusal) => refusal?.reasons[0]?.code ?? null);
  const refused = codes.flatMap((code, index) => (code === null ? [] : [`${index} ${code}`]));
  expect(refused).toEqual(['0 EXTENSION_REFUSED', '4 EXTENSION_REFUSED', '10 EXTENSION_REFUSED']);
  const [row] = await gateway.sql('select count(*)::int as count from activity where tenant_id = $1', [
    tenant.tenantKey,
  ]);
  expect(row).toEqual({ count: inputs.length - 3 });
});
