import { setTimeout as delay } from 'node:timers/promises';
import {
  inProcess,
  newGreeter,
  registration,
  revision,
  sandbox,
  startHost,
  type TestHost,
  webhook,
} from '../../test/support/extensions.ts';
import { backToNow, letPass } from '../../test/support/later.ts';
import { bodyOf, type Receiver, serve, verify } from '../../test/support/receivers.ts';
import { untilHolds } from '../../test/support/until-holds.ts';
import { newKey } from '../kernel/ids.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  backToNow();
  for (const end of ends.splice(0).reverse()) await end();
});

function newHost(...given: Parameters<typeof startHost>): TestHost {
  const host = startHost(...given);
  ends.push(() => host.close());
  return host;
}

/** A receiver that answers by JSON, after a while. */
async function receiver(answer: (asked: Record<string, unknown>) => unknown, afterMs = 0): Promise<Receiver> {
  const started = await serve(async (request, response) => {
    const output = answer(JSON.parse(await bodyOf(request)));
    await delay(afterMs, null, { ref: false });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ output }));
  });
  ends.push(() => started.close());
  return started;
}

const greeting = 'export default ({ name }) => ({ text: "Hi " + name });';
const outcomesOf = ({ recorder }: TestHost) => recorder.calls.map(({ outcome }) => outcome);

describe('a webhook', () => {
  it('is asked with all that it may know, signed, and each attempt is a call of its own', async () => {
    const code = webhook('');
    const secret = (code.runtime === 'WEBHOOK' ? code.secrets?.[0] : null) ?? '';
    const seen: { body: Record<string, unknown>; id: unknown }[] = [];
    const started = await serve(async (request, response) => {
      const text = await bodyOf(request);
      verify(secret, text, request.headers);
      seen.push({ body: JSON.parse(text), id: request.headers['webhook-id'] });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"output":{"text":"Hi"}}');
    });
    ends.push(() => started.close());
    const registered = [registration('crm', revision({ ...code, url: started.url } as typeof code))];
    const host = newHost({ registered });
    const given = [await host.ask(), await host.ask()];
    expect(given[0]).toEqual([
      { extension: { name: 'crm', version: 1 }, output: { text: 'Hi', times: 1 }, isFallback: false },
    ]);
    const callId = expect.stringMatching(/^call_[0-9a-z]{26}$/);
    expect(seen.map(({ body }) => body)).toEqual(
      [1, 2].map((attempt) => ({
        ...{ point: 'test.greet', version: 1, callId, mode: 'LIVE', attempt, tenant: 'tea' },
        ...{ idempotencyKey: 'k-1', input: { name: 'Xiao Man' } },
      })),
    );
    expect(seen.map(({ id }) => id)).toEqual(seen.map(({ body }) => body.callId));
    expect(seen[0]?.id).not.toBe(seen[1]?.id);
  });

  it('that hangs is given up at its deadline, and its policy applies', async () => {
    const { url } = await receiver(() => ({ text: 'late' }), 60_000);
    const code = webhook(url);
    const host = newHost({
      registered: [
        registration('open', revision(code, { deadlineMs: 80, onFailure: 'FAIL_OPEN' })),
        registration(
          'default',
          revision(code, { deadlineMs: 80, onFailure: 'DEFAULT', defaultOutput: { text: 'Hm' } }),
        ),
      ],
    });
    const startedAt = performance.now();
    const given = await host.ask();
    expect(performance.now() - startedAt).toBeLessThan(30_000);
    expect(given.map(({ output, isFallback }) => [output.text, isFallback])).toEqual([['Hm', true]]);
    expect(outcomesOf(host)).toEqual(['TIMEOUT', 'TIMEOUT']);
    host.registrations.all = [registration('closed', revision(code, { deadlineMs: 80 }))];
    await expect(host.ask()).rejects.toThrow('EXTENSION_UNAVAILABLE');
  });

  it('that always lies is no longer asked, and asked again after a while', async () => {
    let text: unknown = 5;
    const { url } = await receiver(() => ({ text }));
    const registered = [registration('liar', revision(webhook(url), { onFailure: 'FAIL_OPEN' }))];
    const host = newHost({ registered, breakMs: 10_000 });
    for (let count = 0; count < 7; count += 1) await host.ask();
    expect(outcomesOf(host)).toEqual([...Array(5).fill('INVALID_OUTPUT'), 'BREAKER_OPEN', 'BREAKER_OPEN']);
    const { tenantKey = '', extensionKey = '', newest } = registered[0] ?? {};
    const called = { tenantKey, extensionKey, mode: 'LIVE' as const };
    const isBroken = () => host.runtimes.isBroken(called, newest?.code ?? inProcess(''));
    expect(isBroken()).toBe(true);
    text = 'sorry';
    letPass(10_000);
    expect((await host.ask()).map(({ output }) => output.text)).toEqual(['sorry']);
    expect(isBroken()).toBe(false);
  });

  it('in SHADOW whose answers its limits refuse isn’t kept from those who ask it LIVE', async () => {
    const { url } = await receiver(() => ({ text: 'x' }));
    const code = webhook(url);
    const judge = (_output: unknown, limits: unknown) =>
      limits === null ? null : { code: 'NO', details: {} };
    const newest = revision(code, { version: 2, postingLimits: [] });
    const host = newHost({
      registered: [registration('both', newest, { stage: 'SHADOW', live: revision(code) })],
    });
    for (let count = 1; count <= 8; count += 1) {
      expect(await host.ask({ judge })).toHaveLength(1);
      await untilHolds(() => host.recorder.calls.length === count * 2);
    }
    const shadows = host.recorder.calls.filter(({ mode }) => mode === 'SHADOW');
    expect(shadows.map(({ outcome }) => outcome)).toEqual(Array(8).fill('INVALID_OUTPUT'));
  });

  it('costs no more time than the slowest of those asked beside it', async () => {
    const names = ['a', 'b', 'c'];
    let asked = 0;
    const all = Promise.withResolvers<void>();
    // None answers before all are asked.
    const started = await serve(async (_request, response) => {
      asked += 1;
      if (asked === names.length) all.resolve();
      await all.promise;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ output: { text: 'x' } }));
    });
    ends.push(() => started.close());
    const code = webhook(started.url);
    const host = newHost({
      registered: names.map((name) => registration(name, revision(code))),
    });
    expect((await host.ask()).map(({ extension }) => extension.name)).toEqual(names);
  });
});

describe('uploaded code', () => {
  it('answers, and a request sees the same chance and time each time it asks', async () => {
    const code = 'export default () => ({ text: Math.random() + " " + new Date().toISOString() });';
    const names = ['one', 'two'];
    const host = newHost({ registered: names.map((name) => registration(name, revision(sandbox(code)))) });
    const texts = async (idempotencyKey: string) =>
      (await host.ask({ idempotencyKey })).map(({ output }) => output.text);
    const [first, again, other] = [await texts('k-1'), await texts('k-1'), await texts('k-2')];
    expect(first[0]).toMatch(/^0\.\d+ 2026-11-20T08:30:00.000Z$/);
    expect(again).toEqual(first);
    expect(new Set([...first, ...other]).size).toBe(4);
  });

  it('tells where it threw, and what it said', async () => {
    const code = 'export default ({ name }) => {\n  console.log("about", name);\n  return name.x.y;\n};';
    const host = newHost({ registered: [registration('thrower', revision(sandbox(code)))] });
    await expect(host.ask()).rejects.toThrow('EXTENSION_UNAVAILABLE');
    expect(host.recorder.calls).toMatchObject([
      {
        outcome: 'ERROR',
        logs: [expect.stringContaining('about')],
        fault: { code: 'SANDBOX_THREW', message: expect.stringContaining('TypeError'), line: 3 },
      },
    ]);
  });

  it('that is a bomb takes nobody else’s answers, and is left alone after a while', async () => {
    const bomb = sandbox('export default () => { new Array(1e9) + ""; };');
    const bomber = newKey();
    const host = newHost({ sandboxWorkers: 2 });
    const quick = registration('quick', revision(sandbox(greeting)));
    const fail = { onFailure: 'FAIL_OPEN', deadlineMs: 50 } as const;
    host.registrations.all = [quick, registration('bomb', revision(bomb, fail), { tenantKey: bomber })];
    await host.ask();
    const outcomeOfBomb = () =>
      host.recorder.calls.findLast(({ tenantKey }) => tenantKey === bomber)?.outcome;
    // Who doesn't get its turn in time has not failed, so nobody can say how often it is asked.
    const bombing = untilHolds(async () => {
      expect(await host.askFor(bomber)).toEqual([]);
      return outcomeOfBomb() === 'BREAKER_OPEN';
    });
    const answered = await Promise.all(Array.from({ length: 20 }, () => host.ask()));
    expect(answered.every(([answer]) => answer?.output.text === 'Hi Xiao Man')).toBe(true);
    await bombing;
    expect(await host.ask()).toHaveLength(1);
  });

  it.each([
    ['a text', 'export default () => "x";', '.'],
    ['another tenant’s', 'export default () => ({ text: "x", tenant: "other" });', '.'],
    ['a huge number', 'export default () => ({ text: "x", times: 1e30 });', 'times'],
  ])('that answers %s is told so', async (_what, code, path) => {
    const host = newHost({ registered: [registration('liar', revision(sandbox(code)))] });
    await expect(host.ask()).rejects.toThrow('EXTENSION_UNAVAILABLE');
    expect(host.recorder.calls).toMatchObject([
      { outcome: 'INVALID_OUTPUT', fault: { code: 'OUTPUT_INVALID', details: { path } } },
    ]);
  });

  it('a version that never ends in SHADOW takes neither turns nor time from the one that is LIVE', async () => {
    const live = revision(sandbox(greeting));
    const code = sandbox('export default () => { for (;;); };');
    const newest = revision(code, { version: 2 });
    const registered = [registration('both', newest, { stage: 'SHADOW', live })];
    const host = newHost({ sandboxWorkers: 2, registered });
    for (let count = 1; count <= 12; count += 1) expect(await host.ask()).toHaveLength(1);
    await host.close();
    const counted = host.recorder.calls.filter(({ mode }) => mode === 'LIVE');
    expect(counted.map(({ outcome }) => outcome)).toEqual(Array(12).fill('OK'));
  });

  it('a version that fails in SHADOW keeps no call from the one that is LIVE', async () => {
    const live = revision(sandbox(greeting));
    const newest = revision(sandbox('export default () => { throw 1; };'), { version: 2 });
    const host = newHost({ registered: [registration('both', newest, { stage: 'SHADOW', live })] });
    for (let count = 1; count <= 7; count += 1) {
      expect(await host.ask()).toHaveLength(1);
      await untilHolds(() => host.recorder.calls.length === count * 2);
    }
    const shadows = host.recorder.calls.filter(({ mode }) => mode === 'SHADOW');
    expect(shadows.at(-1)?.outcome).toBe('BREAKER_OPEN');
  });
});

describe('a plugin', () => {
  it('that fails five times in a row isn’t asked for a while', async () => {
    let asked = 0;
    const plugin = newGreeter(
      'faulty',
      () => {
        asked += 1;
        throw new Error('out of tea');
      },
      { onFailure: 'FAIL_OPEN' },
    );
    const host = newHost({ plugins: [plugin] });
    for (let count = 0; count < 8; count += 1) await host.ask();
    expect(asked).toBe(5);
    expect(host.recorder.calls.at(-1)).toMatchObject({
      outcome: 'BREAKER_OPEN',
      fault: { code: 'EXTENSION_BREAKER_OPEN' },
    });
  });

  it('that isn’t loaded, or doesn’t answer, is a failure of who registered it', async () => {
    const host = newHost({ registered: [registration('gone', revision(inProcess('gone')))] });
    await expect(host.ask()).rejects.toThrow('EXTENSION_UNAVAILABLE');
    expect(host.recorder.calls).toMatchObject([
      { outcome: 'UNREACHABLE', fault: { code: 'PLUGIN_NOT_LOADED', details: { plugin: 'gone' } } },
    ]);
  });
});
