import { extensionPoints } from '../../src/extension/index.ts';
import { settleTenant } from '../../src/jobs/settle.ts';
import { exampleText } from '../ledger/programs.ts';
import { auditLedgers } from '../support/audit.ts';
import { ANSWERS, APPROVAL, answerTo, plugin } from '../support/every-point.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Hook, serveHook } from '../support/hooks.ts';
import { enrol, newIdentity } from '../support/members.ts';
import { applyProgram, type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { act, longestMs, shown } from '../support/registered.ts';

// Every extension point, by every runtime, through every stage: the same answer, and the same effect.

type Point = keyof typeof ANSWERS;
type Runtime = 'IN_PROCESS' | 'WEBHOOK' | 'SANDBOX';

/** Among the assets and ladders of the demo program, and behind its rules. */
const ASSETS = `  - { code: wallet, kind: STORED_VALUE, name: { en: Wallet } }
  - { code: brief, kind: TOKEN, name: { en: Brief }, expiry: { after: P1D } }
  - { code: miles, kind: POINTS, name: { en: Miles }, recordOf: EXTERNAL }
  - { code: stars, kind: GROWTH, name: { en: Stars }, recordOf: EXTERNAL, spendable: false }
`;
const LADDER = `  - { code: guests, name: { en: Guests }, metric: 'activities:stay', evaluation: EXTENSION, tiers: [
      { code: guest, name: { en: Guest }, threshold: "0" }, { code: host, name: { en: Host }, threshold: "99" }] }
`;
const RULE = `
  - { code: visit, name: { en: Visit }, trigger: visit, postings: [{ asset: brief, amount: 7 }] }
`;

let gateway: TestGateway;
let hook: Hook;
let tenant: OwnTenant;
beforeAll(async () => {
  gateway = await startTestGateway({
    plugins: [plugin],
    environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' },
  });
  tenant = await ownTenant(gateway);
  await applyProgram(
    tenant,
    exampleText('demo')
      .replace('ladders:', `${ASSETS}ladders:`)
      .replace('\nbenefits:', `\n${LADDER}benefits:`) + RULE,
  );
  hook = await serveHook(({ point, input }) => answerTo(point, input));
});
afterAll(async () => {
  await gateway.close();
  await hook.close();
});

/** What is registered for a point, by runtime. */
function codeOf(point: Point, runtime: Runtime): Record<string, Json> {
  if (runtime === 'WEBHOOK') return { webhook: { url: hook.url } };
  if (runtime === 'IN_PROCESS') return { plugin: { id: plugin.id, configuration: { isOn: true } } };
  const answer = ANSWERS[point];
  const code = typeof answer === 'function' ? String(answer) : `() => (${JSON.stringify(answer)})`;
  return { sandbox: { code: `export default ${code};` } };
}

const MADE = `operations {
    entries { asset { code } amount } explanation { rule { code } extension { name version } outcome }
  }`;

const HISTORY = `member { tierHistory(first: 1) { edges { node {
  cause to { code } reason extension { name version } } } } }`;

async function done(mutation: string, input: Record<string, Json>, fields: string): Promise<Json> {
  const payload = await act(tenant, mutation, input, fields);
  expect(payload.userErrors).toEqual([]);
  return payload;
}

/** Whether an extension gives something in an asset for a sign-in. */
async function signIn(asset: string, memberId?: string): Promise<boolean> {
  const input = { memberId: memberId ?? (await enrol(tenant)), type: 'sign_in' };
  const { operations } = await done('recordActivity', input, MADE);
  const own = operations.filter(({ explanation }: Json) => explanation.extension !== null);
  for (const { entries, explanation } of own) {
    expect(entries).toEqual([{ asset: { code: asset }, amount: '7' }]);
    expect(explanation).toMatchObject({ rule: null, outcome: 'APPLIED' });
  }
  return own.length > 0;
}

/** Spends or reserves of what a new member has been given for enrolling. */
async function move(mutation: string, fields = ''): Promise<Json> {
  const input = { memberId: await enrol(tenant), asset: 'points', amount: '10' };
  return await done(mutation, input, `operation { id reference { type } } ${fields}`);
}

function isBooked({ operation }: Json): boolean {
  return operation.reference?.type === APPROVAL.reference.type;
}

/** Whether a registered extension was told, as one whose answer counts, of what a member lost. */
async function lose(memberId?: string): Promise<boolean> {
  const occurredAt = new Date(Date.now() - 2 * 86_400_000).toISOString();
  const id = memberId ?? (await enrol(tenant));
  await done('recordActivity', { memberId: id, type: 'visit', occurredAt }, 'member { id }');
  const { jobs, calls } = gateway.application;
  await settleTenant(jobs, tenant.tenantKey);
  const { data } = await tenant.ask(
    `query($id: ID!) { member(id: $id) { ledger(asset: "brief") { entries(first: 1) { edges {
      node { id kind } } } } } }`,
    { id },
  );
  const [{ node }] = data.member.ledger.entries.edges;
  expect(node.kind).toBe('EXPIRE');
  await jobs.expiries.tell(tenant.tenantKey);
  await calls.flush();
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  const told = await gateway.sql(
    `select 1 from extension_call c join extension x using (tenant_id, extension_id)
      where c.idempotency_key = $1 and c.mode in ('LIVE', 'CANARY')`,
    [node.id],
  );
  return told.length > 0;
}

async function use(): Promise<boolean> {
  const input = { memberId: await enrol(tenant), benefit: 'birthday-gift' };
  const { grant } = await done('grantBenefit', input, 'grant { id }');
  const { use: used } = await done('useBenefit', { grantId: grant.id }, 'use { effect { kind value } }');
  return used.effect.value === 'FROM-EXTENSION';
}

/** Whether a balance that is kept elsewhere is told as an extension says. */
async function readsElsewhere(asset: string, memberId?: string): Promise<boolean> {
  const query =
    'query($id: ID!, $asset: String!) { member(id: $id) { ledger(asset: $asset) { balance { available } source } } }';
  const { data, errors } = await tenant.ask(query, { id: memberId ?? (await enrol(tenant)), asset });
  expect(errors).toEqual([]);
  const { balance, source } = data.member.ledger;
  expect([balance.available, source]).toEqual(source === 'RECORD' ? ['777', source] : ['0', 'MIRROR']);
  return source === 'RECORD';
}

/** Does what the point is asked about, and answers whether the extension's answer was carried out. */
const DO: Record<Point, (memberId?: string) => Promise<boolean>> = {
  'member.create': async () => {
    const input = { identities: [newIdentity()] };
    const { member } = await done('createMember', input, 'member { tags { code } }');
    return member.tags.some(({ code }: Json) => code === 'from-extension');
  },
  'member.update': async (memberId) => {
    const input = { memberId: memberId ?? (await enrol(tenant)), attributes: {} };
    const { member } = await done('updateMember', input, 'member { attributes }');
    return member.attributes.from === 'extension';
  },
  'member.code': async (memberId) => {
    const input = { memberId: memberId ?? (await enrol(tenant)) };
    const { memberCode: issued } = await done('issueMemberCode', input, 'memberCode { code }');
    return issued.code === 'FROM-EXTENSION';
  },
  'member.read': async (memberId) => {
    const query = 'query($id: ID!) { member(id: $id) { profile { displayName origin } } }';
    const { data, errors } = await tenant.ask(query, { id: memberId ?? (await enrol(tenant)) });
    expect(errors).toEqual([]);
    const { displayName, origin } = data.member.profile;
    expect(origin).toBe(displayName === 'FROM-EXTENSION' ? 'OUTSIDE' : 'OWN');
    return origin === 'OUTSIDE';
  },
  'activity.validate': async (memberId) => {
    const input = { memberId: memberId ?? (await enrol(tenant)), type: 'sign_in' };
    const { userErrors } = await act(tenant, 'recordActivity', input, 'activity { id }');
    if (userErrors.length > 0) expect(userErrors[0].message).toBe('from-extension');
    return userErrors.length > 0;
  },
  'points.rule': (memberId) => signIn('token', memberId),
  'growth.rule': (memberId) => signIn('growth', memberId),
  'benefit.rule': use,
  'benefit.use': use,
  'points.redeem': async () => isBooked(await move('redeemPoints')),
  'points.hold': async () => isBooked(await move('holdPoints')),
  'points.release': async () => {
    const { hold } = await move('holdPoints', 'hold { id }');
    return isBooked(await done('releaseHold', { holdId: hold.id }, 'operation { reference { type } }'));
  },
  'points.reverse': async () => {
    const { operation } = await move('redeemPoints');
    const input = { operationId: operation.id };
    return isBooked(await done('reverseOperation', input, 'operation { reference { type } }'));
  },
  'points.expire': lose,
  'points.change': async () => {
    const input = { memberId: await enrol(tenant), asset: 'miles', amount: '10' };
    const { operation } = await act(
      tenant,
      'earnPoints',
      input,
      'operation { record { reference { type } } }',
    );
    return operation?.record.reference?.type === APPROVAL.reference.type;
  },
  'storedvalue.topup': async () => {
    const input = { memberId: await enrol(tenant), asset: 'wallet', paid: '100' };
    return isBooked(await done('topUpStoredValue', input, 'operation { reference { type } }'));
  },
  'tier.evaluate': async (memberId) => {
    const id = memberId ?? (await enrol(tenant));
    await done('setTier', { memberId: id, ladder: 'guests', tier: 'guest', reason: 'anew' }, 'change { id }');
    const input = { memberId: id, type: 'stay' };
    const { member } = await done('recordActivity', input, HISTORY);
    const [{ node }] = member.tierHistory.edges;
    if (node.cause === 'EVALUATED')
      expect(node).toMatchObject({
        to: { code: 'host' },
        reason: 'from-extension',
        extension: { version: 1 },
      });
    return node.cause === 'EVALUATED';
  },
  'tier.set': async (memberId) => {
    const input = { memberId: memberId ?? (await enrol(tenant)), tier: 'gold', reason: 'a test' };
    const { change } = await done('setTier', input, 'change { to { code } }');
    return change.to.code === 'silver';
  },
  'tier.list': async (memberId) => {
    const query = 'query($id: ID!) { tierList(memberId: $id) { origin items { name } } }';
    const { data, errors } = await tenant.ask(query, { id: memberId ?? (await enrol(tenant)) });
    expect(errors).toEqual([]);
    const { origin, items } = data.tierList;
    expect(origin).toBe(items[0].name === 'FROM-EXTENSION' ? 'OUTSIDE' : 'OWN');
    return origin === 'OUTSIDE';
  },
  'points.read': (memberId) => readsElsewhere('miles', memberId),
  'growth.read': (memberId) => readsElsewhere('stars', memberId),
};

/** Those that can be asked about the same member again. */
const ABOUT_A_MEMBER: readonly Point[] = [
  'member.update',
  'member.code',
  'member.read',
  'activity.validate',
  'points.rule',
  'growth.rule',
  'points.expire',
  'tier.evaluate',
  'tier.set',
  'tier.list',
  'points.read',
  'growth.read',
];

/** Those that nothing can stand in for: they are DRAFT, LIVE or RETIRED. */
const WHOLE: readonly Point[] = ['points.change'];

const CASES = (Object.keys(ANSWERS) as Point[]).flatMap((point) =>
  (['IN_PROCESS', 'WEBHOOK', 'SANDBOX'] as const).map((runtime) => [point, runtime] as const),
);

const CALLS =
  'calls(first: 100) { edges { node { id mode outcome attempt differences { path } error { code } } } }';

it('are all of them', () => {
  expect(Object.keys(ANSWERS).sort()).toEqual(extensionPoints.map(({ name }) => name).sort());
});

describe.each(CASES)('%s by %s', (point, runtime) => {
  let id: string;
  beforeAll(async () => {
    const name = `${point}-${runtime}`.toLowerCase().replace('.', '-');
    // It is not about deadlines, and the sandbox's threads start with the first code.
    const deadlineMs = longestMs(runtime);
    const input = { name, point, runtime, deadlineMs, priority: 1, ...codeOf(point, runtime) };
    const { extension, signingSecret } = await done(
      'registerExtension',
      input,
      'extension { id } signingSecret',
    );
    id = extension.id;
    if (signingSecret !== null) hook.trust(signingSecret);
  });

  const setStage = (stage: string, canaryPercent?: number): Promise<Json> =>
    done('setExtensionStage', { extensionId: id, stage, canaryPercent }, 'extension { stage }');
  const calls = async (): Promise<Json[]> =>
    (await shown(tenant, id, CALLS)).calls.edges.map(({ node }: Json) => node);
  const modes = async (): Promise<string[]> =>
    [...new Set((await calls()).map(({ mode, outcome }) => `${mode} ${outcome}`))].sort();

  it('is not asked in DRAFT', async () => {
    expect(await DO[point]()).toBe(false);
    expect(await calls()).toEqual([]);
  });

  it('is asked in SHADOW, and only compared', async () => {
    if (WHOLE.includes(point)) return;
    await setStage('SHADOW');
    expect(await DO[point]()).toBe(false);
    await expect(waitFor(modes, (found) => found.length > 0)).resolves.toEqual(['SHADOW OK']);
    const [call] = await calls();
    expect(call.differences.length).toBeGreaterThan(0);
  });

  it('counts for some in CANARY, and for the same ones each time', async () => {
    if (WHOLE.includes(point)) return;
    await setStage('CANARY', 50);
    const outcomes = [];
    for (let index = 0; index < 24; index += 1) outcomes.push(await DO[point]());
    expect(new Set(outcomes)).toEqual(new Set([true, false]));
    expect(await modes()).toEqual(['CANARY OK', 'SHADOW OK']);
    if (!ABOUT_A_MEMBER.includes(point)) return;
    const memberId = await enrol(tenant);
    const first = await DO[point](memberId);
    for (let index = 0; index < 4; index += 1) expect(await DO[point](memberId)).toBe(first);
  });

  it('counts in LIVE, and is kept with what it was asked and answered', async () => {
    await setStage('LIVE');
    expect(await DO[point]()).toBe(true);
    const [call] = await calls();
    expect(call).toMatchObject({ mode: 'LIVE', outcome: 'OK', attempt: 1, error: null });
  });

  it('is not asked once it is RETIRED', async () => {
    await setStage('RETIRED');
    const before = await calls();
    expect(await DO[point]()).toBe(false);
    expect(await calls()).toEqual(before);
  });
});

it('leaves books that add up', async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
});

async function waitFor<Value>(
  read: () => Promise<Value>,
  isThere: (value: Value) => boolean,
): Promise<Value> {
  const until = Date.now() + 60_000;
  for (;;) {
    const value = await read();
    if (isThere(value) || Date.now() > until) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
