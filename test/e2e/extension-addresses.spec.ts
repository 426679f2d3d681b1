import { createServer } from 'node:http';
import { BY_RULES, buy, gave, type Hook, hooked, outcomesOf, seeing, startHook } from '../support/attacks.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { startNames } from '../support/names.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { listen } from '../support/receivers.ts';
import { act, refusedCode, register } from '../support/registered.ts';
import { transports } from '../support/transports.ts';
import { untilHolds } from '../support/until-holds.ts';

// Where a tenant would like its webhooks to be sent. The map of attacks is in extension-attacks.spec.ts.

let addresses: readonly string[] = [];
let names: Awaited<ReturnType<typeof startNames>>;
let hook: Hook;
let gateway: TestGateway;
let tenant: OwnTenant;
beforeAll(async () => {
  names = await startNames(() => addresses);
  hook = await startHook();
  gateway = await startTestGateway({
    environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' },
    asking: { resolve: names.resolve },
  });
  tenant = await ownTenant(gateway);
});
afterAll(async () => {
  await gateway.close();
  await hook.close();
  await names.close();
});

const PRIVATE = [
  'https://169.254.169.254/latest/meta-data',
  'http://169.254.169.254/latest/meta-data',
  'https://2852039166/',
  'https://0251.0376.0251.0376/',
  'https://0xa9fea9fe/',
  'https://[::ffff:10.0.0.1]/',
  'https://[::ffff:a9fe:a9fe]/',
  'https://[::10.0.0.1]/',
  'https://[64:ff9b::10.0.0.1]/',
  'https://[fd00:ec2::254]/',
  'https://10.0.0.1/',
  'https://167772161/',
  'https://012.0.0.1/',
  'https://0x0a.0.0.1/',
  'https://168.63.129.16/',
  // Beside the network that is allowed.
  'http://127.0.0.2:8080/',
  'https://0/',
];

const REFUSED: [url: string, code: string][] = [
  ...PRIVATE.map((url): [string, string] => [url, 'WEBHOOK_ADDRESS_REFUSED']),
  ['https://crm:secret@1.1.1.1/', 'WEBHOOK_URL_CREDENTIALS'],
  ['https://crm@127.0.0.1/', 'WEBHOOK_URL_CREDENTIALS'],
  ['http://1.1.1.1/', 'WEBHOOK_URL_SCHEME'],
  ['ftp://1.1.1.1/', 'WEBHOOK_URL_SCHEME'],
  ['file:///etc/passwd', 'WEBHOOK_URL_SCHEME'],
  ['https://1.1.1.1:22/', 'WEBHOOK_URL_PORT'],
  ['//1.1.1.1/', 'WEBHOOK_URL_INVALID'],
  ['', 'WEBHOOK_URL_INVALID'],
];

const CHANGES: Record<string, string> = {
  registerExtension: 'RegisterExtensionInput',
  updateExtension: 'UpdateExtensionInput',
};

describe.each(transports)('over $name an address that is refused', ({ send }) => {
  async function refusal(mutation: string, input: Json): Promise<Json> {
    const query = `mutation($input: ${CHANGES[mutation]}!) { ${mutation}(input: $input) {
      extension { id } userErrors { code field message } } }`;
    const variables = { input: { idempotencyKey: newRequestKey(), ...input } };
    const sent = () => send(gateway, { query, variables }, { 'x-api-key': tenant.key });
    const { data, errors } = await seeing(gateway, tenant, () => expectNothingWritten(gateway, sent));
    expect([errors, data?.[mutation]?.extension]).toEqual([[], null]);
    return data[mutation].userErrors;
  }

  it.each(REFUSED)('is %s: %s, in any stage, and nothing is written', async (url, code) => {
    for (const stage of ['DRAFT', 'SHADOW', 'LIVE']) {
      const userErrors = await refusal('registerExtension', {
        name: 'inside',
        ...hooked(hook),
        stage,
        webhook: { url },
      });
      expect(userErrors).toEqual([{ code, field: ['webhook', 'url'], message: expect.any(String) }]);
      // What is inside isn't told, nor any secret that was in the address.
      expect(userErrors[0].message).not.toContain('secret');
    }
  });

  it('is refused to a new version, too', async () => {
    const { id: extensionId } = await register(tenant, hooked(hook, { stage: 'SHADOW' }));
    const webhook = { url: 'https://[::ffff:10.0.0.1]/' };
    expect(await refusal('updateExtension', { extensionId, webhook })).toMatchObject([
      { code: 'WEBHOOK_ADDRESS_REFUSED', field: ['webhook', 'url'] },
    ]);
  });

  it.each([
    [['10.0.0.1'], 'https://crm.test/', 'WEBHOOK_ADDRESS_REFUSED'],
    [['8.8.8.8', '169.254.169.254'], 'https://crm.test/', 'WEBHOOK_ADDRESS_REFUSED'],
    [['8.8.8.8'], 'http://crm.test/', 'WEBHOOK_URL_SCHEME'],
    [['8.8.8.8'], 'https://crm.test:25/', 'WEBHOOK_URL_PORT'],
  ])('is a name at %j by %s: %s', async (at, url, code) => {
    addresses = at;
    const input = { name: 'inside', ...hooked(hook), stage: 'SHADOW', webhook: { url } };
    const userErrors = await refusal('registerExtension', input);
    expect(userErrors).toMatchObject([{ code, field: ['webhook', 'url'] }]);
    // Nobody learns by us what a name is within the network.
    for (const address of at) expect(userErrors[0].message).not.toContain(address);
  });
});

describe('a name that moves inside after it was registered', () => {
  // One of its own: whoever else is registered would be asked, too.
  beforeEach(async () => {
    tenant = await ownTenant(gateway);
  });
  const moved = [['127.0.0.2'], ['127.0.0.1', '127.0.0.2'], ['169.254.169.254'], ['10.0.0.1']];

  it.each([
    ['FAIL_OPEN', BY_RULES],
    ['FAIL_CLOSED', ['EXTENSION_UNAVAILABLE']],
    ['DEFAULT', [...BY_RULES, 'points 3 by moving-default 1']],
  ])('is UNREACHABLE, and %s holds', async (onFailure, expected) => {
    const inside = await listen(createServer(), '127.0.0.2', hook.port);
    const memberId = await enrol(tenant);
    addresses = ['127.0.0.1'];
    const defaultOutput = { postings: [{ asset: 'points', amount: '3', reason: 'default' }] };
    const { id } = await register(tenant, {
      ...hooked(hook, { name: `moving-${onFailure.toLowerCase().replace('_', '-')}`, onFailure }),
      ...{ webhook: { url: `http://hooks.test:${hook.port}/` }, defaultOutput },
    });
    // The connection of the challenge is to what was checked, and would be used again.
    hook.cutAll();
    await untilHolds(() => hook.open() === 0);
    const before = hook.asked.length;
    try {
      for (const now of moved) {
        addresses = now;
        expect(gave(await buy(tenant, memberId))).toEqual(expected);
      }
      const outcome = 'LIVE UNREACHABLE WEBHOOK_ADDRESS_REFUSED';
      expect(await outcomesOf(tenant, id)).toEqual(moved.map(() => outcome));
      expect([inside.connections(), hook.asked.length]).toEqual([0, before]);
      // Back where it was, it is asked again: nothing of it is remembered but the failures.
      addresses = ['127.0.0.1'];
      await buy(tenant, memberId);
      expect((await outcomesOf(tenant, id)).at(-1)).toBe('LIVE OK');
    } finally {
      await act(tenant, 'setExtensionStage', { extensionId: id, stage: 'RETIRED' });
      await inside.close();
    }
  });

  it('fails the challenge, before it may count', async () => {
    addresses = [];
    const url = `http://later.test:${hook.port}/`;
    const { id: extensionId } = await register(tenant, hooked(hook, { stage: 'SHADOW', webhook: { url } }));
    for (const at of [['10.0.0.1'], []]) {
      addresses = at;
      const staged = act(tenant, 'setExtensionStage', { extensionId, stage: 'LIVE' });
      expect(await refusedCode(staged)).toEqual(['CHALLENGE_FAILED', ['stage']]);
    }
  });
});

it('a redirect inside is not followed, neither by the challenge nor by a call', async () => {
  const inside = await listen(
    createServer((_request, response) => response.end('{"output":{}}')),
    '127.0.0.2',
  );
  const memberId = await enrol(tenant);
  const redirecting = await startHook((_envelope, response) => {
    response.writeHead(307, { location: `http://127.0.0.2:${inside.port}/latest/meta-data` }).end();
  });
  try {
    const { id } = await register(tenant, hooked(redirecting, { onFailure: 'FAIL_OPEN' }));
    expect(gave(await buy(tenant, memberId))).toEqual(BY_RULES);
    expect(await outcomesOf(tenant, id)).toEqual(['LIVE ERROR WEBHOOK_REDIRECT']);
    expect(inside.connections()).toBe(0);
    await act(tenant, 'setExtensionStage', { extensionId: id, stage: 'RETIRED' });
  } finally {
    await redirecting.close();
    await inside.close();
  }
});
