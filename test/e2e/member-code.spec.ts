import { answers, type CallContext, definePlugin, memberCode } from '../../src/extension/index.ts';
import { setClock } from '../ledger/tenants.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Answer, type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, ownTenant, tenantWith } from '../support/own-tenant.ts';
import { act, register } from '../support/registered.ts';
import { TEA_PROGRAM } from '../support/tea-program.ts';

// The codes that tills scan: the product's own, and those of an outside system.

const NOW = '2026-11-20T04:00:00Z';
const STRANGER = 'mem_01jdb4g8vse3aaaaaaaaaaaaaa';
const asked: { plugin: string; input: Json; context: Pick<CallContext, 'mode' | 'idempotencyKey'> }[] = [];
let answering: Record<string, Json> = {};

function plugin(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    ...{ id, version: 3, priority, onFailure, deadlineMs: 10_000, description: 'Answers what a test says.' },
    answers: [
      answers(memberCode, (input, { mode, idempotencyKey }): Json => {
        asked.push({ plugin: id, input, context: { mode, idempotencyKey } });
        const answer = answering[id] ?? {};
        return typeof answer === 'function' ? answer(input) : answer;
      }),
    ],
  });
}

let gateway: TestGateway;
let tenant: OwnTenant;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway({
    plugins: [plugin('open', 10, 'FAIL_OPEN'), plugin('closed', 20, 'FAIL_CLOSED')],
  });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  answering = {};
  // Each with a tenant of its own, so that nobody's failures are counted together.
  tenant = await tenantWith(gateway, TEA_PROGRAM, NOW);
  // What `gateway.sql` sees, and so whether anything was written.
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  memberId = await enrol(tenant);
  asked.length = 0;
});

const issue = async (input: Json = {}): Promise<Json> =>
  await act(tenant, 'issueMemberCode', { memberId, ...input }, 'memberCode { code barcode expiresAt }');
const scan = (code: string, { ask }: Pick<OwnTenant, 'ask'> = tenant): Promise<Answer<Json>> =>
  ask('query($code: String!) { memberByCode(code: $code) { id status } }', { code });
async function whose(code: string, by?: Pick<OwnTenant, 'ask'>): Promise<string | null> {
  const { data, errors } = await scan(code, by);
  expect(errors).toEqual([]);
  return data.memberByCode?.id ?? null;
}
const setStatus = (status: string): Promise<Json> =>
  act(tenant, 'updateMember', { memberId, status }, 'member { id }');

describe('a code of the product’s own', () => {
  it('tells a till whose it is, for five minutes, and nothing is kept of it', async () => {
    const { memberCode: issued } = await expectNothingWritten(gateway, () => issue());
    expect(issued).toMatchObject({
      barcode: null,
      expiresAt: expect.stringMatching(/^2026-11-20T04:0[5-9]:/),
    });
    asked.length = 0;
    expect(await whose(issued.code)).toBe(memberId);
    await setClock(gateway.application, tenant.tenantKey, '2026-11-20T05:00:00Z');
    expect(await whose(issued.code)).toBeNull();
    // Whose it is, the product knows by itself, and so that it is over.
    expect(asked).toEqual([]);
  });

  it('says nothing by itself, is another one each time, and fits a QR code that a till can read', async () => {
    const codes = [(await issue()).memberCode.code, (await issue()).memberCode.code];
    expect(new Set(codes).size).toBe(2);
    for (const code of codes) {
      expect(code.length).toBeLessThan(256);
      for (const part of code.split('.'))
        expect(Buffer.from(part, 'base64url').toString('latin1')).not.toMatch(/member|mem_/);
    }
  });

  it('is nobody’s in another tenant, and once it was changed', async () => {
    const { code } = (await issue()).memberCode;
    expect(await whose(code, await ownTenant(gateway))).toBeNull();
    const middle = code.lastIndexOf('.') - 4;
    const other = code[middle] === 'A' ? 'B' : 'A';
    for (const wrong of [`${code.slice(0, middle)}${other}${code.slice(middle + 1)}`, '', 'x', 'a.b.c.d.e'])
      expect(await whose(wrong)).toBeNull();
    asked.length = 0;
    expect(await whose('x'.repeat(100_000))).toBeNull();
    // What was sealed for another purpose is none either.
    const sealed = await gateway.application.sealer.seal(`${tenant.tenantKey} whatever`);
    expect(await whose(sealed)).toBeNull();
    expect(asked).toEqual([]);
  });

  it('shows a till that its member is blocked, who gets no other one', async () => {
    const { code } = (await issue()).memberCode;
    await setStatus('BLOCKED');
    expect((await scan(code)).data).toEqual({ memberByCode: { id: memberId, status: 'BLOCKED' } });
    expect((await issue()).userErrors).toMatchObject([{ code: 'MEMBER_NOT_ACTIVE', field: ['memberId'] }]);
  });

  it('is made for who is there alone, and for members their own', async () => {
    expect((await issue({ memberId: STRANGER })).userErrors).toMatchObject([{ code: 'MEMBER_NOT_FOUND' }]);
    const mine = await enrol(gateway);
    const headers = await gateway.asMember(mine);
    const query = `mutation($input: IssueMemberCodeInput!) {
      issueMemberCode(input: $input) { memberCode { code } userErrors { code } } }`;
    const of = async (id: string): Promise<Json> => {
      const input = { memberId: id, idempotencyKey: newRequestKey() };
      return (await gateway.ask(query, { input }, headers)).data.issueMemberCode;
    };
    expect((await of(mine)).userErrors).toEqual([]);
    expect((await of(gateway.demo.memberId)).userErrors).toEqual([{ code: 'MEMBER_NOT_FOUND' }]);
  });
});

it('the number of a membership card finds its member without asking anybody', async () => {
  const number = `C-${newRequestKey().slice(-12)}`;
  const addIdentities = [{ kind: 'CARD', value: number }];
  await act(tenant, 'updateMember', { memberId, addIdentities }, 'member { id }');
  expect(await whose(number)).toBe(memberId);
  expect(asked).toEqual([]);
});

describe('a code of an outside system', () => {
  it('is shown as it is; the first who gives one is the last who is asked', async () => {
    answering = {
      open: { code: '6901234567892', barcode: '690', expiresAt: '2026-11-20T12:30:00+08:00' },
    };
    const { memberCode: issued } = await issue({ idempotencyKey: 'show-1' });
    expect(issued).toEqual({
      ...{ code: '6901234567892', barcode: '690', expiresAt: '2026-11-20T04:30:00.000Z' },
    });
    expect(asked).toMatchObject([
      {
        input: { wanted: 'CODE', code: null, member: { id: memberId, tier: { code: 'bronze' } } },
        context: { mode: 'LIVE', idempotencyKey: 'show-1' },
      },
    ]);
    expect(asked[0]?.input.identities).toEqual([
      { kind: 'EXTERNAL', value: expect.stringMatching(/^test-/) },
    ]);
    // A repeated request, and one that only tries.
    await issue({ idempotencyKey: 'show-1' });
    await issue({ dryRun: true });
    expect(asked.map(({ context }) => [context.mode, context.idempotencyKey === 'show-1'])).toEqual([
      ...[
        ['LIVE', true],
        ['LIVE', true],
        ['DRY_RUN', false],
      ],
    ]);
  });

  it('may have no end, and come from the second who is asked', async () => {
    answering = { closed: { code: 'https://crm.example.com/m/7' } };
    const { memberCode: issued } = await issue();
    expect(issued).toEqual({ code: 'https://crm.example.com/m/7', barcode: null, expiresAt: null });
    expect(asked.map(({ plugin: id }) => id)).toEqual(['open', 'closed']);
  });

  it.each<[string, Json]>([
    ['is none', {}],
    ['is empty', { code: '' }],
    ['can’t be shown', { code: 'a b' }],
    ['is over', { code: 'x', expiresAt: '2026-11-20T03:00:00Z' }],
    ['is too long for a barcode', { code: 'x', barcode: '6'.repeat(49) }],
    ['comes with something else', { code: 'x', userId: 7 }],
  ])('that %s leaves the product’s own, where it fails open', async (_what, output) => {
    answering = { open: output };
    expect(await whose((await issue()).memberCode.code)).toBe(memberId);
  });

  it('that is over is a refusal where it fails closed, and so is a lie about whose one is', async () => {
    answering = { closed: { code: 'x', expiresAt: '2026-11-20T03:00:00Z' } };
    expect((await issue()).userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE', field: null }]);
    answering = { closed: { memberId: STRANGER } };
    const { data, errors } = await scan('dyn-1');
    expect(data).toEqual({ memberByCode: null });
    expect(errors).toMatchObject([{ extensions: { code: 'EXTENSION_UNAVAILABLE' } }]);
  });

  it('is found by whoever gave it, by id or by what finds them', async () => {
    answering = { open: { memberId } };
    expect(await whose('dyn-1')).toBe(memberId);
    expect(asked).toMatchObject([
      { plugin: 'open', input: { wanted: 'MEMBER', member: null, identities: [], code: 'dyn-1' } },
    ]);
    const value = `crm-${newRequestKey().slice(-12)}`;
    await act(
      tenant,
      'updateMember',
      { memberId, addIdentities: [{ kind: 'EXTERNAL', value }] },
      'member { id }',
    );
    answering = { open: {}, closed: { identity: { kind: 'EXTERNAL', value } } };
    expect(await whose('dyn-1')).toBe(memberId);
  });

  it.each<[string, Json]>([
    ['a stranger', { memberId: STRANGER }],
    ['no id', { memberId: 'whoever' }],
    ['an identity that is nobody’s', { identity: { kind: 'PHONE', value: '+8613700000001' } }],
    ['a kind that there isn’t', { identity: { kind: 'FACE', value: 'x' } }],
  ])('that is said to be of %s is nobody’s, where it fails open', async (_what, output) => {
    answering = { open: output };
    expect(await whose('dyn-1')).toBeNull();
    expect(asked.map(({ plugin: id }) => id)).toEqual(['open', 'closed']);
  });

  it('is no member of another tenant', async () => {
    answering = { open: { memberId: gateway.demo.memberId } };
    expect(await whose('dyn-1')).toBeNull();
  });
});

it('a canary gives codes to some, and is asked whose every code is', async () => {
  answering = {
    open: ({ wanted, code, member }: Json) =>
      wanted === 'CODE' ? { code: `dyn-${member.id}` } : { memberId: code.slice(4) },
  };
  await register(tenant, {
    ...{ point: 'member.code', runtime: 'IN_PROCESS', plugin: { id: 'open' }, deadlineMs: 10_000 },
    ...{ stage: 'CANARY', canaryPercent: 50, onFailure: 'FAIL_CLOSED' },
  });
  const outside: boolean[] = [];
  for (let index = 0; index < 24; index += 1) {
    const id = await enrol(tenant);
    const issued = await issue({ memberId: id });
    outside.push(issued.memberCode.code.startsWith('dyn-'));
    expect(await whose(issued.memberCode.code)).toBe(id);
  }
  expect(new Set(outside)).toEqual(new Set([true, false]));
});
