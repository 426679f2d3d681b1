import { compileEngine } from './engine.ts';
import { SandboxInstance } from './instance.ts';

const CACHE_BYTES = 8 * 1_024 * 1_024;
const fixed = { remainingMs: 5_000, now: 0, seed: 1 };

let instance: SandboxInstance;

beforeAll(async () => {
  instance = await SandboxInstance.open(await compileEngine(), CACHE_BYTES);
});

/** How often a text stands anywhere in the engine's memory, in each way that the engine writes strings. */
function found(text: string): number {
  const { bytes } = instance.memory;
  let count = 0;
  for (const encoding of ['latin1', 'utf16le'] as const) {
    const wanted = Buffer.from(text, encoding);
    for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + wanted.length)) count += 1;
  }
  return count;
}

function call(tenantKey: string, digest: string, code: string, input: string) {
  return instance.call({ ...fixed, tenantKey, digest, code, input });
}

const SPREAD = `export default ({ secret }) => {
  globalThis.all = [];
  for (let i = 0; i < 20_000; i++) all.push(secret + i);
  const deep = (n) => (n === 0 ? secret + '会' : deep(n - 1) + '');
  console.log(deep(500));
  return all.length;
}`;
const PLAIN = 'export default ({ x }) => x;';

describe('the engine’s memory', () => {
  it('holds nothing of a tenant once another one is asked', () => {
    expect(call('one', 'spread', SPREAD, '{"secret":"whisper-of-one"}').output).toBe('20000');
    expect(found('whisper-of-one')).toBeGreaterThan(10_000);
    expect(call('two', 'plain', PLAIN, '{"x":2}').output).toBe('2');
    expect(found('whisper-of-one')).toBe(0);
    // Both are loaded now: only restored, not loaded.
    expect(call('one', 'spread', SPREAD, '{"secret":"whisper-again"}').output).toBe('20000');
    expect(found('whisper-again')).toBeGreaterThan(10_000);
    expect(call('two', 'plain', PLAIN, '{"x":3}').output).toBe('3');
    expect(found('whisper-again')).toBe(0);
  });

  it('holds nothing of a tenant once code of another one is loaded, or two share the same code', () => {
    call('one', 'spread', SPREAD, '{"secret":"whisper-of-one"}');
    const loaded = {
      tenantKey: 'two',
      digest: 'other',
      code: 'const name = "of-two"; export default () => name;',
    };
    expect(instance.load({ ...loaded, remainingMs: 5_000 }).outcome).toBe('OK');
    expect(found('whisper-of-one')).toBe(0);
    call('one', 'spread', SPREAD, '{"secret":"whisper-of-one"}');
    expect(call('three', 'spread', SPREAD, '{"secret":"murmur"}').output).toBe('20000');
    expect(found('whisper-of-one')).toBe(0);
  });

  it('keeps no code of a tenant in another one’s world', () => {
    call('one', 'named', 'export default () => "secret-recipe-of-one";', '{}');
    expect(found('secret-recipe-of-one')).toBeGreaterThan(0);
    call('two', 'plain', PLAIN, '{"x":1}');
    expect(found('secret-recipe-of-one')).toBe(0);
  });

  it('answers the same after scripts were dropped from what is kept', () => {
    const names = Array.from({ length: 200 }, (_, index) => `many-${index}`);
    const ask = (name: string) =>
      call(name, name, `export default () => ${JSON.stringify(name)};`, '{}').output;
    for (const name of [...names, ...names.slice(0, 5)]) expect(ask(name)).toBe(JSON.stringify(name));
  });
});
