import {
  type Greeter,
  greet,
  newGreeter,
  QUESTION,
  startHost,
  type TestHost,
} from '../../test/support/extensions.ts';
import { answers, defineExtensionPoint, type Plugin } from '../extension/index.ts';
import { Refusal } from '../kernel/errors.ts';

const hosts: TestHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
});

function newHost(...plugins: Plugin[]): TestHost {
  const host = startHost({ plugins });
  hosts.push(host);
  return host;
}

const text = (said: string): Greeter => {
  return () => ({ text: said });
};
const broken: Greeter = () => {
  throw new Error('out of tea');
};
const never: Greeter = () => new Promise(() => undefined);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function reasonsOf(answer: Promise<unknown>) {
  const error = await answer.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Refusal);
  return (error as Refusal).reasons;
}

describe('the plugin host', () => {
  it('asks everyone who answers, lower priority first, and those of the same in their order', async () => {
    const asked: string[] = [];
    const plugin = (id: string, priority?: number): Plugin =>
      newGreeter(id, () => ({ text: String(asked.push(id)) }), { priority });
    const { ask } = newHost(
      ...[plugin('b'), plugin('last', 101), plugin('c', 100), plugin('first', -5), plugin('a')],
    );
    const given = await ask();
    const order = ['first', 'b', 'c', 'a', 'last'];
    expect(given.map(({ extension }) => extension)).toEqual(order.map((name) => ({ name, version: 2 })));
    expect(asked).toEqual(order);
  });

  it('asks those of one priority together, and the next ones when they have answered', async () => {
    const events: string[] = [];
    const slow = newGreeter('slow', async () => {
      events.push('slow is asked');
      await turn();
      events.push('slow has answered');
      return { text: '' };
    });
    const quick = (id: string, priority: number): Plugin =>
      newGreeter(id, () => ({ text: String(events.push(`${id} is asked`)) }), { priority });
    const given = await newHost(slow, quick('beside', 100), quick('after', 101)).ask();
    expect(events).toEqual(['slow is asked', 'beside is asked', 'slow has answered', 'after is asked']);
    expect(given.map(({ extension }) => extension.name)).toEqual(['slow', 'beside', 'after']);
  });

  it('asks nobody of a later priority once an answer is enough', async () => {
    const plugin = (id: string, priority: number) => newGreeter(id, text(id), { priority });
    const { ask, recorder } = newHost(plugin('one', 1), plugin('two', 2), plugin('three', 3));
    const given = await ask({ enough: ({ text: said }: { text: string }) => said === 'two' });
    expect(given.map(({ output }) => output.text)).toEqual(['one', 'two']);
    expect(recorder.calls).toHaveLength(2);
  });

  it('says at once where nobody is registered', async () => {
    expect(await newHost().host.find('t', greet)).toBeNull();
    const other = defineExtensionPoint({ ...greet, name: 'test.part' });
    const plugin = newGreeter('elsewhere', text(''), { answers: [answers(other, () => ({ text: '' }))] });
    const { host, registrations } = newHost(plugin);
    registrations.all = registrations.all.map((registered) => ({ ...registered, point: other.name }));
    const [registered] = registrations.all;
    expect(await host.find(registered?.tenantKey ?? '', greet)).toBeNull();
    expect(await host.find(registered?.tenantKey ?? '', other)).not.toBeNull();
  });

  it('hands over the input as the point says it, and the facts of the call', async () => {
    const seen: unknown[] = [];
    const plugin = newGreeter('curious', (input, { signal, log, post, transaction, ...facts }) => {
      log('seen');
      seen.push(input, facts, signal.aborted, typeof post, typeof transaction);
      return { text: 'x' };
    });
    const { ask, recorder } = newHost(plugin);
    const given = await ask();
    const { mode, idempotencyKey, now } = QUESTION;
    expect(seen).toEqual([
      { name: 'Xiao Man' },
      { tenant: 'tea', mode, attempt: 1, idempotencyKey, now, configuration: {} },
      false,
      ...['function', 'function'],
    ]);
    const extension = { name: 'curious', version: 2 };
    expect(given).toEqual([{ extension, output: { text: 'x', times: 1 }, isFallback: false }]);
    expect(recorder.calls).toMatchObject([
      { mode, attempt: 1, outcome: 'OK', idempotencyKey, version: 2, fault: null, logs: ['seen'] },
    ]);
    expect(recorder.calls[0]).toMatchObject({ input: { name: 'Xiao Man' }, output: { text: 'x' } });
  });

  it('counts the attempts of one request, for each extension', async () => {
    const { ask, recorder } = newHost(newGreeter('one', text('1')), newGreeter('two', text('2')));
    await ask();
    await ask();
    await ask({ idempotencyKey: 'k-2' });
    expect(recorder.calls.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 2, 1, 1]);
  });

  it('gives each plugin an input of its own', async () => {
    const spoiler = newGreeter('spoiler', (input) => {
      input.name = 'spoilt';
      return { text: '' };
    });
    const { ask, recorder } = newHost(
      spoiler,
      newGreeter('echo', ({ name }) => ({ text: name })),
    );
    expect((await ask())[1]?.output.text).toBe('Xiao Man');
    expect(recorder.calls.map(({ input }) => input)).toEqual([{ name: 'Xiao Man' }, { name: 'Xiao Man' }]);
  });

  it('records an input of ours that is wrong as just that, and lets policies decide', async () => {
    const { askAt, recorder } = newHost(newGreeter('open', text('x'), { onFailure: 'FAIL_OPEN' }));
    const cyclic: { name: unknown; self?: unknown } = { name: 'x' };
    cyclic.self = cyclic;
    let deep: unknown = 'x';
    for (let depth = 0; depth < 5_000; depth += 1) deep = [deep];
    const big = { name: 'x'.repeat(300_000) };
    for (const input of [{ name: 1 }, null, cyclic, { name: deep }, big, { name: 1n }])
      expect(await askAt(greet, input as never)).toEqual([]);
    expect(recorder.calls.map(({ outcome }) => outcome)).toEqual(Array(6).fill('INVALID_INPUT'));
    expect(recorder.calls[0]?.fault).toMatchObject({ code: 'INPUT_INVALID', details: { path: 'name' } });
  });
});

/** Everything that an answerer can do wrong. */
const FAILURES: [what: string, outcome: string, greeter: Greeter][] = [
  ['throws', 'ERROR', broken],
  ['rejects', 'ERROR', () => Promise.reject(new Error('out of tea'))],
  ['throws no error', 'ERROR', () => Promise.reject(null)],
  ['is late', 'TIMEOUT', never],
  ['answers nothing', 'INVALID_OUTPUT', () => undefined],
  ['answers null', 'INVALID_OUTPUT', () => null],
  ['answers something else', 'INVALID_OUTPUT', () => ({ text: 5 })],
  ['answers more than the point allows', 'INVALID_OUTPUT', () => ({ text: 'x', balance: '10' })],
  ['answers 1.5 times', 'INVALID_OUTPUT', () => ({ text: 'x', times: 1.5 })],
  ['answers no JSON', 'INVALID_OUTPUT', () => ({ text: 1n })],
  ['answers too much', 'INVALID_OUTPUT', () => ({ text: 'x'.repeat(300_000) })],
];

it('the operator hears what an answer was refused by, and nothing that stood in it', async () => {
  const phone = '+8613800138000';
  const saying = (output: object) => newGreeter('telling', () => output, { onFailure: 'FAIL_OPEN' });
  for (const output of [
    { text: 'x', [phone]: 1 },
    { text: 'x', times: { [phone]: 1 } },
  ]) {
    const host = newHost(saying(output));
    await host.ask();
    expect(host.failures).toMatchObject([{ fault: { code: 'OUTPUT_INVALID', details: {} } }]);
    expect(JSON.stringify(host.failures)).not.toContain(phone);
  }
  // For who may read the call log it is told, as far as a sentence bears it.
  const host = newHost(saying({ text: 'x', ['k'.repeat(100_000)]: 1 }));
  await host.ask();
  expect(JSON.stringify(host.recorder.calls[0]?.fault).length).toBeLessThan(500);
});

describe.each(FAILURES)('an extension that %s', (_what, outcome, greeter) => {
  // Only who never answers is to be late.
  const deadlineMs = outcome === 'TIMEOUT' ? 20 : 10_000;

  it('refuses the request if it fails closed', async () => {
    const after = newGreeter('after', text('never said'), { priority: 101 });
    const host = newHost(newGreeter('faulty', greeter, { deadlineMs }), after);
    expect(await reasonsOf(host.ask())).toEqual([
      { code: 'EXTENSION_UNAVAILABLE', field: null, details: { extension: 'faulty' } },
    ]);
    expect(host.failures).toMatchObject([{ extension: 'faulty', point: 'test.greet', mode: 'LIVE' }]);
    expect(host.recorder.calls).toMatchObject([{ outcome, version: 2 }]);
    expect(host.recorder.calls[0]?.fault?.code).toMatch(/^[A-Z_]+$/);
  });

  it('is as if it weren’t there if it fails open', async () => {
    const faulty = newGreeter('faulty', greeter, { deadlineMs, onFailure: 'FAIL_OPEN' });
    const host = newHost(newGreeter('before', text('1')), faulty, newGreeter('after', text('2')));
    expect((await host.ask()).map(({ output }) => output.text)).toEqual(['1', '2']);
    expect(host.failures).toHaveLength(1);
  });

  it('answers what was registered for that case', async () => {
    const host = newHost(newGreeter('faulty', greeter, { deadlineMs }));
    const fall = { onFailure: 'DEFAULT' as const, defaultOutput: { text: 'fallen' } };
    host.registrations.all = host.registrations.all.map((registered) => ({
      ...registered,
      newest: registered.newest && { ...registered.newest, ...fall },
    }));
    const extension = { name: 'faulty', version: 2 };
    expect(await host.ask()).toEqual([{ extension, output: { text: 'fallen', times: 1 }, isFallback: true }]);
    // It is judged like an answer: it may no longer fit what it was registered for.
    const judge = async ({ text: said }: { text: string }) =>
      said === 'fallen' ? { code: 'OUTPUT_INVALID', details: {} } : null;
    expect(await reasonsOf(host.ask({ judge }))).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE' }]);
  });
});

describe('several that fail', () => {
  it('are told by the first in order of priority, whoever failed first', async () => {
    const quick = newGreeter('quick', broken);
    const slow = newGreeter('slow', async () => {
      await turn();
      throw new Error('later');
    });
    const { ask, recorder } = newHost(slow, quick);
    expect(await reasonsOf(ask())).toMatchObject([{ details: { extension: 'slow' } }]);
    expect(recorder.calls).toHaveLength(2);
  });
});

describe('a late extension', () => {
  it('hears that nobody waits any more, and what it says then is lost', async () => {
    const spoken = Promise.withResolvers<unknown>();
    let aborted = false;
    const late = newGreeter(
      'late',
      (_input, { signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return spoken.promise;
      },
      { deadlineMs: 5 },
    );
    const { ask, recorder } = newHost(late);
    await reasonsOf(ask());
    expect(aborted).toBe(true);
    spoken.reject(new Error('too late'));
    await turn();
    expect(recorder.calls).toMatchObject([
      { outcome: 'TIMEOUT', fault: { code: 'PLUGIN_TIMEOUT', details: { plugin: 'late', deadlineMs: 5 } } },
    ]);
  });

  it('is late too when it never let go of the thread', async () => {
    const busy = newGreeter(
      'busy',
      () => {
        const end = performance.now() + 40;
        while (performance.now() < end);
        return { text: 'x' };
      },
      { deadlineMs: 20 },
    );
    const { ask, recorder } = newHost(busy);
    await reasonsOf(ask());
    expect(recorder.calls).toMatchObject([{ outcome: 'TIMEOUT' }]);
  });
});
