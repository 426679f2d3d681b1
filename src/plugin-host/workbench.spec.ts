import { z } from 'zod';
import {
  greet,
  inProcess,
  newGreeter,
  registration,
  revision,
  sandbox,
  webhook,
} from '../../test/support/extensions.ts';
import { bodyOf, type Receiver, serve } from '../../test/support/receivers.ts';
import type { CodeDraft } from '../extension/index.ts';
import { watchPlugins } from './runtimes/in-process/index.ts';
import { Runtimes } from './runtimes/runtimes.ts';
import { HostWorkbench } from './workbench.ts';

const plugin = newGreeter('rated', (_input, { configuration }) => ({ text: JSON.stringify(configuration) }), {
  configuration: z.object({ rate: z.int().min(1).default(3) }),
});
const runtimes = new Runtimes({
  ...{ plugins: [plugin], sandboxWorkers: 1, allowedNetworks: ['127.0.0.0/8'] },
  watchdog: watchPlugins([plugin], { level: 'silent', onBlocked: () => undefined }),
  breaker: { failures: 2, breakMs: 60_000 },
});
const workbench = new HostWorkbench({ runtimes, tenantCode: async () => 'tea', points: [greet as never] });

let mode: 'answers' | 'fails' = 'answers';
let receiver: Receiver;
beforeAll(async () => {
  receiver = await serve(async (request, response) => {
    const { point, input } = JSON.parse(await bodyOf(request));
    const output = point === 'challenge' ? input : { text: 'Hi' };
    response
      .writeHead(mode === 'answers' ? 200 : 500, { 'content-type': 'application/json' })
      .end(JSON.stringify({ output }));
  });
});
afterAll(async () => {
  await runtimes.close();
  await receiver.close();
});

const check = (draft: CodeDraft, point = greet.name) => workbench.check('t', point, draft);
const asked = registration('ext', null);
const QUESTION = { input: { name: 'Xiao Man' }, idempotencyKey: 'k-1', now: new Date() };

describe('checking a draft', () => {
  it('compiles code, and says where it is wrong', async () => {
    const source = 'export default ({ name }: { name: string }) => ({ text: name });';
    const checked = await check({ runtime: 'SANDBOX', source, language: 'TYPESCRIPT' });
    expect(checked).toMatchObject({
      code: { runtime: 'SANDBOX', digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const wrong = await check({
      runtime: 'SANDBOX',
      source: 'export default () => {\n  const x = ;\n}',
      language: 'JAVASCRIPT',
    });
    expect(wrong).toEqual({
      faults: [
        {
          ...{ code: 'SANDBOX_NOT_LOADED', details: {}, line: 2, column: 13 },
          message: expect.stringContaining('SyntaxError'),
        },
      ],
    });
    const types = await check({ runtime: 'SANDBOX', source: 'enum A { B }', language: 'TYPESCRIPT' });
    expect(types).toMatchObject({ faults: [{ code: 'SANDBOX_TYPES', line: 1 }] });
    const long = await check({ runtime: 'SANDBOX', source: ' '.repeat(70_000), language: 'JAVASCRIPT' });
    expect(long).toMatchObject({ faults: [{ code: 'SANDBOX_SOURCE_TOO_LARGE', line: null }] });
  });

  it('looks at an address', async () => {
    expect(await check({ runtime: 'WEBHOOK', url: receiver.url })).toEqual({
      code: { runtime: 'WEBHOOK', url: receiver.url },
    });
    const inside = await check({ runtime: 'WEBHOOK', url: 'https://169.254.169.254/' });
    expect(inside).toMatchObject({ faults: [{ code: 'WEBHOOK_ADDRESS_REFUSED' }] });
  });

  it('reads a configuration', async () => {
    const draft = { runtime: 'IN_PROCESS', plugin: 'rated', configuration: { rate: 5 } } as const;
    expect(await check(draft)).toEqual({ code: draft });
    expect(await check({ ...draft, configuration: { rate: 0 } })).toMatchObject({
      faults: [{ code: 'PLUGIN_CONFIGURATION', details: { plugin: 'rated', path: 'rate' } }],
    });
    expect(await check({ ...draft, plugin: 'gone' })).toMatchObject({
      faults: [{ code: 'PLUGIN_NOT_LOADED' }],
    });
    expect(await check(draft, 'points.rule')).toMatchObject({ faults: [{ code: 'PLUGIN_WITHOUT_ANSWER' }] });
  });
});

describe('a test', () => {
  it.each([
    ['a webhook', () => webhook(receiver.url), 'Hi'],
    ['uploaded code', () => sandbox('export default () => ({ text: "Hello" });'), 'Hello'],
    ['a plugin', () => inProcess('rated', { rate: 7 }), '{"rate":7}'],
    ['a plugin that nobody configured', () => inProcess('rated'), '{"rate":3}'],
  ])('calls %s once, as TEST', async (_what, code, text) => {
    const call = await workbench.test(asked, revision(code()), QUESTION);
    expect(call).toMatchObject({ mode: 'TEST', outcome: 'OK', attempt: 1, output: { text }, fault: null });
    expect(call).toMatchObject({
      extensionKey: asked.extensionKey,
      input: QUESTION.input,
      differences: null,
    });
  });

  it('says what is wrong with the input', async () => {
    const call = await workbench.test(asked, revision(inProcess('rated')), { ...QUESTION, input: {} });
    expect(call).toMatchObject({ outcome: 'INVALID_INPUT', fault: { details: { path: 'name' } } });
  });

  it('goes past a breaker, and neither opens nor closes it', async () => {
    const broken = revision(sandbox('export default () => { throw new Error("no"); };'));
    for (let count = 0; count < 4; count += 1)
      expect(await workbench.test(asked, broken, QUESTION)).toMatchObject({ outcome: 'ERROR' });
    expect(workbench.isBroken(asked, broken.code)).toBe(false);
    mode = 'fails';
    const hook = revision(webhook(receiver.url));
    for (let count = 0; count < 4; count += 1)
      expect(await workbench.test(asked, hook, QUESTION)).toMatchObject({ outcome: 'ERROR' });
    expect(workbench.isBroken(asked, hook.code)).toBe(false);
    mode = 'answers';
    expect(await workbench.test(asked, hook, QUESTION)).toMatchObject({ outcome: 'OK' });
  });
});

describe('a challenge', () => {
  it('comes back from a receiver that knows it', async () => {
    mode = 'answers';
    expect(await workbench.challenge('t', asked.extensionKey, webhook(receiver.url))).toBeNull();
    mode = 'fails';
    expect(await workbench.challenge('t', asked.extensionKey, webhook(receiver.url))).toEqual({
      code: 'WEBHOOK_STATUS',
      details: { status: 500 },
    });
    expect(await workbench.challenge('t', asked.extensionKey, inProcess('rated'))).toBeNull();
  });
});

it('signs by one secret at first, and by two while they change', () => {
  const [first, none] = workbench.newSecrets();
  expect([first, none]).toEqual([expect.stringMatching(/^whsec_/), undefined]);
  const [newest, before] = workbench.newSecrets(first);
  expect(before).toBe(first);
  expect(newest).not.toBe(first);
});
