import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { z } from 'zod';
import { answers, definePlugin, extensionPoints } from '../../src/extension/index.ts';
import { projectPath } from '../../src/persistence/index.ts';
import { exampleText } from '../ledger/programs.ts';
import { type Hook, outcomesOf, startHook } from '../support/attacks.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { newRequestKey } from '../support/members.ts';
import { applyProgram, type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { act, register } from '../support/registered.ts';
import { type FailingAct, failingActs } from './failing-acts.ts';
import { tableOf } from './guide-blocks.ts';

// Every fault at every extension point under every policy, through the API: what is seen is what the page
// says.

// No claim of speed: a busy machine takes many times as long, and what hangs ends by its own deadline.
jest.setTimeout(300_000);

const FOLDER = projectPath('docs', 'guides');
const PAGE = join(FOLDER, 'failure-policies.md');
const POLICIES = ['FAIL_CLOSED', 'FAIL_OPEN', 'DEFAULT'] as const;
type Policy = (typeof POLICIES)[number];
type Runtime = 'WEBHOOK' | 'SANDBOX' | 'IN_PROCESS';

const ACTS = failingActs();
/** What runs here is asked alike at every point: these stand for all where a fault takes its time. */
const SOME = ACTS.filter(([point]) => ['member.create', 'points.rule', 'points.redeem'].includes(point));
/** For those who give no answer; who gives one has time for it, beside all others. */
const PATIENCE_MS = 5_000;
/** 16 connections and 64 that wait: so many more than these aren't asked. */
const TOO_MANY = 20;
const AT_ONCE = 16 + 64 + TOO_MANY;

/** What the plugin does at the moment, where a tenant registered it. */
let does: (lie: Json) => unknown = () => undefined;
const blockFor = (ms: number): void => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};
const lies = new Map(ACTS.map(([point, { lie }]) => [point, lie]));
const plugin = definePlugin({
  id: 'faulty',
  version: 1,
  // Where it isn't, it is asked last, and says nothing.
  priority: 1_000,
  description: 'Does what a test says, where it is registered.',
  configuration: z.object({ isOn: z.boolean().default(false) }),
  answers: extensionPoints.map((point) =>
    answers(
      point,
      (_, { configuration }) =>
        (Object(configuration).isOn ? does(lies.get(point.name)) : point.neutral) as typeof point.neutral,
    ),
  ),
});

let gateway: TestGateway;
const hooks: Hook[] = [];
const lines: string[] = [];
const tenants = new Map<string, OwnTenant>();
/** What callers saw: by point and policy, whatever the fault. */
const seen = new Map<string, Set<string>>();
/** What the log of calls says: by runtime and fault, whatever the point and the policy. */
const logged = new Map<string, Set<string>>();
const failures = new Map<string, number>();

beforeAll(async () => {
  gateway = await startTestGateway({
    plugins: [plugin],
    environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' },
    asking: { breaker: { failures: 5, breakMs: 600_000 } },
    log: (line) => lines.push(line),
  });
  for (const [point, { asset }] of ACTS) {
    const tenant = await ownTenant(gateway);
    tenants.set(point, tenant);
    if (asset === undefined) continue;
    await applyProgram(tenant, exampleText('demo').replace('ladders:', `  - ${asset}\nladders:`));
  }
});
afterAll(async () => {
  for (const hook of hooks) await hook.close();
  await gateway.close();
});

function tenantOf(point: string): OwnTenant {
  const tenant = tenants.get(point);
  if (tenant === undefined) throw new Error(`There is no tenant for ${point}.`);
  return tenant;
}

const note = (map: Map<string, Set<string>>, key: string, what: string) =>
  map.set(key, (map.get(key) ?? new Set()).add(what));

/** Does what the point is asked about, and answers what its caller sees. */
async function send(
  point: string,
  { mutation, query, shows, input }: FailingAct,
  more: Json = {},
): Promise<string> {
  const tenant = tenantOf(point);
  if (query !== undefined) {
    const { data, errors } = await tenant.ask(query, more.input ?? (await input(tenant)));
    return errors[0] === undefined ? `\`${JSON.stringify(data)}\`` : `\`${errors[0].extensions.code}\``;
  }
  const given = { idempotencyKey: newRequestKey(), ...(more.input ?? (await input(tenant))), ...more };
  delete given.input;
  const { userErrors, ...payload } = await tenant.act(mutation, given, shows);
  const field = shows.split(' ')[0] ?? '';
  if (userErrors.length === 0) return `\`${JSON.stringify(payload)}\``;
  expect([userErrors.length, userErrors[0].field]).toEqual([1, null]);
  expect(payload[field] ?? []).toEqual([]);
  return `\`${userErrors[0].code}\``;
}

/** Registers what answers a point, under a policy; answers its id. */
async function registered(point: string, code: Json, policy: Policy): Promise<string> {
  const { instead } = Object.fromEntries(ACTS)[point] ?? {};
  const name = `by-${newRequestKey()}`;
  const settings = { name, point, stage: 'LIVE', onFailure: policy, deadlineMs: PATIENCE_MS };
  const defaultOutput = policy === 'DEFAULT' ? instead : undefined;
  return (await register(tenantOf(point), { ...settings, defaultOutput, ...code })).id;
}

/** Has each of the acts meet one fault, and notes what came of it. */
async function meet(acts: typeof ACTS, policy: Policy): Promise<void> {
  await Promise.all(
    acts.map(async ([point, one]) => note(seen, `${point} ${policy}`, await send(point, one))),
  );
}

/** Notes what the log says of the extensions' calls, in the order of the faults; then they are over. */
async function retire(ids: Map<string, string>, runtime: Runtime, faults: readonly string[]): Promise<void> {
  await gateway.application.calls.flush();
  const retired = [...ids].map(async ([point, extensionId]) => {
    const outcomes = (await outcomesOf(tenantOf(point), extensionId)).filter((one) => one !== 'LIVE OK');
    expect([point, outcomes.length]).toEqual([point, faults.length]);
    failures.set(point, (failures.get(point) ?? 0) + faults.length);
    for (const [index, fault] of faults.entries())
      note(logged, `${runtime} ${fault}`, (outcomes[index] ?? '').replace(/LIVE | SANDBOX_NO_TURN/g, ''));
    await act(tenantOf(point), 'setExtensionStage', { extensionId, stage: 'RETIRED' });
  });
  await Promise.all(retired);
}

async function registerAll(acts: typeof ACTS, code: Json, policy: Policy): Promise<Map<string, string>> {
  const made = acts.map(async ([point]) => [point, await registered(point, code, policy)] as const);
  return new Map(await Promise.all(made));
}

const DOWN = 'answers with the status 500';
/** What a webhook does, in this order: the last five open the breaker. */
const BY_WEBHOOK: [fault: string, answer: Hook['answer']][] = [
  [DOWN, (_, response) => void response.writeHead(500).end()],
  ['says what can’t be', ({ point }) => lies.get(point)],
  ['answers in another shape', () => ({ yes: 'of course' })],
  ['gives no answer', () => undefined],
  ['hangs up', (_, response) => void response.destroy()],
];
const REFUSED = 'refuses the connection';
const BROKEN = 'has failed five times in a row';
const BUSY = 'has 16 calls under way and 64 waiting';
const BY_PLUGIN: [fault: string, does: (lie: Json) => unknown][] = [
  [
    'throws',
    () => {
      throw new Error('a fault');
    },
  ],
  ['says what can’t be', (lie) => lie],
  ['gives no answer', () => new Promise(() => undefined)],
];
const BLOCKS = 'holds the thread for longer than its deadline';
const BY_CODE: [fault: string, code: string, deadlineMs: number][] = [
  ['throws', `export default () => { throw new Error('a fault'); };`, 1_000],
  [
    'takes all memory',
    `export default () => { const all = []; for (;;) all.push(new ArrayBuffer(1000000)); };`,
    1_000,
  ],
  ['never ends', 'export default () => { for (;;); };', 200],
];

/** A service fails, and is well again: what was refused goes through with the same key. */
async function fallAndRise(hook: Hook, policy: Policy): Promise<void> {
  const requests = ACTS.map(async ([point, one]) => ({
    ...{ point, one, idempotencyKey: newRequestKey(), input: await one.input(tenantOf(point)) },
  }));
  const fallen = (await Promise.all(requests)).map(async ({ point, one, ...request }) => {
    note(seen, `${point} ${policy}`, await send(point, one, request));
    return { point, one, request: policy === 'FAIL_CLOSED' ? request : {} };
  });
  const risen = await Promise.all(fallen);
  hook.answer = ({ point }) => extensionPoints.find(({ name }) => name === point)?.neutral;
  hook.asked.length = 0;
  await Promise.all(
    risen.map(async ({ point, one, request }) => {
      expect(await send(point, one, request)).not.toContain('EXTENSION');
    }),
  );
  const again = ACTS.filter(([, { query }]) => policy === 'FAIL_CLOSED' && query === undefined);
  const repeated = hook.asked.filter(({ attempt }) => attempt === 2).map(({ point }) => point);
  expect(repeated.sort()).toEqual(again.map(([point]) => point).sort());
  expect(hook.asked).toHaveLength(ACTS.length);
}

describe.each(POLICIES)('under %s', (policy) => {
  it('callers see the same of every fault of a webhook, and may try again', async () => {
    const hook = await startHook();
    hooks.push(hook);
    const ids = await registerAll(ACTS, { runtime: 'WEBHOOK', webhook: { url: hook.url } }, policy);
    for (const [fault, answer] of BY_WEBHOOK) {
      hook.answer = answer;
      await (fault === DOWN ? fallAndRise(hook, policy) : meet(ACTS, policy));
    }
    await hook.close();
    await meet(ACTS, policy);
    await meet(ACTS, policy);
    await retire(ids, 'WEBHOOK', [...BY_WEBHOOK.map(([fault]) => fault), REFUSED, BROKEN]);
  });

  it('callers see the same of every fault of a plugin', async () => {
    const code = { runtime: 'IN_PROCESS', plugin: { id: plugin.id, configuration: { isOn: true } } };
    const ids = await registerAll(ACTS, { ...code, deadlineMs: 1_000 }, policy);
    for (const [, work] of BY_PLUGIN) {
      does = work;
      await meet(ACTS, policy);
    }
    await retire(
      ids,
      'IN_PROCESS',
      BY_PLUGIN.map(([fault]) => fault),
    );
    const blocking = await registerAll(SOME, { ...code, deadlineMs: 50 }, policy);
    does = () => blockFor(80);
    await meet(SOME, policy);
    await retire(blocking, 'IN_PROCESS', [BLOCKS]);
  });

  it('callers see the same of every fault of uploaded code', async () => {
    for (const [fault, code, deadlineMs] of BY_CODE)
      for (const one of SOME) {
        const ids = await registerAll([one], { runtime: 'SANDBOX', sandbox: { code }, deadlineMs }, policy);
        await meet([one], policy);
        await retire(ids, 'SANDBOX', [fault]);
      }
  });
});

/** A spend that isn't waited for, by a service that keeps all others waiting. */
it.each(POLICIES)('under %s, who comes when too many wait isn’t kept waiting', async (policy) => {
  const [point, one] = ACTS.find(([name]) => name === 'points.redeem') ?? ACTS[0] ?? [];
  if (point === undefined || one === undefined) throw new Error('There are no points.');
  const held = Promise.withResolvers<void>();
  const hook = await startHook(async () => {
    await held.promise;
    return { decision: 'APPROVE' };
  });
  hooks.push(hook);
  const code = { runtime: 'WEBHOOK', webhook: { url: hook.url }, deadlineMs: 10_000 };
  const ids = await registerAll([[point, one]], code, policy);
  const input = await one.input(tenantOf(point));
  const sooner: string[] = [];
  const all = Array.from({ length: AT_ONCE }, async () => {
    const shown = await send(point, one, { input, dryRun: true });
    sooner.push(shown);
    if (sooner.length === TOO_MANY) held.resolve();
    return shown;
  });
  expect(await Promise.all(all)).toHaveLength(AT_ONCE);
  for (const shown of sooner.slice(0, TOO_MANY)) note(seen, `${point} ${policy}`, shown);
  await gateway.application.calls.flush();
  const outcomes = await outcomesOf(tenantOf(point), ids.get(point) ?? '');
  const busy = outcomes.filter((outcome) => outcome !== 'DRY_RUN OK');
  expect([outcomes.length, busy.length]).toEqual([AT_ONCE, TOO_MANY]);
  for (const outcome of busy) note(logged, `WEBHOOK ${BUSY}`, outcome.replace('DRY_RUN ', ''));
  failures.set(point, (failures.get(point) ?? 0) + TOO_MANY);
  await act(tenantOf(point), 'setExtensionStage', { extensionId: ids.get(point), stage: 'RETIRED' });
});

it('counts and logs each failure once, by its point, and never what was said', async () => {
  const metric = gateway.application.metrics.registry.getSingleMetric('membergraph_extension_failures_total');
  const { values } = (await metric?.get()) ?? { values: [] };
  const counted = values.map(({ labels, value }): [unknown, number] => [labels.point, value]);
  expect(new Map(counted)).toEqual(failures);
  const told = lines.map((line): Json => JSON.parse(line)).filter(({ msg }) => msg === 'an extension failed');
  const byPoint = Map.groupBy(told, ({ point }) => point);
  expect(new Map([...byPoint].map(([point, { length }]) => [point, length]))).toEqual(failures);
  for (const line of told)
    expect(Object.keys(line)).toEqual(expect.arrayContaining(['extension', 'mode', 'code']));
  expect(lines.filter((line) => /no-such-|of course/.test(line))).toEqual([]);
});

const only = (found: Set<string> | undefined): string => [...(found ?? [])].sort().join(' ');

/** What callers of each point see: one row a point, a column for each policy. */
function callers(): string[][] {
  return ACTS.map(([point, { mutation }]) => [
    `\`${point}\``,
    `\`${mutation}\``,
    ...POLICIES.map((policy) => only(seen.get(`${point} ${policy}`))),
  ]);
}

/** What the log of calls says of each fault. */
function faults(): string[][] {
  return [...logged]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, outcomes]) => {
      const [runtime = '', ...fault] = key.split(' ');
      const [outcome = ''] = [...new Set([...outcomes].map((one) => one.split(' ')[0] ?? ''))];
      const codes = [...outcomes].flatMap((one) => one.split(' ')[1] ?? []).sort();
      return [
        `\`${runtime}\``,
        fault.join(' '),
        `\`${outcome}\``,
        codes.map((code) => `\`${code}\``).join(' '),
      ];
    });
}

it.each([
  ['callers', callers],
  ['faults', faults],
])('is what the page says of %s (UPDATE_DOCS=1 writes it)', (name, rows) => {
  const page = readFileSync(PAGE, 'utf8');
  if (process.env.UPDATE_DOCS === '1') {
    const written = rows()
      .map((cells) => `| ${cells.join(' | ')} |`)
      .join('\n');
    const table = new RegExp(`(<!-- ${name} -->\\n\\n\\|.*\\n\\|.*\\n)(?:\\|.*\\n)*`);
    writeFileSync(
      PAGE,
      page.replace(table, (_, head: string) => `${head}${written}\n`),
    );
  }
  expect(tableOf(readFileSync(PAGE, 'utf8'), name)).toEqual(rows());
});
