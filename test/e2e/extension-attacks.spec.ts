import { buy, callsOf, type Hook, hooked, seeing, startHook, unknownLike } from '../support/attacks.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { act, register, sandbox, shown } from '../support/registered.ts';
import { transports } from '../support/transports.ts';

/*
 * Attacks on and by extensions, through the API. Where each is tried:
 *
 *   an address that is private, however it is written; a name that re-resolves;
 *     a redirect                                        extension-addresses.spec.ts
 *   a signature that is wrong, old or replayed          examples.spec.ts, test/docs/webhook-receiver
 *   slow drip, 1 GB, an endless stream                  extension-answers.spec.ts ("an answer that …")
 *   an answer that lies                                 extension-answers.spec.ts ("an answer that posts …")
 *   sandbox: escapes, loops, bombs, deep JSON           extension-sandbox.spec.ts
 *   hangs, crashes, runs out of memory: deadline,
 *     replacement, breaker, failure policy              extension-sandbox.spec.ts, extension-faults.spec.ts
 *   redeployed during an operation                      extension-faults.spec.ts
 *   nothing foreign runs while a lock is held           extension-faults.spec.ts; transaction.spec.ts
 *   kill -9 while it is asked                           test/lifecycle/extension-kill.spec.ts
 *   whose extension, call, cursor, key, data it is      here
 *
 * What the runtimes do by themselves is in src/plugin-host (runtimes/…, faults.spec.ts).
 */

let gateway: TestGateway;
let hooks: readonly [Hook, Hook];
beforeAll(async () => {
  gateway = await startTestGateway({
    plugins: [],
    environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' },
  });
  hooks = [await startHook(), await startHook()];
});
afterAll(async () => {
  await gateway.close();
  for (const hook of hooks) await hook.close();
});

/** A tenant whose rule was asked three times, and a key of its developer. */
async function shop(hook: Hook) {
  const tenant = await ownTenant(gateway);
  const memberId = await enrol(tenant, { profile: { displayName: `Somebody of ${tenant.code}` } });
  const { id: extensionId } = await register(tenant, hooked(hook));
  for (let count = 0; count < 3; count += 1) await buy(tenant, memberId);
  const key = { label: 'developer', role: 'DEVELOPER', extensionId };
  const { secret } = await act(tenant, 'createApiKey', key, 'secret');
  const { calls } = await shown(
    tenant,
    extensionId,
    'calls(first: 2) { edges { node { id } } pageInfo { endCursor } }',
  );
  const callId: string = calls.edges[0].node.id;
  return {
    tenant,
    memberId,
    extensionId,
    callId,
    cursor: calls.pageInfo.endCursor as string,
    developer: secret as string,
  };
}

type Shop = Awaited<ReturnType<typeof shop>>;

const QUERIES: [what: string, query: string, expected: Json][] = [
  ['extension', 'query($id: ID!) { extension(id: $id) { id name } }', { extension: null }],
  ['node', 'query($id: ID!) { node(id: $id) { id } }', { node: null }],
];
const MUTATIONS: [mutation: string, input: Json, code: string][] = [
  ['updateExtension', { deadlineMs: 5 }, 'EXTENSION_NOT_FOUND'],
  ['setExtensionStage', { stage: 'RETIRED' }, 'EXTENSION_NOT_FOUND'],
  ['rollBackExtension', {}, 'EXTENSION_NOT_FOUND'],
  ['rotateExtensionSecret', {}, 'EXTENSION_NOT_FOUND'],
  ['testExtension', {}, 'EXTENSION_NOT_FOUND'],
  ['replayExtensionCalls', { first: 5 }, 'EXTENSION_NOT_FOUND'],
  ['createApiKey', { label: 'x', role: 'DEVELOPER' }, 'API_KEY_EXTENSION'],
];
const KEYLESS = ['testExtension', 'replayExtensionCalls'];

describe.each(transports)('over $name another tenant’s', ({ send }) => {
  let [own, theirs]: Shop[] = [];
  beforeAll(async () => {
    [own, theirs] = await Promise.all(hooks.map(shop));
  });

  const asked = async (key: string, query: string, variables: Json): Promise<Json> =>
    await send(gateway, { query, variables }, { 'x-api-key': key });
  const mutated = (key: string, mutation: string, input: Json): Promise<Json> => {
    const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
    const query = `mutation($input: ${type}!) { ${mutation}(input: $input) { userErrors { code field message } } }`;
    const keyed = KEYLESS.includes(mutation) ? {} : { idempotencyKey: newRequestKey() };
    return asked(key, query, { input: { ...keyed, ...input } });
  };
  const keys = (): [whose: string, key: string][] => [
    ['staff', own?.tenant.key ?? ''],
    ['developer', own?.developer ?? ''],
  ];

  it.each(QUERIES)('extension is not there by "%s", as one that there isn’t', async (_what, query, data) => {
    const { extensionId = '' } = theirs ?? {};
    for (const [, key] of keys())
      for (const id of [extensionId, unknownLike(extensionId), 'ext_nonsense'])
        expect(await asked(key, query, { id })).toEqual({ data, errors: [] });
  });

  it.each(MUTATIONS)('extension is not there for %s, and nothing happens', async (mutation, input, code) => {
    const { extensionId = '', tenant } = theirs ?? {};
    if (tenant === undefined) throw new Error('Nobody is there.');
    for (const [whose, key] of keys()) {
      const answers: Json[] = [];
      for (const id of [extensionId, unknownLike(extensionId)]) {
        const acted = () => mutated(key, mutation, { extensionId: id, ...input });
        answers.push(await seeing(gateway, tenant, () => expectNothingWritten(gateway, acted)));
      }
      expect(answers[0]).toEqual(answers[1]);
      const told = answers[0].errors[0]?.extensions.code ?? answers[0].data[mutation].userErrors[0].code;
      expect([whose, told]).toEqual([whose, answers[0].errors.length > 0 ? 'FORBIDDEN' : code]);
    }
  });

  it('call is neither seen nor asked again', async () => {
    const { callId = '', extensionId: foreignId = '' } = theirs ?? {};
    const { extensionId = '' } = own ?? {};
    const before = [hooks[0].asked.length, hooks[1].asked.length];
    for (const [, key] of keys()) {
      const unknown = unknownLike(callId);
      const query = 'query($id: ID!) { node(id: $id) { id } }';
      for (const id of [callId, unknown])
        expect(await asked(key, query, { id })).toEqual({ data: { node: null }, errors: [] });
      for (const asking of [extensionId, foreignId]) {
        const [foreign, none] = await Promise.all(
          [callId, unknown].map((id) => mutated(key, 'testExtension', { extensionId: asking, callId: id })),
        );
        expect(foreign).toEqual(none);
        const code = asking === extensionId ? 'CALL_NOT_FOUND' : 'EXTENSION_NOT_FOUND';
        expect(foreign.data.testExtension.userErrors).toMatchObject([{ code }]);
      }
    }
    expect([hooks[0].asked.length, hooks[1].asked.length]).toEqual(before);
  });

  it('cursor is no cursor', async () => {
    const query = `query($id: ID!, $after: String) { extension(id: $id) {
      calls(first: 5, after: $after) { edges { node { id } } } } }`;
    for (const [, key] of keys()) {
      const by = async (after: string | undefined) => {
        const { data, errors } = await asked(key, query, { id: own?.extensionId, after });
        return errors[0]?.extensions.code ?? data.extension.calls.edges.length;
      };
      const answers = [await by(theirs?.cursor), await by('nonsense'), await by(own?.cursor)];
      expect(answers).toEqual(['CURSOR_INVALID', 'CURSOR_INVALID', 1]);
    }
  });

  it('developer’s key opens nothing here', async () => {
    const query = 'query($id: ID!) { extension(id: $id) { id } }';
    const seen = async (key = '') =>
      await Promise.all(
        [own, theirs].map(async (one) => (await asked(key, query, { id: one?.extensionId })).data),
      );
    const [mine, yours] = [own, theirs].map((one) => ({ extension: { id: one?.extensionId } }));
    const none = { extension: null };
    expect([await seen(own?.developer), await seen(theirs?.developer)]).toEqual([
      [mine, none],
      [none, yours],
    ]);
  });
});

it('what a tenant’s webhook is told never holds anything of another tenant, however many ask at once', async () => {
  const shops = await Promise.all(hooks.map(shop));
  for (const hook of hooks) hook.asked.length = 0;
  await Promise.all(
    Array.from({ length: 40 }, async (_, at) => {
      const { tenant, memberId } = shops[at % 2] as Shop;
      const order = { number: `${tenant.code}-${at}` };
      await buy(tenant, memberId, { idempotencyKey: `${tenant.code} ${newRequestKey()}`, order });
    }),
  );
  for (const [at, hook] of hooks.entries()) {
    const [mine, other] = [shops[at], shops[1 - at]];
    const told = JSON.stringify(hook.asked);
    expect(hook.asked).toHaveLength(20);
    expect(told).toContain(mine?.memberId);
    for (const foreign of [
      other?.memberId,
      other?.extensionId,
      `"${other?.tenant.code}"`,
      `${other?.tenant.code}-`,
    ])
      expect(told).not.toContain(foreign);
  }
});

describe('a developer who reads the call log', () => {
  const PERSON = {
    identities: [
      { kind: 'PHONE', value: '+8613912345678' },
      { kind: 'EMAIL', value: 'lin.xiaoman@example.com' },
      { kind: 'WECHAT_OPENID', value: 'oX2b-7Kq9LmN' },
    ],
    profile: { displayName: '林小满', birthday: '1995-05-20', region: 'CN-SH-Xuhui' },
    attributes: { note: 'allergic to peanuts', deep: { size: 'forty-two' }, nickname: 'Lin' },
  };
  const SECRETS = [
    ...['13912345678', 'lin.xiaoman', 'oX2b-7Kq9LmN', '林小满', '1995-05-20', 'Xuhui'],
    ...['peanuts', 'forty-two', '3912345678', 'Dear Lin!'],
  ];
  // Whatever it was told, it says everywhere that it can.
  const SPYING = `export default (input) => {
    const all = JSON.stringify(input);
    const texts = all.match(/"[^"]*"/g).map((text) => JSON.parse(text));
    console.log(all); console.log(input);
    console.log(all.match(/[0-9]{7,}/g)?.map((digits) => 'by hand ' + digits.slice(2)).join());
    console.log(texts.filter((text) => text.length < 6).map((text) => 'Dear ' + text + '!').join(' ')); console.error('told: ' + all);
    for (const part of Object.values(input)) console.log(part);
    if (texts.some((text) => text === 'throw')) throw new Error('no: ' + all);
    if (texts.some((text) => text === 'keys')) return Object.fromEntries(texts.map((text) => [text, text]));
    const reason = texts.filter((text) => /[0-9]|peanut|满|lin\\./.test(text)).join(' ').slice(0, 190);
    return ANSWER(reason, texts);
  };`;

  it.each([
    ['points.rule', '(reason) => ({ postings: [{ asset: "points", amount: "1", reason }] })'],
    [
      'member.create',
      '(reason, texts) => ({ decision: "APPROVE", attributes: { copied: texts, [texts[3]]: reason } })',
    ],
    ['member.create', '(reason) => ({ decision: "REFUSE", reason })'],
    [
      'member.create',
      '(_, texts) => ({ decision: "REFUSE", reason: "Dear " + texts.find((text) => text === "Lin") + "!" })',
    ],
  ])('of %s finds nothing personal, whatever the code says of what it was told', async (point, answer) => {
    const tenant = await ownTenant(gateway);
    const code = `const ANSWER = ${answer};\n${SPYING}`;
    const { member } = await act(tenant, 'createMember', PERSON, 'member { id }');
    const given = { ...sandbox(code), point, onFailure: 'FAIL_OPEN', stage: 'LIVE' };
    const { id: extensionId } = await register(tenant, given);
    const key = { label: 'developer', role: 'DEVELOPER', extensionId };
    const { secret } = await act(tenant, 'createApiKey', key, 'secret');
    const ask: OwnTenant['ask'] = (query, variables) =>
      gateway.ask(query, variables, { 'x-api-key': secret });
    for (const channel of ['app', 'throw', 'keys']) {
      const source = { channel };
      await buy(tenant, member.id, { source });
      await act(tenant, 'createMember', { ...PERSON, source, dryRun: true }, 'member { id }');
    }
    const calls = await callsOf({ ask }, extensionId);
    expect(calls.map(({ outcome }) => outcome)).toEqual(['OK', 'ERROR', 'INVALID_OUTPUT']);
    const shadow = await shown(
      { ask },
      extensionId,
      'shadowReport { paths { path liveExample shadowExample } }',
    );
    const tested = await Promise.all(
      calls.map(({ id }) =>
        ask(
          `mutation($input: TestExtensionInput!) { testExtension(input: $input) {
             run { output logs error { code message } } } }`,
          { input: { extensionId, callId: id } },
        ),
      ),
    );
    const replayed = await ask(
      `mutation($input: ReplayExtensionCallsInput!) { replayExtensionCalls(input: $input) { report {
         calls { now { output logs error { message } } differences { path before now } } } } }`,
      { input: { extensionId, first: 20 } },
    );
    expect(replayed.errors).toEqual([]);
    const told = JSON.stringify([calls, shadow, tested, replayed]);
    expect(told).toContain('[redacted]');
    for (const personal of SECRETS) expect([personal, told.includes(personal)]).toEqual([personal, false]);
  });
});
