import { z } from 'zod';
import {
  answers,
  type CallContext,
  type CallFacts,
  defineExtensionPoint,
  definePlugin,
  type Plugin,
} from '../extension/index.ts';
import { Refusal } from '../kernel/errors.ts';
import { PluginHost } from './host.ts';
import { loadPlugins } from './load.ts';

const greet = defineExtensionPoint({
  name: 'test.greet',
  version: 1,
  description: 'A question of the tests alone.',
  input: z.object({ name: z.string().meta({ pii: true }) }),
  output: z.strictObject({ text: z.string(), times: z.int().default(1) }),
});
const FACTS: CallFacts = { tenant: 'tea', mode: 'LIVE', idempotencyKey: 'k-1' };

type Greeter = (input: { name: string }, context: CallContext) => unknown;

function newPlugin(id: string, greeter: Greeter, given: Partial<Plugin> = {}): Plugin {
  const answerer = answers(greet, greeter as never);
  return definePlugin({
    id,
    version: 2,
    description: 'A plugin of the tests.',
    answers: [answerer],
    ...given,
  });
}

function newHost(...plugins: Plugin[]) {
  const failures: { extension: string; point: string; error: unknown }[] = [];
  const host = new PluginHost(plugins, (failure) => failures.push(failure));
  return { failures, ask: () => host.ask(greet, { name: 'Xiao Man' }, FACTS) };
}

const text = (said: string): Greeter => {
  return () => ({ text: said });
};
const broken: Greeter = () => {
  throw new Error('out of tea');
};
const never: Greeter = () => new Promise(() => undefined);

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
      newPlugin(id, () => ({ text: String(asked.push(id)) }), { priority });
    const { ask } = newHost(
      plugin('b'),
      plugin('last', 101),
      plugin('c', 100),
      plugin('first', -5),
      plugin('a'),
    );
    const given = await ask();
    const order = ['first', 'b', 'c', 'a', 'last'];
    expect(given.map(({ extension }) => extension)).toEqual(order.map((name) => ({ name, version: 2 })));
    expect(asked).toEqual(order);
  });

  it('asks one after the other, so that the first to refuse can win', async () => {
    const events: string[] = [];
    const slow = newPlugin('slow', async () => {
      events.push('slow is asked');
      await new Promise((resolve) => setImmediate(resolve));
      events.push('slow has answered');
      return { text: '' };
    });
    const quick = newPlugin('quick', () => ({ text: String(events.push('quick is asked')) }));
    await newHost(slow, quick).ask();
    expect(events).toEqual(['slow is asked', 'slow has answered', 'quick is asked']);
  });

  it('has no answer where nobody is registered', async () => {
    expect(await newHost().ask()).toEqual([]);
    const other = defineExtensionPoint({ ...greet, name: 'test.part' });
    const plugin = newPlugin('elsewhere', text(''), { answers: [answers(other, () => ({ text: '' }))] });
    expect(await newHost(plugin).ask()).toEqual([]);
  });

  it('hands over the input as the point says it, and the facts of the call', async () => {
    const seen: unknown[] = [];
    const plugin = newPlugin('curious', (input, { signal, ...facts }) => {
      seen.push(input, facts, signal.aborted);
      return { text: 'x' };
    });
    const host = new PluginHost([plugin], () => undefined);
    const given = await host.ask(greet, { name: 'Xiao Man', secret: 1 } as { name: string }, FACTS);
    expect(seen).toEqual([{ name: 'Xiao Man' }, FACTS, false]);
    expect(given).toEqual([{ extension: { name: 'curious', version: 2 }, output: { text: 'x', times: 1 } }]);
  });

  it('refuses a plugin that is loaded twice, by its name', () => {
    const twice = () => new PluginHost([newPlugin('tea', broken), newPlugin('tea', broken)], () => undefined);
    expect(twice).toThrow(/^The plugin "tea" is loaded twice: .*\.$/);
  });
});

/** Everything that an answerer can do wrong. */
const FAILURES: [what: string, greeter: Greeter][] = [
  ['throws', broken],
  ['rejects', () => Promise.reject(new Error('out of tea'))],
  ['throws no error', () => Promise.reject(null)],
  ['is late', never],
  ['answers nothing', () => undefined],
  ['answers null', () => null],
  ['answers something else', () => ({ text: 5 })],
  ['answers more than the point allows', () => ({ text: 'x', balance: '10' })],
  ['answers 1.5 times', () => ({ text: 'x', times: 1.5 })],
];

describe.each(FAILURES)('an extension that %s', (_what, greeter) => {
  const deadlineMs = 20;

  it('refuses the request if it fails closed, which it does unless it says otherwise', async () => {
    for (const onFailure of ['FAIL_CLOSED', undefined] as const) {
      const after = newPlugin('after', text('never said'));
      const { ask, failures } = newHost(newPlugin('faulty', greeter, { deadlineMs, onFailure }), after);
      expect(await reasonsOf(ask())).toEqual([
        { code: 'EXTENSION_UNAVAILABLE', field: null, details: { extension: 'faulty' } },
      ]);
      expect(failures).toMatchObject([{ extension: 'faulty', point: 'test.greet' }]);
    }
  });

  it('is as if it weren’t there if it fails open', async () => {
    const faulty = newPlugin('faulty', greeter, { deadlineMs, onFailure: 'FAIL_OPEN' });
    const { ask, failures } = newHost(newPlugin('before', text('1')), faulty, newPlugin('after', text('2')));
    expect((await ask()).map(({ output }) => output.text)).toEqual(['1', '2']);
    expect(failures).toHaveLength(1);
  });
});

describe('a late extension', () => {
  it('hears that nobody waits any more, and what it says then is lost', async () => {
    const spoken = Promise.withResolvers<unknown>();
    let aborted = false;
    const late = newPlugin(
      'late',
      (_input, { signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return spoken.promise;
      },
      { deadlineMs: 5 },
    );
    const { ask, failures } = newHost(late);
    await reasonsOf(ask());
    expect(aborted).toBe(true);
    spoken.reject(new Error('too late'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(failures).toMatchObject([{ error: new Error('No answer within 5 ms.') }]);
  });
});

describe('loading plugins', () => {
  it('finds them by their ids', async () => {
    expect((await loadPlugins(['welcome-note'])).map(({ id }) => id)).toEqual(['welcome-note']);
  });

  it('names the one that there isn’t', async () => {
    await expect(loadPlugins(['welcome-note', 'no-such'])).rejects.toThrow(
      'PLUGINS names "no-such", but there is no plugins/no-such/plugin.ts: correct the name or add it.',
    );
  });
});
