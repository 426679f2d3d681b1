import { serverAudits } from 'graphql-http';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

describe('GraphQL over HTTP', () => {
  const fetchFn = (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set('x-api-key', gateway.demo.adminApiKey);
    return fetch(input, { ...init, headers });
  };
  const audits = serverAudits({ url: () => `${gateway.url}/graphql`, fetchFn });

  it.each(audits.map(({ id, name, fn }) => ({ id, name, fn })))('$id $name', async ({ fn }) => {
    const result = await fn();
    expect(result).toMatchObject({ status: 'ok' });
  });
});
