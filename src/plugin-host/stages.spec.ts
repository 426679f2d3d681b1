import { z } from 'zod';
import {
  greet,
  inProcess,
  MemoryRecorder,
  newGreeter,
  registration,
  revision,
  startHost,
  type TestHost,
} from '../../test/support/extensions.ts';
import { answers, defineExtensionPoint, type PointKind, type Stage } from '../extension/index.ts';

const hosts: TestHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
});

const says = (id: string, text: string) => newGreeter(id, () => ({ text }));
const NEWEST = revision(inProcess('new'), { version: 2 });
const LIVE = revision(inProcess('old'), { version: 1 });

function newHost(stage: Stage, given: Partial<ReturnType<typeof registration>> = {}): TestHost {
  const registered = [registration('ext', NEWEST, { stage, ...given })];
  const host = startHost({ plugins: [says('new', 'new'), says('old', 'old')], registered });
  hosts.push(host);
  return host;
}

const textsOf = async (host: TestHost, subject = 'mem_1') =>
  (await host.ask({ subject })).map(({ output, extension }) => `${output.text} ${extension.version}`);

async function recorded({ recorder }: TestHost, count: number): Promise<MemoryRecorder['calls']> {
  while (recorder.calls.length < count) await new Promise((resolve) => setImmediate(resolve));
  return recorder.calls;
}

describe('a stage', () => {
  it.each<[Stage, string[], string[]]>([
    ['LIVE', ['new 2'], ['new 2']],
    ['SHADOW', [], ['old 1']],
    ['DRAFT', [], ['old 1']],
    ['RETIRED', [], []],
  ])('%s asks the newest revision, or the one that was LIVE before', async (stage, alone, beside) => {
    expect(await textsOf(newHost(stage))).toEqual(alone);
    expect(await textsOf(newHost(stage, { live: LIVE }))).toEqual(beside);
  });

  it('CANARY asks the newest revision for a share of members, always the same ones', async () => {
    const host = newHost('CANARY', { canaryPercent: 20, live: LIVE });
    const askAll = async () => {
      const drawn: string[] = [];
      for (let member = 0; member < 400; member += 1)
        if ((await textsOf(host, `mem_${member}`))[0] === 'new 2') drawn.push(`mem_${member}`);
      return drawn;
    };
    const drawn = await askAll();
    expect(drawn.length).toBeGreaterThan(50);
    expect(drawn.length).toBeLessThan(110);
    expect(await askAll()).toEqual(drawn);
    expect(new Set(host.recorder.calls.map(({ mode, version }) => `${mode} ${version}`))).toEqual(
      new Set(['LIVE 1', 'CANARY 2']),
    );
    host.registrations.all = host.registrations.all.map((one) => ({ ...one, canaryPercent: 40 }));
    const more = await askAll();
    expect(more).toEqual(expect.arrayContaining(drawn));
    expect(more.length).toBeGreaterThan(drawn.length);
    // Another extension draws others.
    host.registrations.all = [registration('other', NEWEST, { stage: 'CANARY', canaryPercent: 20 })];
    expect(await askAll()).not.toEqual(drawn);
  });

  it('CANARY of all or of nobody is just that', async () => {
    const texts = async (canaryPercent: number) => {
      const host = newHost('CANARY', { canaryPercent });
      return await Promise.all(Array.from({ length: 50 }, (_, member) => textsOf(host, `mem_${member}`)));
    };
    expect((await texts(100)).flat()).toHaveLength(50);
    expect((await texts(0)).flat()).toHaveLength(0);
  });

  it('is told as DRY_RUN to all when nothing will be written, and no shadow is asked', async () => {
    const host = newHost('SHADOW', { live: LIVE });
    await host.ask({ mode: 'DRY_RUN' as never });
    await host.close();
    expect(host.recorder.calls).toMatchObject([{ mode: 'DRY_RUN', version: 1 }]);
  });
});

describe('a shadow', () => {
  it('is compared with the answer that counts, or with the neutral one', async () => {
    const host = newHost('SHADOW', { live: LIVE });
    await host.ask();
    expect((await recorded(host, 2))[1]).toMatchObject({
      ...{ mode: 'SHADOW', version: 2, outcome: 'OK' },
      differences: [{ path: 'text', live: 'old', shadow: 'new' }],
    });
    const alone = newHost('SHADOW');
    await alone.ask();
    expect((await recorded(alone, 1))[0]?.differences).toEqual([{ path: 'text', live: '', shadow: 'new' }]);
  });

  it('is not waited for, and what it does wrong changes nothing', async () => {
    const end = Promise.withResolvers<unknown>();
    const plugins = [newGreeter('new', () => end.promise), says('old', 'old')];
    const host = startHost({
      plugins,
      registered: [registration('ext', NEWEST, { stage: 'SHADOW', live: LIVE })],
    });
    hosts.push(host);
    expect(await textsOf(host)).toEqual(['old 1']);
    end.reject(new Error('out of tea'));
    expect((await recorded(host, 2))[1]).toMatchObject({ outcome: 'ERROR', differences: null });
  });

  it('is dropped, and counted, when a tenant has too many of them', async () => {
    const end = Promise.withResolvers<unknown>();
    const plugins = [newGreeter('new', () => end.promise), says('old', 'old')];
    const registered = [registration('ext', NEWEST, { stage: 'SHADOW', live: LIVE })];
    const host = startHost({ plugins, registered });
    hosts.push(host);
    for (let count = 0; count < 10; count += 1) await host.ask();
    expect(host.dropped()).toBe(6);
    end.resolve({ text: 'new' });
    await recorded(host, 14);
  });
});

describe('a filter', () => {
  const only = (color: string) => ({
    ...NEWEST,
    filter: (facts: { color: string }) => facts.color === color,
  });

  it('spares the extension what it doesn’t want to hear, which is recorded', async () => {
    const host = newHost('LIVE', { newest: only('red') });
    expect(await textsOf(host)).toEqual([]);
    expect(host.recorder.calls).toMatchObject([
      { outcome: 'SKIPPED_BY_FILTER', durationMs: 0, output: null, fault: null },
    ]);
    expect(host.failures).toEqual([]);
    expect(await textsOf(newHost('LIVE', { newest: only('green') }))).toEqual(['new 2']);
  });

  it('that fails is a failure: who fails closed isn’t skipped by mistake', async () => {
    const filter = () => {
      throw new Error('no such key');
    };
    const host = newHost('LIVE', { newest: { ...NEWEST, filter } });
    await expect(host.ask()).rejects.toThrow('EXTENSION_UNAVAILABLE');
    expect(host.recorder.calls).toMatchObject([{ outcome: 'ERROR', fault: { code: 'FILTER_FAILED' } }]);
  });

  it('has the facts worked out once, and only where there is one', async () => {
    let worked = 0;
    const facts = () => {
      worked += 1;
      return { color: 'green' };
    };
    await newHost('LIVE').ask({ facts });
    expect(worked).toBe(0);
    const host = newHost('LIVE');
    host.registrations.all = ['a', 'b'].map((name) => registration(name, only('green')));
    await host.ask({ facts });
    expect(worked).toBe(1);
  });
});

describe('kinds of points', () => {
  const pointOf = (kind: PointKind) => defineExtensionPoint({ ...greet, kind });
  const three = (fail: string | null) =>
    ['a', 'b', 'c'].map((id) =>
      newGreeter(id, () => {
        if (id === fail) throw new Error('out of tea');
        return { text: id };
      }),
    );

  it('DELEGATED stops at the first answer', async () => {
    const host = startHost({ plugins: three(null) });
    hosts.push(host);
    const given = await host.askAt(pointOf('DELEGATED'), { name: 'x' });
    expect(given.map(({ output }) => output.text)).toEqual(['a']);
    expect(host.recorder.calls).toHaveLength(1);
  });

  it('TOLD refuses nothing, whatever was declared, and says who didn’t hear it, under which policy', async () => {
    const open = newGreeter('open', () => Promise.reject(new Error('out of tea')), {
      onFailure: 'FAIL_OPEN',
    });
    const host = startHost({ plugins: [...three('a'), open] });
    hosts.push(host);
    const failed: string[] = [];
    const question = { failed: (...by: string[]) => failed.push(by.join(' ')) };
    const given = await host.askAt(pointOf('TOLD'), { name: 'x' }, question);
    expect(given.map(({ output }) => output.text)).toEqual(['b', 'c']);
    expect(host.failures).toMatchObject([{ extension: 'a' }, { extension: 'open' }]);
    expect(failed).toEqual(['a FAIL_CLOSED', 'open FAIL_OPEN']);
    expect(await host.askAt(pointOf('TOLD'), { name: 'x' })).toHaveLength(2);
  });
});

describe('an earlier version of a point', () => {
  const salute = defineExtensionPoint({
    ...greet,
    version: 2,
    input: z.object({ person: z.object({ name: z.string() }) }),
    output: z.strictObject({ lines: z.array(z.string().max(20)) }),
    neutral: { lines: [] },
    example: { input: { person: { name: 'Xiao Man' } }, output: { lines: ['Hello'] } },
    previous: {
      point: greet as never,
      toInput: ({ person }) => ({ name: person.name }),
      fromOutput: (output) => {
        const { text, times } = output as { text: string; times: number };
        return { lines: Array<string>(times).fill(text) };
      },
    },
  });
  const input = { person: { name: 'Xiao Man' } };
  const old = (text: string) => newGreeter('old', ({ name }) => ({ text: `${text} ${name}`, times: 2 }));

  it('is spoken to those who answer that, and their answers are translated', async () => {
    const host = startHost({ plugins: [old('Hi')] });
    hosts.push(host);
    const given = await host.askAt(salute, input);
    expect(given.map(({ output }) => output)).toEqual([{ lines: ['Hi Xiao Man', 'Hi Xiao Man'] }]);
    expect(host.recorder.calls).toMatchObject([
      { input: { name: 'Xiao Man' }, output: { text: 'Hi Xiao Man', times: 2 } },
    ]);
  });

  it('stands beside the newest one', async () => {
    const both = newGreeter('both', () => ({ text: 'old' }));
    const answersNewest = answers(salute, ({ person }) => ({ lines: [person.name] }));
    const plugin = { ...both, answers: [...both.answers, answersNewest] };
    const registered = [1, 2].map((pointVersion) =>
      registration(`v${pointVersion}`, revision(inProcess('both'), { pointVersion })),
    );
    const host = startHost({ plugins: [plugin], registered });
    hosts.push(host);
    const given = await host.askAt(salute, input);
    expect(given.map(({ output }) => output)).toEqual([{ lines: ['old'] }, { lines: ['Xiao Man'] }]);
  });

  it('is held against the newest one too', async () => {
    const host = startHost({ plugins: [old('Hi'.repeat(20))] });
    hosts.push(host);
    await expect(host.askAt(salute, input)).rejects.toThrow('EXTENSION_UNAVAILABLE');
    expect(host.recorder.calls).toMatchObject([
      { outcome: 'INVALID_OUTPUT', fault: { code: 'OUTPUT_INVALID', details: { path: 'lines.0' } } },
    ]);
  });

  it('that nobody knows is a failure', async () => {
    const host = newHost('LIVE', { newest: { ...NEWEST, pointVersion: 7 } });
    await expect(host.ask()).rejects.toThrow('EXTENSION_UNAVAILABLE');
    expect(host.recorder.calls).toMatchObject([
      { outcome: 'ERROR', fault: { code: 'POINT_UNKNOWN', details: { point: 'test.greet', version: 7 } } },
    ]);
  });
});

describe('the judge', () => {
  it('refuses what an answerer may not propose, by its revision’s limits', async () => {
    const postingLimits = [{ asset: 'points', most: 5n }];
    const host = newHost('LIVE', { newest: { ...NEWEST, postingLimits } });
    const seen: unknown[] = [];
    const judge = (output: unknown, limits: unknown) => {
      seen.push(output, limits);
      return { code: 'LIMIT_EXCEEDED', details: { most: 5 } };
    };
    await expect(host.ask({ judge })).rejects.toThrow('EXTENSION_UNAVAILABLE');
    expect(seen).toEqual([{ text: 'new', times: 1 }, postingLimits]);
    expect(host.recorder.calls).toMatchObject([
      { outcome: 'INVALID_OUTPUT', output: { text: 'new' }, fault: { code: 'LIMIT_EXCEEDED' } },
    ]);
  });
});
