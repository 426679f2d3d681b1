import { readFileSync } from 'node:fs';
import { eventSchemas } from '../../src/domain/endpoints/event.schema.ts';
import { ALL_TYPES } from '../../src/domain/endpoints/event-type.policy.ts';
import { projectPath } from '../../src/persistence/index.ts';
import { actOn, earn, shownEndpoint } from '../support/endpoints.ts';
import { type Example, startExample } from '../support/examples.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { freePort } from '../support/process.ts';
import { untilHolds } from '../support/until-holds.ts';

const GUIDE = readFileSync(projectPath('docs', 'guides', 'outbound-events.md'), 'utf8');

/** The blocks of a language, in their order. */
const blocks = (language: string): string[] =>
  [...GUIDE.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, block = '']) => block);

let gateway: TestGateway;
let tenant: OwnTenant;
let receiver: Example | null = null;

beforeAll(async () => {
  gateway = await startTestGateway({ environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' } });
  await gateway.application.relay.start();
  tenant = await ownTenant(gateway);
});
afterAll(async () => {
  await receiver?.stop();
  await gateway.close();
});

it('the guide registers an endpoint, whose receiver takes events, and has dead ones told again', async () => {
  const [register = '', look = '', again = ''] = blocks('graphql');
  const port = await freePort();
  const { data } = await tenant.ask(register.replace('8080', String(port)));
  const { signingSecret, endpoint, userErrors } = data.registerEventEndpoint;
  expect(userErrors).toEqual([]);
  const environment = { SIGNING_SECRET: signingSecret, PORT: String(port) };
  receiver = await startExample('event-receiver/receiver.mjs', [], environment);
  const tested = await tenant.ask(
    'mutation($id: ID!) { testEventEndpoint(input: { endpointId: $id }) { test { delivered status } } }',
    { id: endpoint.id },
  );
  expect(tested.data.testEventEndpoint.test).toEqual({ delivered: true, status: 204 });
  const memberId = await enrol(tenant);
  await earn(tenant, memberId, '50');
  const taken = async (): Promise<Json[]> =>
    (await shownEndpoint(tenant, endpoint.id, { state: 'DELIVERED', memberId })).deliveries;
  await untilHolds(async () => (await taken()).some(({ type }) => type === 'points.earned'));
  await untilHolds(async () => (await shownEndpoint(tenant, endpoint.id)).backlog === 0);
  const told = await taken();
  // Told again, what was done is taken again; an event that came only now may stand beside it.
  await actOn(tenant, 'replayEvents', { endpointId: endpoint.id, filter: {} }, 'replay { count }');
  await untilHolds(async () => {
    const attempts = new Map((await taken()).map(({ id, attemptCount }) => [id, attemptCount]));
    return told.every(({ id, attemptCount }) => attempts.get(id) > attemptCount);
  });
  const shown = await tenant.ask(look, { id: endpoint.id });
  expect(shown.errors).toEqual([]);
  expect(shown.data.eventEndpoint).toMatchObject({ status: 'ACTIVE', deadLetters: 0 });
  const replayed = await tenant.ask(again, { endpointId: endpoint.id });
  expect(replayed.data.replayEvents).toEqual({
    ...{ replay: { count: 0, hasMore: false, lastCursor: null }, userErrors: [] },
  });
});

it('a receiver with another secret, or none that is signed, takes nothing', async () => {
  const response = await fetch(`${receiver?.url}/events`, { method: 'POST', body: '{}' });
  expect(response.status).toBe(401);
});

it('shows an event as its schema says, and names every type', () => {
  const [json = ''] = blocks('json');
  expect(eventSchemas.points.parse(JSON.parse(json))).toEqual(JSON.parse(json));
  const told = [...GUIDE.matchAll(/^\| `[A-Z]+` \| (.+?) \|/gm)].flatMap(([, types = '']) => {
    const [first = '', ...others] = types.replaceAll('`', '').split(', ');
    return [first, ...others.map((type) => `${first.split('.')[0]}${type}`)];
  });
  expect(told.sort()).toEqual([...ALL_TYPES].sort());
});
