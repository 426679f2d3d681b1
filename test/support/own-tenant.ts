import { readExampleProgram } from '../../src/boot/index.ts';
import { setClock } from '../ledger/tenants.ts';
import type { Answer, Json, TestGateway } from './gateway.ts';
import { newRequestKey } from './members.ts';

let made = 0;

/** A tenant of one test's own, asked as its staff. */
export interface OwnTenant {
  readonly code: string;
  readonly tenantKey: string;
  readonly key: string;
  ask<Data = Json>(query: string, variables?: Record<string, unknown>): Promise<Answer<Data>>;
  /** The same, of a mutation with an `input`; answers its payload. */
  act(mutation: string, input: Record<string, unknown>, fields: string): Promise<Json>;
}

/** Sends a mutation with an `input`; answers its payload. */
export async function mutate(
  ask: TestGateway['ask'],
  mutation: string,
  input: Record<string, unknown>,
  fields: string,
): Promise<Json> {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
  const query = `mutation($input: ${type}!) { ${mutation}(input: $input) { ${fields} userErrors { code field message } } }`;
  const { data, errors } = await ask(query, { input });
  if (errors.length > 0) throw new Error(`"${mutation}" failed: ${JSON.stringify(errors)}`);
  return data[mutation];
}

/** @param program the demo program, or none */
export async function ownTenant(
  gateway: TestGateway,
  { sandbox = true, program = true }: { sandbox?: boolean; program?: boolean } = {},
): Promise<OwnTenant> {
  made += 1;
  const code = `own-${made}`;
  const { services } = gateway.application;
  const { tenantKey } = await services.tenants.create({ code, name: { en: code }, locale: 'en', sandbox });
  if (program) await services.programs.apply(tenantKey, await readExampleProgram('demo'), 'a test');
  const { secret: key } = await services.tenants.createApiKey(tenantKey, 'a test');
  const ask: TestGateway['ask'] = (query, variables = {}, headers = { 'x-api-key': key }) =>
    gateway.ask(query, variables, headers);
  return {
    code,
    tenantKey,
    key,
    ask,
    act: (mutation, input, fields) => mutate(ask, mutation, input, fields),
  };
}

/** Puts a program file in force; it must be a good one. */
export async function applyProgram({ act }: OwnTenant, source: string): Promise<void> {
  const { userErrors } = await act('applyProgram', { idempotencyKey: newRequestKey(), source }, 'changed');
  expect(userErrors).toEqual([]);
}

/** A tenant of one test's own with this program, whose clock shows a moment. */
export async function tenantWith(
  gateway: TestGateway,
  source: string,
  moment: string | null = null,
): Promise<OwnTenant> {
  const tenant = await ownTenant(gateway, { program: false });
  await applyProgram(tenant, source);
  if (moment !== null) await setClock(gateway.application, tenant.tenantKey, moment);
  return tenant;
}

/** The codes by which a mutation was refused. */
export function codesOf({ userErrors }: Json): string[] {
  return userErrors.map(({ code }: Json) => code);
}
