import { once } from 'node:events';
import { Agent, get, type IncomingMessage, request } from 'node:http';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { connectSocket, type TestSocket } from '../support/socket.ts';

const FOLLOW = `subscription($memberId: ID!, $after: String) {
  pointEvents(memberId: $memberId, after: $after) { cursor entry { version } } }`;

let first: TestGateway;
let second: TestGateway;
beforeAll(async () => {
  first = await startTestGateway();
  second = await startTestGateway({ beside: first });
});
afterAll(async () => {
  await second.close();
  await first.close();
});

async function earn(memberId: string): Promise<Json> {
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: '1' };
  const { data } = await first.ask(
    'mutation($input: EarnPointsInput!) { earnPoints(input: $input) { ledger { eventCursor } } }',
    { input },
  );
  return data.earnPoints.ledger.eventCursor;
}

it('a gateway that stops sends its listeners to another one, where they go on without a hole', async () => {
  const memberId = await enrol(first);
  const payload = { query: FOLLOW, variables: { memberId, after: await earn(memberId) } };
  const codes: number[] = [];
  // The address of a load balancer, which knows who is still there.
  let there = second;
  const client = createClient({
    url: () => `${there.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { 'x-api-key': first.demo.adminApiKey },
    retryWait: async () => undefined,
    on: { closed: (event) => void codes.push((event as { code: number }).code) },
  });
  const events = client.iterate<Json>(payload);
  const next = async (): Promise<string> => {
    const { value } = await events.next();
    const { cursor, entry } = value.data.pointEvents;
    payload.variables.after = cursor;
    return entry.version;
  };
  await earn(memberId);
  expect(await next()).toBe('3');
  const silent: TestSocket[] = [];
  for (let count = 0; count < 20; count += 1) silent.push(await connectSocket(second));
  there = first;
  const closed = once(second.server, 'close');
  const stopping = second.close();
  await earn(memberId);
  await closed;
  await stopping;
  for (const socket of silent) expect(await socket.closed).toMatchObject({ code: 1012 });
  await earn(memberId);
  expect([await next(), await next()]).toEqual(['4', '5']);
  expect(codes).toEqual([1012]);
  await client.dispose();
  second = await startTestGateway({ beside: first });
});

it('a gateway that stops doesn’t go on for those who ask on one connection again and again', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const isRead = async (answer: IncomingMessage): Promise<unknown> => await once(answer.resume(), 'end');
  const ready = new URL('/readyz', second.url);
  const headers = { 'x-api-key': first.demo.adminApiKey, 'content-type': 'application/json' };
  const asked = request(new URL('/graphql', second.url), { agent, method: 'POST', headers });
  const heard = once(second.server, 'request');
  asked.write('{ "query":');
  await heard;
  const stopping = second.close();
  asked.end('"{ __typename }" }');
  const [answer] = await once(asked, 'response');
  expect(answer.statusCode).toBe(200);
  await isRead(answer);
  const again = async (): Promise<void> => {
    for (;;) {
      const [next] = await once(get(ready, { agent }), 'response');
      await isRead(next);
    }
  };
  await expect(again()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await stopping;
  agent.destroy();
  second = await startTestGateway({ beside: first });
});
