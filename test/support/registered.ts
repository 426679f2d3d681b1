import type { CallRecord } from '../../src/extension/index.ts';
import { fromPublicId, newKey } from '../../src/kernel/ids.ts';
import type { Json, TestGateway } from './gateway.ts';
import { newRequestKey } from './members.ts';
import type { OwnTenant } from './own-tenant.ts';
import { bodyOf, type Receiver, serve } from './receivers.ts';

export const SHOWN_EXTENSION = 'extension { id name stage canaryPercent version liveVersion }';
const RULE = 'export default () => ({ postings: [] });';

let made = 0;

/** A rule for the sandbox, to be registered. */
export const sandbox = (code = RULE) => ({ point: 'points.rule', runtime: 'SANDBOX', sandbox: { code } });

/** Another answer of the CRM than the challenge given back, while it is set. */
export interface Crm extends Receiver {
  answersChallenges: boolean;
}

/** A CRM that approves every member. */
export async function startCrm(): Promise<Crm> {
  const crm: Crm = Object.assign(
    await serve(async (request, response) => {
      const { point, input } = JSON.parse(await bodyOf(request));
      const isGivenBack = point === 'challenge' && crm.answersChallenges;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ output: isGivenBack ? input : { decision: 'APPROVE' } }));
    }),
    { answersChallenges: true },
  );
  return crm;
}

/** A mutation of an extension. */
export function act(
  tenant: Pick<OwnTenant, 'act'>,
  mutation: string,
  input: Json,
  fields = SHOWN_EXTENSION,
): Promise<Json> {
  return tenant.act(mutation, { idempotencyKey: newRequestKey(), ...input }, fields);
}

/** As long as may be, so that a slow machine isn't taken for a slow extension. */
export const longestMs = (runtime: string): number => (runtime === 'SANDBOX' ? 1_000 : 10_000);

/** Registers an extension; answers what is shown of it. */
export async function register(tenant: Pick<OwnTenant, 'act'>, input: Json): Promise<Json> {
  made += 1;
  const fixed = { name: `rule-${made}`, deadlineMs: longestMs(input.runtime) };
  const payload = await act(tenant, 'registerExtension', { ...fixed, ...input });
  expect(payload.userErrors).toEqual([]);
  return payload.extension;
}

/** The code and the field of a refusal, which changes nothing. */
export async function refusedCode(payload: Promise<Json>): Promise<[string, string[] | null]> {
  const { userErrors, extension } = await payload;
  expect(extension ?? null).toBeNull();
  expect(userErrors[0].message).toMatch(/[.)]$/);
  return [userErrors[0].code, userErrors[0].field];
}

/** Writes calls as the plugin host does. */
export async function record(
  { application: { calls: log } }: TestGateway,
  tenant: Pick<OwnTenant, 'tenantKey'>,
  extensionId: string,
  ...calls: Partial<CallRecord>[]
): Promise<void> {
  const extensionKey = fromPublicId('extension', extensionId) ?? '';
  for (const call of calls)
    log.record({
      ...{
        tenantKey: tenant.tenantKey,
        extensionKey,
        callKey: newKey(),
        version: 1,
        mode: 'LIVE',
        attempt: 1,
      },
      ...{ outcome: 'OK', idempotencyKey: 'k', startedAt: new Date(), durationMs: 2, input: {}, output: {} },
      ...{ fault: null, logs: [], differences: null, ...call },
    });
  await log.flush();
}

/** What is shown of an extension. */
export async function shown(tenant: Pick<OwnTenant, 'ask'>, id: string, fields: string): Promise<Json> {
  const { data, errors } = await tenant.ask(`query($id: ID!) { extension(id: $id) { ${fields} } }`, { id });
  expect(errors).toEqual([]);
  return data.extension;
}
