import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { untilHolds } from '../../../../test/support/until-holds.ts';
import { SANDBOX_LIMITS, type SandboxCall, SandboxPool, type SandboxResult } from './index.ts';

const NOW = new Date('2026-11-20T08:30:00Z');
const indexUrl = new URL('./index.ts', import.meta.url).href;
/** For what isn't meant to run into its deadline, also where a thread gets a core late. */
const { deadlineMs: LONGEST_MS } = SANDBOX_LIMITS;

let pool: SandboxPool;
let tenants = 0;

beforeAll(async () => {
  pool = await SandboxPool.open({ workers: 2 });
});
afterAll(async () => await pool.close());

/** Another one each time, so that no test pays for what another one did. */
function newTenant(): string {
  tenants += 1;
  return `tenant-${tenants}`;
}

/** Of what doesn't take its time, these say that the machine had no core for the thread. */
const LACKS_A_CORE: readonly unknown[] = ['NO_TURN', 'DEADLINE'];

/** Asks until what comes of it isn't one of these. */
async function past<Result>(
  codes: readonly unknown[],
  ask: () => Promise<Result>,
  codeIn: (result: Result) => string | undefined,
): Promise<Result> {
  let result = await ask();
  await untilHolds(async () => {
    if (!codes.includes(codeIn(result))) return true;
    result = await ask();
    return false;
  });
  return result;
}

async function compile(
  source: string,
  language: 'JAVASCRIPT' | 'TYPESCRIPT' = 'JAVASCRIPT',
  codes: readonly unknown[] = ['NO_TURN'],
) {
  const ask = () => pool.compile({ tenantKey: newTenant(), source, language });
  return await past(codes, ask, ({ findings }) => findings[0]?.code);
}

async function codeOf(source: string, language: 'JAVASCRIPT' | 'TYPESCRIPT' = 'JAVASCRIPT') {
  const { compiled, findings } = await compile(source, language, LACKS_A_CORE);
  if (compiled === null) throw new Error(JSON.stringify(findings));
  return compiled;
}

async function call(source: string, options: Partial<SandboxCall> = {}): Promise<SandboxResult> {
  const code = await codeOf(source);
  // A deadline that a test gives may be what ends the call.
  const codes = options.deadlineMs === undefined ? LACKS_A_CORE : ['NO_TURN'];
  const fixed = { input: '{}', deadlineMs: LONGEST_MS, now: NOW, seed: 1 };
  const ask = () => pool.call({ ...code, tenantKey: newTenant(), ...fixed, ...options });
  return await past(codes, ask, ({ error }) => error?.code);
}

async function outputOf(source: string, options: Partial<SandboxCall> = {}): Promise<unknown> {
  const { output, error } = await call(source, options);
  if (output === null) throw new Error(JSON.stringify(error));
  return JSON.parse(output);
}

describe('what the sandbox answers', () => {
  it('asks the default export with the input, and gives its output, its log and how long it took', async () => {
    const source = 'export default ({ x }) => { console.log("x is", x, [x]); return { twice: x * 2 }; }';
    expect(await call(source, { input: '{"x":21}' })).toEqual({
      ...{ outcome: 'OK', output: '{"twice":42}', error: null, log: ['x is 21 [21]'] },
      durationMs: expect.any(Number),
    });
  });

  it('waits for an asynchronous answer, and for what the top level awaits', async () => {
    const source = 'const two = await Promise.resolve(2); export default async ({ x }) => (await x) * two;';
    expect(await outputOf(source, { input: '{"x":4}' })).toBe(8);
  });

  it('tells the host’s time, in UTC, and chance that follows from the seed', async () => {
    const source = `export default () => {
      const now = new Date();
      const own = new now.constructor();
      const told = [Date.now(), now.toISOString(), own.getHours(), typeof Date()];
      return [...told, Math.random(), new Date(0).getTime()];
    }`;
    const first = await outputOf(source, { seed: 7 });
    expect(first).toEqual([+NOW, NOW.toISOString(), 8, 'string', expect.any(Number), 0]);
    expect(await outputOf(source, { seed: 7 })).toEqual(first);
    expect(await outputOf(source, { seed: 8 })).not.toEqual(first);
    const { findings } = await compile('const at = Date.now();\nexport default () => at;');
    expect(findings).toEqual([
      expect.objectContaining({ line: 1, message: expect.stringContaining('top level') }),
    ]);
  });

  it.each([
    ['null', 'null'],
    ['{ toString() { throw 1 } }', '{}'],
    ['Symbol("s")', 'Symbol(s)'],
    ['"a sentence"', 'a sentence'],
    ['new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 1 } })', '[unprintable]'],
    ['Object.assign(new TypeError("no"), { stack: 7 })', 'TypeError: no'],
  ])('tells of a thrown %s', async (thrown, message) => {
    const { outcome, error } = await call(`export default () => { throw ${thrown}; }`);
    expect([outcome, error?.code, error?.message]).toEqual(['ERROR', 'THROWN', message]);
  });

  it.each(['JAVASCRIPT', 'TYPESCRIPT'] as const)('names line and column in %s', async (language) => {
    const type = language === 'TYPESCRIPT' ? 'interface Given {\n  readonly x: { y: number };\n}' : '\n\n';
    const typed = language === 'TYPESCRIPT' ? ': Given' : '';
    const source = `${type}\nexport default (given${typed}) => {\n  return given.x.y;\n};\n`;
    const code = await codeOf(source, language);
    const options = { tenantKey: newTenant(), input: '{}', deadlineMs: LONGEST_MS, now: NOW, seed: 1 };
    const { error } = await pool.call({ ...code, ...options });
    expect(error).toMatchObject({ code: 'THROWN', line: 5, column: 17 });
  });

  it.each([
    ['JAVASCRIPT', 'export default () => {\n  const x = ;\n}', 2, 13],
    ['TYPESCRIPT', 'export default () => {\n  const x: = 1;\n}', 2, 12],
    ['TYPESCRIPT', 'export default () => 1;\nenum Level { Gold }', 2, 1],
    ['JAVASCRIPT', 'export default 1;', null, null],
    ['JAVASCRIPT', '\nthrow new Error("no");', 2, 16],
    ['JAVASCRIPT', 'import fs from "node:fs"; export default () => 1;', null, null],
    ['JAVASCRIPT', 'const kept = new Uint8Array(3e6); export default () => kept[0];', null, null],
    ['JAVASCRIPT', 'for (;;);', null, null],
    ['JAVASCRIPT', `export default () => ${'1+'.repeat(40_000)}1;`, null, null],
  ] as const)('finds what is wrong with a source: %#', async (language, source, line, column) => {
    const { compiled, findings } = await compile(source, language);
    const said = { code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) };
    expect([compiled, findings]).toEqual([null, [{ ...said, line, column }]]);
  });
});

describe('what stays', () => {
  it('is nothing: neither globals nor what a script changed, though it only wrote zeros before', async () => {
    const source = `
      let calls = 0;
      const kept = [];
      const zeros = new Uint8Array(500_000);
      export default () => {
        const seen = [calls, kept.length, zeros[400_000], globalThis.left, {}.polluted, [].at === undefined];
        calls += 1;
        kept.push(calls);
        zeros[400_000] = 1;
        globalThis.left = 'left';
        Object.prototype.polluted = true;
        delete Array.prototype.at;
        JSON.parse = () => 'forged';
        Promise.prototype.then = undefined;
        return seen;
      }`;
    const tenantKey = newTenant();
    for (const _ of [1, 2, 3]) {
      const { output } = await call(source, { tenantKey });
      expect(output).toBe('[0,0,0,null,null,false]');
    }
  });
});

describe('what code can reach', () => {
  it('is the language alone', async () => {
    const names = (await outputOf(
      'export default () => Object.getOwnPropertyNames(globalThis).filter((n) => /^[a-z]/.test(n)).sort();',
    )) as string[];
    expect(names.join(' ')).toBe(
      'console decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval globalThis isFinite isNaN ' +
        'parseFloat parseInt undefined unescape',
    );
  });

  it.each([
    '({}).constructor.constructor("return this")()',
    '(async () => {}).constructor("return this")()',
    '(function* () {}).constructor("return this")().next().value',
    '(0, eval)("this")',
    'Reflect.construct(console.log.constructor, ["return globalThis"])()',
    'Date.now.constructor("return this")()',
  ])('leads nowhere by %s', async (way) => {
    const source = `export default async () => {
      const world = await ${way};
      return [typeof world.process, typeof world.require, typeof world.fetch, world === globalThis];
    }`;
    expect(await outputOf(source)).toEqual(['undefined', 'undefined', 'undefined', true]);
  });

  it.each(['node:fs', './pool.ts', 'http://127.0.0.1/', 'data:text/javascript,1', 'rule.js/../x'])(
    'imports nothing: %s',
    async (name) => {
      const { error } = await call(`export default async () => await import(${JSON.stringify(name)});`);
      expect(error?.message).toMatch(/could not load module/);
    },
  );
});

const BIG = '"x".repeat(2_000_000)';

describe('what takes too much', () => {
  it.each([
    ['an endless loop', 'for (;;);'],
    ['an endless loop that catches', 'for (;;) { try { for (;;); } catch {} finally { continue; } }'],
    ['endless microtasks', 'const next = () => Promise.resolve().then(next); return next();'],
    ['a promise of itself', 'const then = (resolve) => resolve({ then }); return { then };'],
    ['a regex bomb', 'return /^(a+)+$/.test("a".repeat(40) + "b");'],
    ['a getter in what it throws', 'throw { get name() { for (;;); }, toJSON() { for (;;); } };'],
    ['a list that becomes a string', 'return new Array(1e9) + "";'],
    [
      'a search in huge strings',
      `const s = ${BIG}; let n = 0; for (;;) n += s.indexOf("x".repeat(1e6) + "y");`,
    ],
    ['sorting', 'const a = new Array(5e5).fill(0); return a.sort(() => Math.random() - 0.5).sort().sort();'],
    ['replacing in huge strings', `let s = ${BIG}; for (;;) s = s.replaceAll("x", "xx").slice(0, 2e6);`],
    ['a memory bomb', 'const all = []; for (;;) all.push(new Array(1_000).fill(all.length));'],
    ['a memory bomb of strings', 'let s = "x"; for (;;) s += s;'],
    [
      'a memory bomb that catches',
      'const all = []; for (;;) try { all.push(new Array(1e5).fill(1)); } catch {}',
    ],
    ['a huge buffer', 'return new ArrayBuffer(2 ** 31).byteLength;'],
    ['calling itself', 'const f = () => f(); return f();'],
    ['calling itself by a getter', 'const o = { get a() { return this.a; } }; return o.a;'],
    [
      'calling itself by a proxy',
      'let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); return p.x;',
    ],
    ['deep JSON', 'return JSON.parse("[".repeat(1e5) + "]".repeat(1e5));'],
    ['a nested regex', 'return new RegExp("(".repeat(5e4) + ")".repeat(5e4)).test("");'],
    ['nested source', 'return eval("(".repeat(5e5) + ")".repeat(5e5));'],
  ])('is stopped, and others are served: %s', async (_name, body) => {
    const { outcome, error } = await call(`export default () => { ${body} }`, { deadlineMs: 100 });
    expect([outcome, error?.code]).toEqual([
      expect.stringMatching(/^(TIMEOUT|ERROR)$/),
      expect.stringMatching(/^(DEADLINE|OUT_OF_MEMORY|STACK_OVERFLOW|THROWN|ENGINE_FAILED)$/),
    ]);
    expect(await outputOf('export default () => "fine"')).toBe('fine');
  });

  it('is told apart: time, memory, depth', async () => {
    const codeOfBody = async (body: string, options: Partial<SandboxCall> = {}) =>
      (await call(`export default () => { ${body} }`, options)).error?.code;
    expect(await codeOfBody('for (;;);', { deadlineMs: 100 })).toBe('DEADLINE');
    expect(await codeOfBody('const all = []; for (;;) all.push(new Array(1_000).fill(1));')).toBe(
      'OUT_OF_MEMORY',
    );
    expect(await codeOfBody('const f = () => f(); return f();')).toBe('STACK_OVERFLOW');
    expect(await codeOfBody('return new Promise(() => {});')).toBe('NEVER_SETTLES');
  });

  it.each([
    ['{"x":', 'INVALID_INPUT', 'INPUT_NOT_JSON'],
    [JSON.stringify('x'.repeat(SANDBOX_LIMITS.inputBytes)), 'INVALID_INPUT', 'INPUT_TOO_LARGE'],
    ['['.repeat(200_000), 'INVALID_INPUT', 'INPUT_TOO_DEEP'],
  ])('is not asked: %#', async (input, outcome, code) => {
    const answer = await call('export default (given) => given', { input });
    expect([answer.outcome, answer.error?.code]).toEqual([outcome, code]);
  });

  it.each([
    ['undefined', 'OUTPUT_NOT_JSON'],
    ['() => 1', 'OUTPUT_NOT_JSON'],
    ['10n', 'OUTPUT_NOT_JSON'],
    ['(() => { const a = []; a.push(a); return a; })()', 'OUTPUT_NOT_JSON'],
    [`"x".repeat(${SANDBOX_LIMITS.outputBytes})`, 'OUTPUT_TOO_LARGE'],
    [`"会".repeat(${SANDBOX_LIMITS.outputBytes / 2})`, 'OUTPUT_TOO_LARGE'],
    [`JSON.parse('['.repeat(100) + ']'.repeat(100))`, 'OUTPUT_TOO_DEEP'],
  ])('is no answer: %s', async (value, code) => {
    const answer = await call(`export default () => ${value};`);
    expect([answer.outcome, answer.error?.code, answer.output]).toEqual(['INVALID_OUTPUT', code, null]);
  });

  it('fits an input and an output as large and as deep as they may be', async () => {
    const text = JSON.stringify('x'.repeat(SANDBOX_LIMITS.inputBytes - 2));
    expect((await call('export default (given) => given', { input: text })).output).toBe(text);
    const deep = '['.repeat(SANDBOX_LIMITS.jsonDepth) + ']'.repeat(SANDBOX_LIMITS.jsonDepth);
    expect((await call('export default (given) => given', { input: deep })).output).toBe(deep);
  });

  it('bounds the log, by lines and by characters', async () => {
    const { log } = await call(
      'export default () => { for (let i = 0; i < 1e4; i++) console.log(i); return 1; }',
    );
    expect([log.length, log.at(-1)]).toEqual([SANDBOX_LIMITS.logLines + 1, '[the log is full]']);
    const long = await call(
      'export default () => { for (let i = 0; i < 99; i++) console.log("x".repeat(1e5)); }',
    );
    expect(long.log.join('').length).toBeLessThan(SANDBOX_LIMITS.logCharacters + 100);
    expect(long.log[0]).toHaveLength(SANDBOX_LIMITS.logLineCharacters);
  });

  it('survives hostile TypeScript', async () => {
    const hostile = [
      `export default ${'('.repeat(30_000)}1${')'.repeat(30_000)};`,
      `type A = ${'['.repeat(60_000)}`,
    ];
    for (const source of hostile) {
      const { compiled } = await compile(source, 'TYPESCRIPT');
      expect(compiled).toBeNull();
    }
    expect((await compile('export default (x: number): number => x;', 'TYPESCRIPT')).findings).toEqual([]);
  });
});

describe('whom it harms', () => {
  it('is the tenant alone: it is suspended, others go on, and it gets another try', async () => {
    const suspensionMs = 300;
    const own = await SandboxPool.open({ workers: 2, suspensionMs });
    try {
      const bomb = await codeOf('export default () => new Array(1e9) + "";');
      const good = await codeOf('export default ({ x }) => x;');
      const fixed = { deadlineMs: 200, now: NOW, seed: 1 };
      const ask = () => own.call({ ...bomb, ...fixed, tenantKey: 'bomber', input: '{}' });
      let isOver = false;
      const others = (async () => {
        let asked = 0;
        while (!isOver) {
          const input = `{"x":${asked}}`;
          const asking = { tenantKey: 'other', input, deadlineMs: LONGEST_MS };
          const { output, error } = await own.call({ ...good, ...fixed, ...asking });
          if (LACKS_A_CORE.includes(error?.code)) continue;
          expect(output).toBe(String(asked));
          asked += 1;
        }
        return asked;
      })();
      const outcomes: string[] = [];
      while (outcomes.at(-1) !== 'BREAKER_OPEN' && outcomes.length < 20) outcomes.push((await ask()).outcome);
      isOver = true;
      expect(outcomes.filter((outcome) => outcome === 'TIMEOUT').length).toBeGreaterThanOrEqual(3);
      expect(outcomes.at(-1)).toBe('BREAKER_OPEN');
      expect(await others).toBeGreaterThan(10);
      await untilHolds(() => !own.isSuspended('bomber'));
      const again: string[] = [];
      while (again.at(-1) !== 'BREAKER_OPEN' && again.length < 20) again.push((await ask()).outcome);
      expect([again[0], again.at(-1)]).toEqual(['TIMEOUT', 'BREAKER_OPEN']);
    } finally {
      await own.close();
    }
  });

  it('runs one call of a tenant at a time, and refuses more than may wait', async () => {
    // All are asked in one turn, in which no answer can come; then the shorter each is, the better.
    const code = await codeOf('export default () => 1;');
    const fixed = { ...code, input: '{}', deadlineMs: LONGEST_MS, now: NOW, seed: 1, tenantKey: newTenant() };
    const answers = await Promise.all(Array.from({ length: 80 }, () => pool.call(fixed)));
    const refused = answers.filter(({ error }) => error?.code === 'OVERLOADED');
    const inTime = answers.filter(({ error }) => !LACKS_A_CORE.includes(error?.code));
    expect([refused.length, new Set(inTime.map(({ outcome }) => outcome))]).toEqual([
      80 - 65,
      new Set(['OK', 'UNREACHABLE']),
    ]);
  });

  it('answers whoever waits when it closes, and nobody afterwards', async () => {
    const own = await SandboxPool.open({ workers: 1 });
    const code = await codeOf('export default () => { for (;;); }');
    const fixed = { ...code, input: '{}', deadlineMs: 900, now: NOW, seed: 1 };
    const waiting = ['a', 'a', 'b'].map((tenantKey) => own.call({ ...fixed, tenantKey }));
    await own.close();
    const answers = await Promise.all([...waiting, own.call({ ...fixed, tenantKey: 'c' })]);
    expect(answers.map(({ error }) => error?.code)).toEqual(['CLOSED', 'CLOSED', 'CLOSED', 'CLOSED']);
  });

  it('leaves a process free to end, and sees UTC wherever that is', async () => {
    const script = `
      import { SandboxPool } from ${JSON.stringify(indexUrl)};
      const pool = await SandboxPool.open({ workers: 1 });
      const source = 'export default () => [new Date(0).getHours(), String(new Date(0))]';
      const { compiled } = await pool.compile({ tenantKey: 'a', source, language: 'TYPESCRIPT' });
      const bomb = 'export default () => new Array(1e9) + ""';
      const loop = await pool.compile({ tenantKey: 'b', source: bomb, language: 'JAVASCRIPT' });
      const fixed = { input: '{}', now: new Date(0), seed: 1 };
      const { output } = await pool.call({ ...compiled, ...fixed, deadlineMs: 1_000, tenantKey: 'a' });
      await pool.call({ ...loop.compiled, ...fixed, deadlineMs: 100, tenantKey: 'b' });
      await pool.close();
      console.log(output, new Date(0).getHours());`;
    const options = { env: { ...process.env, TZ: 'Asia/Shanghai', NODE_OPTIONS: '' }, timeout: 60_000 };
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, options);
    expect(stdout.trim()).toMatch(/^\[0,"Thu Jan 01 1970 00:00:00 GMT\+0000.*"\] 8$/);
  });
});
