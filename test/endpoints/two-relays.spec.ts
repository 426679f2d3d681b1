import {
  amountsOf,
  earn,
  type Listener,
  registerEndpoint,
  shownEndpoint,
  startListener,
} from '../support/endpoints.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { untilHolds } from '../support/until-holds.ts';

const NETWORK = { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' };
const KEY = { ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64') };
const MEMBERS = 12;
const ROUNDS = 20;

let first: TestGateway;
let second: TestGateway;
let listener: Listener;
let tenant: OwnTenant;
let members: string[];
let endpointId: string;

beforeAll(async () => {
  first = await startTestGateway({ environment: { ...NETWORK, ...KEY } });
  second = await startTestGateway({ environment: { ...NETWORK, ...KEY }, beside: first });
  listener = await startListener();
  tenant = await ownTenant(first);
  for (const { application } of [first, second]) await application.relay.start();
  members = await Promise.all(Array.from({ length: MEMBERS }, () => enrol(tenant)));
  ({ id: endpointId } = await registerEndpoint(tenant, listener.url, { streams: ['POINTS'] }));
  for (const { application } of [first, second]) application.relay.follow(tenant.tenantKey);
});
afterAll(async () => {
  await second.close();
  await first.close();
  await listener.close();
});

it('two gateways share an endpoint: each event once, each member in order, at most one under way', async () => {
  const underWay = new Map<string, number>();
  let most = 0;
  listener.answer = async ({ member }) => {
    const now = (underWay.get(member.id) ?? 0) + 1;
    underWay.set(member.id, now);
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
    underWay.set(member.id, now - 1);
    // Some fail now and then; they are told again before what comes after them.
    return Math.random() < 0.02 ? 500 : 200;
  };
  for (let round = 1; round <= ROUNDS; round += 1)
    await Promise.all(members.map((member) => earn(tenant, member, String(round))));
  // What isn't among its deliveries yet is no backlog: first, that the last came to everybody.
  await untilHolds(() => members.every((member) => amountsOf(listener, member).includes(String(ROUNDS))));
  await untilHolds(async () => (await shownEndpoint(tenant, endpointId)).backlog === 0);
  expect(most).toBe(1);
  const inOrder = Array.from({ length: ROUNDS }, (_, index) => String(index + 1));
  for (const member of members) {
    const told = amountsOf(listener, member);
    // What failed comes again at once after itself.
    expect(told.filter((amount, index) => amount !== told[index - 1])).toEqual(inOrder);
  }
}, 90_000);

it('when one of them stops, the other goes on', async () => {
  const memberId = await enrol(tenant);
  listener.answer = () => 200;
  await first.application.relay.stop();
  await earn(tenant, memberId, '77');
  await untilHolds(() => amountsOf(listener, memberId).includes('77'));
});
