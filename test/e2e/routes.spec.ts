import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

it('is alive', async () => {
  const answer = await fetch(`${gateway.url}/healthz`);
  expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
});

it('is ready, and not while a migration is missing', async () => {
  const ready = async (): Promise<[number, unknown]> => {
    const answer = await fetch(`${gateway.url}/readyz`);
    return [answer.status, await answer.json()];
  };
  expect(await ready()).toEqual([200, { status: 'ready' }]);
  const [last] = await gateway.sql(
    'delete from schema_migration where name = (select max(name) from schema_migration) returning *',
  );
  try {
    expect(await ready()).toEqual([
      503,
      { status: 'not ready', reason: `Migrations are missing: ${last.name}.` },
    ]);
  } finally {
    const columns = Object.keys(last);
    const places = columns.map((_, index) => `$${index + 1}`);
    await gateway.sql(`insert into schema_migration (${columns}) values (${places})`, Object.values(last));
  }
  expect(await ready()).toEqual([200, { status: 'ready' }]);
});

it('is measured', async () => {
  await gateway.ask('{ program { version } }');
  const answer = await fetch(`${gateway.url}/metrics`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await answer.text()).split('\n').filter((line) => line !== '');
  for (const line of lines) expect(line).toMatch(/^(# (HELP|TYPE) \S+ .+|[a-z_:][\w:]*(\{[^}]*\})? \S+)$/i);
  expect(lines).toContain('membergraph_operation_seconds_count{operation="query"} 1');
  expect(lines).toContain('membergraph_websockets 0');
});

it('serves the IDE, which fetches nothing from elsewhere', async () => {
  const answer = await fetch(`${gateway.url}/graphiql`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const page = await answer.text();
  expect(page).toContain('/graphql');
  expect(page).not.toMatch(/<(script|link|img|iframe)[^>]+(src|href)=["']?(https?:)?\/\//i);
  expect(page).not.toMatch(/@import|url\(["']?(https?:)?\/\//i);
  expect((await fetch(`${gateway.url}/`, { redirect: 'manual' })).headers.get('location')).toBe('/graphiql');
});

it('serves the example page, which may do nothing but ask this gateway', async () => {
  const answer = await fetch(`${gateway.url}/examples/live-tape`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const policy = answer.headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'sha256-[^']+'; style-src 'sha256-[^']+'; /);
  expect(policy).not.toContain('unsafe');
  const [, script = ''] = /<script src="([^"]+)">/.exec(await answer.text()) ?? [];
  const client = await fetch(`${gateway.url}${script}`);
  expect(client.headers.get('content-type')).toMatch(/^text\/javascript/);
  expect(await client.text()).toContain('graphql-transport-ws');
});

it('serves neither pages nor the schema where it can’t be asked for', async () => {
  const closed = await startTestGateway({ beside: gateway, environment: { INTROSPECTION: 'false' } });
  for (const path of ['/', '/graphiql', '/examples/live-tape', '/examples/live-tape/graphql-ws.min.js'])
    expect((await fetch(`${closed.url}${path}`)).status).toBe(404);
  await closed.close();
});

it.each(['/nothing', '/graphql/', '/graphqlx', '/..%2f..%2fetc/passwd', '/%ff', '//graphql', '/healthz/x'])(
  'has nothing at %s, and says so in JSON',
  async (path) => {
    const answer = await fetch(`${gateway.url}${path}`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      404,
      'application/json; charset=utf-8',
    ]);
    expect(await answer.json()).toEqual({ error: expect.stringContaining('/graphql') });
    expect(answer.headers.get('x-powered-by')).toBeNull();
  },
);
