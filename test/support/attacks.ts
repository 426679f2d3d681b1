import type { ServerResponse } from 'node:http';
import { fromPublicId } from '../../src/kernel/ids.ts';
import type { Json, TestGateway } from './gateway.ts';
import { newRequestKey } from './members.ts';
import type { OwnTenant } from './own-tenant.ts';
import { bodyOf, type Receiver, serve } from './receivers.ts';
import { shown } from './registered.ts';

/** What comes to a deadline on a busy machine: our own work around the call, and waiting for a core. */
export const SLACK_MS = 2_000;

/** A service that answers as a test says at the moment, and gives challenges back. */
export interface Hook extends Receiver {
  /** The bodies of what it was asked, challenges left out. */
  readonly asked: Json[];
  /** The output for what it is asked; it may answer by itself and return nothing. */
  answer: (envelope: Json, response: ServerResponse) => unknown;
}

export async function startHook(answer: Hook['answer'] = () => ({ postings: [] })): Promise<Hook> {
  const hook: Hook = Object.assign(
    await serve(async (request, response) => {
      const envelope = JSON.parse(await bodyOf(request));
      const isChallenge = envelope.point === 'challenge';
      if (!isChallenge) hook.asked.push(envelope);
      const output = isChallenge ? envelope.input : await hook.answer(envelope, response);
      if (output === undefined) return;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ output }));
    }),
    { asked: [], answer },
  );
  return hook;
}

/** A rule of points that such a service answers, to be registered. */
export const hooked = ({ url }: Receiver, more: Json = {}) => ({
  ...{ point: 'points.rule', runtime: 'WEBHOOK', webhook: { url }, stage: 'LIVE', ...more },
});

/** What an answer of `points.rule` posts. */
export const posting = (amount: Json, more: Json = {}) => ({ asset: 'points', amount, reason: 'x', ...more });

const RECORDED = `member { id } activity { explanations { rule { code } extension { name version } outcome } }
  operations { id explanation { rule { code } extension { name version } outcome }
    entries { amount asset { code } } }`;

/** Records a purchase of 100.00, for which the demo program gives 10 points and 100 of growth. */
export async function buy(
  tenant: Pick<OwnTenant, 'act'>,
  memberId: string,
  more: Record<string, unknown> = {},
): Promise<Json> {
  const amount = { value: '100.00', currency: 'CNY' };
  const input = { idempotencyKey: newRequestKey(), memberId, type: 'purchase', amount, ...more };
  return await tenant.act('recordActivity', input, RECORDED);
}

/** What an act gave, e.g. `points 10 by purchase-points`; who refused it, where it was refused. */
export function gave({ operations, userErrors }: Json): string[] {
  if (userErrors.length > 0) return userErrors.map(({ code }: Json) => code);
  return operations.map(({ explanation: { rule, extension }, entries: [entry] }: Json) => {
    return `${entry.asset.code} ${entry.amount} by ${rule?.code ?? `${extension.name} ${extension.version}`}`;
  });
}

/** What the program gives for a purchase by itself. */
export const BY_RULES = ['points 10 by purchase-points', 'growth 100 by purchase-growth'];

/** The calls of an extension as its log shows them, the oldest first. */
export async function callsOf(tenant: Pick<OwnTenant, 'ask'>, extensionId: string): Promise<Json[]> {
  const fields = 'id mode version outcome durationMs input output logs error { code message line }';
  const { calls } = await shown(tenant, extensionId, `calls(first: 100) { edges { node { ${fields} } } }`);
  return calls.edges.map(({ node }: Json) => node).toReversed();
}

/** What became of them, e.g. `LIVE INVALID_OUTPUT OUTPUT_ASSET_TWICE`. */
export async function outcomesOf(tenant: Pick<OwnTenant, 'ask'>, extensionId: string): Promise<string[]> {
  const calls = await callsOf(tenant, extensionId);
  return calls.map(({ mode, outcome, error }) => [mode, outcome, error?.code].filter(Boolean).join(' '));
}

export async function healthOf(tenant: Pick<OwnTenant, 'ask'>, extensionId: string): Promise<string> {
  return (await shown(tenant, extensionId, 'health { state }')).health.state;
}

/** How long something took, and what it came to. */
export async function timed<Result>(work: () => Promise<Result>): Promise<[result: Result, ms: number]> {
  const startedAt = performance.now();
  const result = await work();
  return [result, performance.now() - startedAt];
}

/** Does something while SQL of the owner's sees another tenant than the demo one. */
export async function seeing<Result>(
  gateway: TestGateway,
  { tenantKey }: Pick<OwnTenant, 'tenantKey'>,
  work: () => Promise<Result>,
): Promise<Result> {
  const see = (key: string) => gateway.sql(`select set_config('app.tenant_id', $1, false)`, [key]);
  await see(tenantKey);
  try {
    return await work();
  } finally {
    await see(gateway.tenantKey);
  }
}

/** Another id of the same kind that nobody has. */
export function unknownLike(id: string): string {
  const [prefix = '', key = ''] = id.split('_');
  const unknown = `${prefix}_${key.slice(0, -4)}${key.endsWith('zzzz') ? 'yyyy' : 'zzzz'}`;
  if (fromPublicId('extension', unknown.replace(prefix, 'ext')) === null)
    throw new Error(`${unknown} is no id: it would be refused for its shape.`);
  return unknown;
}
