import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { serverAudits } from 'graphql-http';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

const QUERY = { query: '{ program { currency } }' };
const JSON_TYPE = { 'content-type': 'application/json' };

/** As the demo tenant's staff. */
async function send(init: RequestInit & { path?: string } = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('x-api-key', gateway.demo.adminApiKey);
  return await fetch(`${gateway.url}${init.path ?? '/graphql'}`, { ...init, headers });
}

async function expectHealthy(): Promise<void> {
  expect(await (await post(QUERY)).json()).toEqual({ data: { program: { currency: 'CNY' } } });
}

function post(body: object, headers: Record<string, string> = {}): Promise<Response> {
  return send({ method: 'POST', headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) });
}

describe('GraphQL over HTTP, as its specification’s audit sees it', () => {
  const audits = serverAudits({
    url: () => `${gateway.url}/graphql`,
    fetchFn: (input: string, { headers, ...init }: RequestInit = {}) => {
      const sent = new Headers(headers);
      sent.set('x-api-key', gateway.demo.adminApiKey);
      return fetch(input, { ...init, headers: sent });
    },
  });

  it('has its sixty-one rules', () => {
    expect(audits).toHaveLength(61);
  });

  it.each(audits.map(({ id, name, fn }) => ({ id, name, fn })))('$id $name', async ({ fn }) => {
    expect(await fn()).toMatchObject({ status: 'ok' });
  });
});

describe('the type that is accepted', () => {
  const GRAPHQL_TYPE = { accept: 'application/graphql-response+json' };
  const EARN = 'mutation($input: EarnPointsInput!) { earnPoints(input: $input) { userErrors { code } } }';
  const input = { idempotencyKey: 'k', memberId: 'm', asset: 'points', amount: 5 };

  it.each<[string, Json]>([
    ['a document that can’t be parsed', { query: '{' }],
    ['a document that isn’t valid', { query: '{ nothing }' }],
    ['variables that can’t be coerced', { query: EARN, variables: { input } }],
    ['a page too large', { query: '{ member(id: "x") { grants(first: 101) { edges { cursor } } } }' }],
  ])('decides on the status of %s', async (_, body) => {
    // Twice, because what is known of a document and its variables is remembered.
    for (let count = 0; count < 2; count += 1) {
      const old = await post(body, { accept: 'application/json' });
      expect([old.status, old.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
      const young = await post(body, GRAPHQL_TYPE);
      expect([young.status, young.headers.get('content-type')]).toEqual([
        400,
        'application/graphql-response+json; charset=utf-8',
      ]);
      expect(await young.json()).toEqual(await old.json());
    }
  });

  it('decides on the status of wrong variables, though good ones came before', async () => {
    await post({ query: EARN, variables: { input: { ...input, amount: '5' } } });
    const body = { query: EARN, variables: { input } };
    expect((await post(body)).status).toBe(200);
    const answer = await post(body, GRAPHQL_TYPE);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      errors: [{ extensions: { code: 'INVALID_POINTS', field: ['amount'] } }],
    });
  });

  it('shows a refusal as data', async () => {
    const answer = await post({ query: EARN, variables: { input: { ...input, amount: '5' } } }, GRAPHQL_TYPE);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      data: { earnPoints: { userErrors: [{ code: 'MEMBER_NOT_FOUND' }] } },
    });
  });
});

describe('what another site’s page could send', () => {
  const MUTATION = `mutation { earnPoints(input: { idempotencyKey: "cross-site", memberId: "${'m'}", asset: "points", amount: "5" }) { operation { id } } }`;
  const form = new FormData();
  form.set('operations', JSON.stringify({ query: MUTATION }));
  form.set('map', '{}');

  it.each<[string, number, () => Promise<Response>]>([
    ['a mutation by GET', 405, () => send({ path: `/graphql?query=${encodeURIComponent(MUTATION)}` })],
    ['a form', 415, () => send({ method: 'POST', body: new URLSearchParams({ query: MUTATION }) })],
    ['a multipart form', 415, () => send({ method: 'POST', body: form })],
    [
      'plain text',
      415,
      () =>
        send({
          method: 'POST',
          headers: { 'content-type': 'text/plain' },
          body: JSON.stringify({ query: MUTATION }),
        }),
    ],
    [
      'JSON without a type',
      415,
      () =>
        send({ method: 'POST', headers: { 'content-type': '' }, body: JSON.stringify({ query: MUTATION }) }),
    ],
    [
      'another JSON',
      415,
      () =>
        send({
          method: 'POST',
          headers: { 'content-type': 'application/jsonp' },
          body: JSON.stringify({ query: MUTATION }),
        }),
    ],
    [
      'a PUT',
      405,
      () => send({ method: 'PUT', headers: JSON_TYPE, body: JSON.stringify({ query: MUTATION }) }),
    ],
  ])('%s is refused', async (_, status, act) => {
    const answer = await expectNothingWritten(gateway, act);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('names the methods that are allowed', async () => {
    expect(
      (await send({ path: `/graphql?query=${encodeURIComponent(MUTATION)}` })).headers.get('allow'),
    ).toBe('POST');
    expect((await send({ method: 'DELETE' })).headers.get('allow')).toBe('GET, POST');
  });

  it('a query by GET without a header that needs a preflight is not answered', async () => {
    const answer = await fetch(`${gateway.url}/graphql?query=${encodeURIComponent(QUERY.query)}`);
    expect(answer.status).toBe(401);
    expect((await send({ path: `/graphql?query=${encodeURIComponent(QUERY.query)}` })).status).toBe(200);
  });
});

/** A body of 10 MB that doesn't say how large it is. */
function pieces(): ReadableStream {
  let left = 100;
  return new ReadableStream({
    pull: (controller) => {
      left -= 1;
      if (left < 0) controller.close();
      else controller.enqueue(new Uint8Array(100_000).fill(32));
    },
  });
}

describe('a body', () => {
  it.each<[string, number, () => Promise<Response>]>([
    ['a batch of ten', 400, () => post(Array(10).fill(QUERY))],
    ['an empty batch', 400, () => post([])],
    ['a text', 400, () => send({ method: 'POST', headers: JSON_TYPE, body: '"{ program }"' })],
    ['nothing', 400, () => send({ method: 'POST', headers: JSON_TYPE })],
    ['half of it', 400, () => send({ method: 'POST', headers: JSON_TYPE, body: '{"query":' })],
    [
      'gzip',
      415,
      () =>
        send({
          method: 'POST',
          headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
          body: gzipSync(JSON.stringify(QUERY)),
        }),
    ],
    [
      'a gzip bomb',
      415,
      () =>
        send({
          method: 'POST',
          headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
          body: gzipSync(Buffer.alloc(50_000_000)),
        }),
    ],
    [
      '10 MB',
      413,
      () => post({ query: '{ program { currency } }', extensions: { text: 'x'.repeat(10_000_000) } }),
    ],
    [
      '10 MB in pieces',
      413,
      () => send({ method: 'POST', headers: JSON_TYPE, body: pieces(), duplex: 'half' } as RequestInit),
    ],
    [
      '10 MB of white space',
      413,
      () => send({ method: 'POST', headers: JSON_TYPE, body: ' '.repeat(10_000_000) }),
    ],
  ])('of %s is refused', async (_, status, act) => {
    const answer = await act();
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
    await expectHealthy();
  });

  it('with variables nested 200,000 deep is refused', async () => {
    const body = (name: string): string =>
      `{"query":"{ program { currency } }","${name}":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`;
    const answer = await send({ method: 'POST', headers: JSON_TYPE, body: body('variables') });
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'VARIABLES_TOO_LARGE' } }] });
    // Nobody reads extensions, so they do no harm.
    const ignored = await send({ method: 'POST', headers: JSON_TYPE, body: body('extensions') });
    expect(await ignored.json()).toEqual({ data: { program: { currency: 'CNY' } } });
    await expectHealthy();
  });

  it('that says it is large, and waits, is not waited for', async () => {
    const { port } = new URL(gateway.url);
    const headers = { ...JSON_TYPE, 'x-api-key': gateway.demo.adminApiKey, 'content-length': '10000000' };
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest({ port, method: 'POST', path: '/graphql', headers }, (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on('error', reject);
      request.write('{"query":');
    });
    expect(status).toBe(413);
  });
});

it('a subscription over HTTP is refused', async () => {
  const query = `subscription { pointEvents(memberId: "${gateway.demo.memberId}") { cursor } }`;
  const { errors } = (await (await post({ query })).json()) as Json;
  expect(errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
});

describe('people read', () => {
  const query = '{ program { name } member(id: "x") { grants(first: 0) { edges { cursor } } } }';
  it.each([
    [undefined, /取值范围/],
    ['zh-CN,zh;q=0.9,en;q=0.8', /取值范围/],
    ['zh', /取值范围/],
    ['en-GB', /goes from 1 to 100/],
    ['fr, en;q=0.2', /goes from 1 to 100/],
    ['de', /取值范围/],
    ['en;q=0, *', /取值范围/],
  ])('what their client or their enterprise speaks: %s', async (language, message) => {
    const answer = await post({ query }, language === undefined ? {} : { 'accept-language': language });
    expect(await answer.json()).toMatchObject({ errors: [{ message: expect.stringMatching(message) }] });
  });

  it('names in their language', async () => {
    const name = async (language: string): Promise<string> =>
      (
        (await (
          await post({ query: '{ program { name } }' }, { 'accept-language': language })
        ).json()) as Json
      ).data.program.name;
    expect(await name('en')).toBe('Tea Friends');
    expect(await name('zh-CN')).toBe('茶友会');
  });
});
