import {
  BY_RULES,
  buy,
  callsOf,
  gave,
  healthOf,
  outcomesOf,
  posting,
  SLACK_MS,
  timed,
} from '../support/attacks.ts';
import { auditLedgers } from '../support/audit.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { register, sandbox } from '../support/registered.ts';

// What uploaded code does that is LIVE. The map of attacks is in extension-attacks.spec.ts.

let gateway: TestGateway;
let neighbour: Awaited<ReturnType<typeof shop>>;
beforeAll(async () => {
  gateway = await startTestGateway({ plugins: [] });
  const code = `export default () => ({ postings: [${JSON.stringify(posting('5'))}] });`;
  neighbour = await shop(code, { name: 'good', onFailure: 'FAIL_CLOSED' });
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

const deadlineMs = 150;

/** A tenant with a member, whose rule is this code. */
async function shop(code: string, more: Record<string, unknown> = {}) {
  const tenant = await ownTenant(gateway);
  const memberId = await enrol(tenant);
  const { id } = await register(tenant, { ...sandbox(code), stage: 'LIVE', onFailure: 'FAIL_OPEN', ...more });
  return { tenant, memberId, id };
}

/** Buys at the neighbour's for as long as something goes on; its rule has to answer each time. */
async function besides<Result>(work: () => Promise<Result>): Promise<[result: Result, bought: number]> {
  let isOver = false;
  const working = work().finally(() => {
    isOver = true;
  });
  let bought = 0;
  do {
    const { tenant, memberId } = neighbour;
    expect(gave(await buy(tenant, memberId))).toEqual([...BY_RULES, 'points 5 by good 1']);
    bought += 1;
  } while (!isOver);
  return [await working, bought];
}

const codeOf = (body: string): string => `export default async (input) => { ${body} };`;
const BIG = '"x".repeat(2_000_000)';
const GREEDY: [what: string, body: string, outcome: RegExp][] = [
  ['an endless loop', 'for (;;);', /TIMEOUT SANDBOX_DEADLINE/],
  [
    'an endless loop that catches',
    'for (;;) { try { for (;;); } catch {} finally { continue; } }',
    /TIMEOUT/,
  ],
  ['a regex bomb', 'return /^(a+)+$/.test("a".repeat(40) + "b");', /TIMEOUT SANDBOX_DEADLINE/],
  [
    'a memory bomb',
    'const all = []; for (;;) all.push(new Array(1_000).fill(all.length));',
    /ERROR SANDBOX_OUT_OF_MEMORY/,
  ],
  [
    'a memory bomb of strings',
    'let s = "x"; for (;;) s += s;',
    /ERROR SANDBOX_(OUT_OF_MEMORY|THREW|ENGINE_FAILED)/,
  ],
  ['a list that becomes a string', 'return new Array(1e9) + "";', /TIMEOUT SANDBOX_DEADLINE/],
  ['a search in huge strings', `const s = ${BIG}; for (;;) s.indexOf("x".repeat(1e6) + "y");`, /TIMEOUT/],
  ['endless microtasks', 'const next = () => Promise.resolve().then(next); return next();', /TIMEOUT/],
  ['a promise of itself', 'const then = (resolve) => resolve({ then }); return { then };', /TIMEOUT/],
  ['a promise that nobody settles', 'return new Promise(() => {});', /SANDBOX_NEVER_SETTLES/],
  ['calling itself', 'const f = () => f(); return f();', /ERROR SANDBOX_STACK_OVERFLOW/],
  ['deep JSON', 'return JSON.parse("[".repeat(60) + "]".repeat(60));', /INVALID_OUTPUT/],
  [
    'JSON too deep to parse',
    'return JSON.parse("[".repeat(1e5) + "]".repeat(1e5));',
    /ERROR SANDBOX_[A-Z_]+/,
  ],
  [
    '1 MB of an answer',
    'return { postings: [], x: "x".repeat(2 ** 20) };',
    /INVALID_OUTPUT SANDBOX_OUTPUT_TOO_LARGE/,
  ],
  ['a log without an end', 'for (;;) console.log("x".repeat(1e4));', /TIMEOUT/],
  [
    'a proxy for an answer',
    'return new Proxy({}, { get() { for (;;); }, ownKeys() { for (;;); } });',
    /TIMEOUT/,
  ],
];

describe.each(GREEDY)('%s', (_what, body, outcome) => {
  it('ends by its deadline, the purchase goes on without it, and a neighbour’s rule answers', async () => {
    // What is ended by something else than its deadline has time for it.
    const givenMs = outcome.source.startsWith('TIMEOUT') ? deadlineMs : 1_000;
    const { tenant, memberId, id } = await shop(codeOf(body), { deadlineMs: givenMs });
    const [[answered, ms]] = await besides(() => timed(() => buy(tenant, memberId)));
    expect(gave(answered)).toEqual(BY_RULES);
    expect(ms).toBeLessThan(givenMs + SLACK_MS);
    const outcomes = await outcomesOf(tenant, id);
    expect(outcomes).toEqual([expect.stringMatching(outcome)]);
    expect(await healthOf(tenant, id)).toBe('FAILING');
  });
});

const WAYS = [
  '({}).constructor.constructor("return this")()',
  '(async () => {}).constructor("return this")()',
  '(function* () {}).constructor("return this")().next().value',
  '(0, eval)("this")',
  'Reflect.construct(console.log.constructor, ["return globalThis"])()',
  'Date.now.constructor("return this")()',
  'input.constructor.constructor("return this")()',
  '(() => { try { null.x } catch (e) { return e.constructor.constructor("return this")() } })()',
];

it.each(WAYS)('a way out by %s leads nowhere', async (way) => {
  const body = `const world = await ${way};
    const found = ['process', 'require', 'fetch', 'Worker', 'WebAssembly', 'SharedArrayBuffer', 'Atomics', 'postMessage']
      .filter((name) => typeof world[name] !== 'undefined' && name !== 'SharedArrayBuffer' && name !== 'Atomics');
    const isHere = world === globalThis;
    const imported = await import('node:fs').then(() => 'fs', () => 'nothing');
    console.log(JSON.stringify([found, isHere, imported]));
    return { postings: [] };`;
  const { tenant, memberId, id } = await shop(codeOf(body));
  expect(gave(await buy(tenant, memberId))).toEqual(BY_RULES);
  const [call] = await callsOf(tenant, id);
  expect([call.outcome, call.logs]).toEqual(['OK', [JSON.stringify([[], true, 'nothing'])]]);
});

describe('a bomber', () => {
  const purchases = async ({ tenant, memberId }: { tenant: OwnTenant; memberId: string }, count: number) => {
    for (let bought = 0; bought < count; bought += 1) {
      const [answered, ms] = await timed(() => buy(tenant, memberId));
      expect(gave(answered)).toEqual(BY_RULES);
      expect(ms).toBeLessThan(deadlineMs + SLACK_MS);
    }
  };

  it('whose threads are killed is left alone, its health says so, and neighbours notice nothing', async () => {
    const bomber = await shop(codeOf('return new Array(1e9) + "";'), { deadlineMs });
    const [, bought] = await besides(() => purchases(bomber, 10));
    const outcomes = await outcomesOf(bomber.tenant, bomber.id);
    // While a thread is replaced the other one is the neighbours': the bomber gets no turn.
    const asked = outcomes.filter((outcome) => !outcome.endsWith('NO_TURN'));
    expect(asked.slice(0, 3)).toEqual(Array(3).fill('LIVE TIMEOUT SANDBOX_DEADLINE'));
    expect(new Set(asked.slice(3))).toEqual(new Set(['LIVE BREAKER_OPEN SANDBOX_SUSPENDED']));
    expect(await healthOf(bomber.tenant, bomber.id)).toBe('BROKEN');
    expect(bought).toBeGreaterThan(3);
  });

  it('who ends by the deadline again and again has its breaker opened', async () => {
    const bomber = await shop(codeOf('for (;;);'), { deadlineMs });
    const outcomes = async (): Promise<string[]> => {
      const all = await outcomesOf(bomber.tenant, bomber.id);
      return all.filter((outcome) => !outcome.endsWith('NO_TURN'));
    };
    await besides(async () => {
      for (let tries = 0; tries < 4 && !(await outcomes()).at(-1)?.includes('BREAKER_OPEN'); tries += 1)
        await purchases(bomber, 6);
    });
    const asked = await outcomes();
    expect(asked.slice(0, 5)).toEqual(Array(5).fill('LIVE TIMEOUT SANDBOX_DEADLINE'));
    expect(asked.at(-1)).toMatch(/^LIVE BREAKER_OPEN (EXTENSION_BREAKER_OPEN|SANDBOX_SUSPENDED)$/);
    expect(await healthOf(bomber.tenant, bomber.id)).toBe('BROKEN');
  });
});

it('two tenants with the same code share nothing: neither globals nor what an answer leaves behind', async () => {
  const body = `globalThis.seen = (globalThis.seen ?? 0) + 1;
    kept.push(input.member.id);
    Array.prototype.map = Object.freeze = () => input.member.id;
    console.log(JSON.stringify({ seen: globalThis.seen, kept: String(kept) }));
    return { postings: [] };`;
  const code = `const kept = []; ${codeOf(body)}`;
  const shops = [await shop(code), await shop(code)];
  for (const { tenant, memberId } of [...shops, ...shops, ...shops])
    expect(gave(await buy(tenant, memberId))).toEqual(BY_RULES);
  for (const { tenant, memberId, id } of shops) {
    const calls = await callsOf(tenant, id);
    const alone = JSON.stringify({ seen: 1, kept: memberId });
    expect(calls.map(({ outcome, logs }) => [outcome, logs])).toEqual(Array(3).fill(['OK', [alone]]));
  }
});
