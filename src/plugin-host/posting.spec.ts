import {
  inProcess,
  newGreeter,
  registration,
  revision,
  startHost,
  type TestHost,
} from '../../test/support/extensions.ts';
import { bodyOf, type Receiver, serve } from '../../test/support/receivers.ts';
import type { CallContext } from '../extension/index.ts';

// What plugins post: by the same way as webhooks, behind the same guard.

let host: TestHost;
let receiver: Receiver;
let url: string;
let posted: { body: string; headers: Record<string, unknown> }[];
let status: number;
let answer: string | null;
let seen: unknown;

const post = async ({ name }: { name: string }, context: CallContext): Promise<unknown> => {
  const body = JSON.stringify({ name });
  seen = await context.post(url, { body, headers: { 'X-Token': 'green', Accept: 'text/html' } });
  return { text: 'posted' };
};

beforeAll(async () => {
  receiver = await serve(async (request, response) => {
    posted.push({ body: await bodyOf(request), headers: request.headers });
    response.writeHead(status, { 'content-type': 'application/json', location: receiver.url });
    if (answer !== null) response.end(answer);
  });
});
afterAll(() => receiver.close());
beforeEach(() => {
  url = receiver.url;
  [posted, status, answer, seen] = [[], 200, '{"tea":["green"]}', null];
  host = startPoster(10_000);
});
afterEach(() => host.close());

function startPoster(deadlineMs: number): TestHost {
  const plugin = newGreeter('poster', post as never);
  return startHost({
    plugins: [plugin],
    registered: [
      registration('poster', revision(inProcess('poster'), { onFailure: 'FAIL_OPEN', deadlineMs })),
    ],
  });
}

/** How the last call ended. */
async function ending(): Promise<[string, string | undefined]> {
  await host.ask();
  const call = host.recorder.calls.at(-1);
  return [call?.outcome ?? '', call?.fault?.code];
}

it('posts JSON with the headers given, and hears any JSON', async () => {
  expect(await ending()).toEqual(['OK', undefined]);
  expect(seen).toEqual({ tea: ['green'] });
  expect(posted).toHaveLength(1);
  expect(posted[0]?.body).toBe('{"name":"Xiao Man"}');
  expect(posted[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    accept: 'application/json',
    'x-token': 'green',
  });
  expect(posted[0]?.headers).not.toHaveProperty('webhook-signature');
});

it.each([
  ['a metadata service', 'http://169.254.169.254/latest', 'WEBHOOK_ADDRESS_REFUSED'],
  ['a private network', 'https://10.0.0.1/', 'WEBHOOK_ADDRESS_REFUSED'],
  ['loopback in disguise', 'http://[::ffff:10.0.0.1]/', 'WEBHOOK_ADDRESS_REFUSED'],
  ['a file', 'file:///etc/passwd', 'WEBHOOK_URL_SCHEME'],
  ['no address', 'tea', 'WEBHOOK_URL_INVALID'],
  ['a name that nobody has', 'https://nobody.invalid/', 'WEBHOOK_NAME_UNKNOWN'],
])('refuses %s', async (_what, address, code) => {
  url = address;
  expect(await ending()).toEqual(['UNREACHABLE', code]);
  expect(posted).toEqual([]);
});

it.each<[what: string, status: number, answer: string, outcome: string, code: string]>([
  ['a redirect', 302, '{}', 'ERROR', 'WEBHOOK_REDIRECT'],
  ['another status', 500, '{}', 'ERROR', 'WEBHOOK_STATUS'],
  ['what is no JSON', 200, '<html>', 'INVALID_OUTPUT', 'WEBHOOK_NOT_JSON'],
  ['JSON that is too deep', 200, '['.repeat(40) + ']'.repeat(40), 'INVALID_OUTPUT', 'WEBHOOK_TOO_DEEP'],
])('tells %s as what it is', async (_what, given, text, outcome, code) => {
  [status, answer] = [given, text];
  expect(await ending()).toEqual([outcome, code]);
  expect(posted).toHaveLength(1);
});

it('waits no longer than the call’s own deadline', async () => {
  await host.close();
  host = startPoster(200);
  answer = null;
  expect(await ending()).toEqual(['TIMEOUT', expect.stringMatching(/^(PLUGIN|WEBHOOK)_TIMEOUT$/)]);
});

it('leaves a service alone that failed five times in a row', async () => {
  status = 500;
  for (let count = 0; count < 5; count += 1) expect((await ending())[0]).toBe('ERROR');
  expect((await ending())[0]).toBe('BREAKER_OPEN');
  expect(posted).toHaveLength(5);
});
