import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Json, TestGateway } from './gateway.ts';
import { newRequestKey } from './members.ts';
import type { OwnTenant } from './own-tenant.ts';
import { bodyOf, type Receiver, serve, verify } from './receivers.ts';

/** What a receiver was told. */
export interface Heard {
  readonly event: Json;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

/** An enterprise's service that is told of events, and answers as a test says at the moment. */
export interface Listener extends Receiver {
  /** All that came, tests of the endpoint too. */
  readonly heard: Heard[];
  /** The status to answer with; null where it answers by itself, or not at all. */
  answer: (event: Json, response: ServerResponse) => number | null | Promise<number | null>;
}

export async function startListener(answer: Listener['answer'] = () => 204): Promise<Listener> {
  const listener: Listener = Object.assign(
    await serve(async (request, response) => {
      const body = await bodyOf(request);
      const event = JSON.parse(body);
      listener.heard.push({ event, body, headers: request.headers });
      const status = await listener.answer(event, response);
      if (status !== null) response.writeHead(status).end();
    }),
    { heard: [], answer },
  );
  return listener;
}

const SHOWN = 'endpoint { id name url streams types assets status cursor failingSince backlog deadLetters }';

/** Registers an endpoint; answers what is shown of it, and its secret. */
export async function registerEndpoint(
  tenant: Pick<OwnTenant, 'act'>,
  url: string,
  more: Json = {},
): Promise<Json> {
  const key = newRequestKey();
  const payload = await tenant.act(
    'registerEventEndpoint',
    { idempotencyKey: key, name: key, url, ...more },
    `signingSecret ${SHOWN}`,
  );
  expect(payload.userErrors).toEqual([]);
  return { ...payload.endpoint, secret: payload.signingSecret };
}

/** A mutation of an endpoint that there is. */
export function actOn(
  tenant: Pick<OwnTenant, 'act'>,
  mutation: string,
  input: Json,
  fields = SHOWN,
): Promise<Json> {
  return tenant.act(mutation, { idempotencyKey: newRequestKey(), ...input }, fields);
}

const ENDPOINT = `query($id: ID!, $filter: EventDeliveryFilterInput) { eventEndpoint(id: $id) {
  id name status failingSince backlog deadLetters error { code message } disabledBy { code message }
  deliveries(first: 100, filter: $filter) { edges { cursor node {
    id cursor type memberId state attemptCount nextAttemptAt deliveredAt createdAt error { code message }
    attempts { attempt startedAt durationMs status error { code message } } } } pageInfo { hasNextPage } } } }`;

/** An endpoint as staff see it, with its newest deliveries. */
export async function shownEndpoint(
  { ask }: Pick<OwnTenant, 'ask'>,
  id: string,
  filter: Json = null,
): Promise<Json> {
  const { data, errors } = await ask(ENDPOINT, { id, filter });
  expect(errors).toEqual([]);
  const { deliveries, ...endpoint } = data.eventEndpoint ?? { deliveries: { edges: [] } };
  return { ...endpoint, deliveries: deliveries.edges.map(({ node }: Json) => node) };
}

export async function earn(
  tenant: Pick<OwnTenant, 'act'>,
  memberId: string,
  amount: string,
  asset = 'points',
): Promise<void> {
  const input = { idempotencyKey: newRequestKey(), memberId, asset, amount };
  const { userErrors } = await tenant.act('earnPoints', input, 'ledger { version }');
  expect(userErrors).toEqual([]);
}

/** SQL as the owner role on the tenant's rows. */
export async function sqlOf(
  gateway: Pick<TestGateway, 'sql'>,
  { tenantKey }: Pick<OwnTenant, 'tenantKey'>,
  text: string,
  values: unknown[] = [],
): Promise<Json[]> {
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  return await gateway.sql(text, values);
}

/** Whatever waits for its next attempt is due now. */
export async function hurryUp(gateway: TestGateway, tenant: Pick<OwnTenant, 'tenantKey'>): Promise<void> {
  await sqlOf(
    gateway,
    tenant,
    'update event_lane set next_attempt_at = now() where leased_until is null or leased_until < now()',
  );
  gateway.application.relay.follow(tenant.tenantKey);
}

/** The amounts that a member's events told, in the order in which they came. */
export function amountsOf({ heard }: Pick<Listener, 'heard'>, memberId: string): string[] {
  return heard.flatMap(({ event }) => (event.member?.id === memberId ? [event.data.amount] : []));
}

export function verifyAll({ heard }: Pick<Listener, 'heard'>, secret: string): void {
  for (const { body, headers } of heard) verify(secret, body, headers);
}
