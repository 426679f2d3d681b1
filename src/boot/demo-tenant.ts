import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import type { Application } from '../compose.ts';
import type { Config } from '../config/index.ts';
import { IdentityKind } from '../domain/members/index.ts';
import { parseProgram } from '../domain/programs/index.ts';
import { newKey, toPublicId } from '../kernel/ids.ts';
import type { RequestContext } from '../kernel/request-context.ts';
import { projectPath } from '../persistence/index.ts';
import { signToken, writePrivateFile } from './signing-key.ts';

const CODE = 'demo';
const CREDENTIALS_FILE = 'credentials.json';
const TOKEN_LIFETIME = '365d';
const RENEW_BELOW_SECONDS = 24 * 60 * 60;

/** What a newcomer needs for the first request; kept in `credentials.json`. */
export interface DemoCredentials {
  readonly tenant: string;
  readonly adminApiKey: string;
  readonly memberId: string;
  readonly memberToken: string;
}

/** A context for what the operator does, who is no caller of the API. */
export function operatorContext(tenantKey: string, subject: string): RequestContext {
  return {
    requestId: newKey(),
    tenantKey,
    caller: { role: 'STAFF', memberKey: null, subject, expiresAt: null },
    language: 'en',
  };
}

/** An example program that comes with the product. */
export async function readExampleProgram(name: string) {
  const file = projectPath('docs', 'examples', 'programs', `${name}.yaml`);
  const { definition, findings } = parseProgram(await readFile(file, 'utf8'));
  if (definition === null)
    throw new Error(`The example program "${name}" is wrong: ${findings[0]?.message}.`);
  return definition;
}

/** The demo tenant with its program, a member and credentials: made on first boot, the same ever after. */
export async function ensureDemoTenant(application: Application, config: Config): Promise<DemoCredentials> {
  const file = join(config.dataDir, CREDENTIALS_FILE);
  const known = await readCredentials(file);
  const { services } = application;
  const tenantKey = (await services.tenants.findKeyByCode(CODE)) ?? (await createDemoTenant(application));
  const key = known?.adminApiKey;
  const isKnown = key !== undefined && (await services.tenants.authenticate(key)) !== null;
  const adminApiKey = isKnown
    ? key
    : (await services.tenants.createApiKey(tenantKey, 'demo', config.adminApiKey)).secret;
  const memberId = await ensureDemoMember(application, tenantKey);
  const isFresh =
    isKnown && known?.memberId === memberId && remainingSeconds(known.memberToken) > RENEW_BELOW_SECONDS;
  const memberToken = isFresh
    ? known.memberToken
    : await signToken(config, { subject: memberId, tenant: CODE, role: 'member', expiresIn: TOKEN_LIFETIME });
  const credentials = { tenant: CODE, adminApiKey, memberId, memberToken };
  if (!isFresh) await writePrivateFile(file, `${JSON.stringify(credentials, null, 2)}\n`);
  return credentials;
}

async function createDemoTenant({ services }: Application): Promise<string> {
  const name = { en: 'Demo', 'zh-CN': '演示' };
  const { tenantKey } = await services.tenants.create({ code: CODE, name, locale: 'zh-CN', sandbox: true });
  return tenantKey;
}

async function ensureDemoMember({ services }: Application, tenantKey: string): Promise<string> {
  const facts = await services.tenants.facts(tenantKey);
  if (facts?.programVersion === null) {
    await services.programs.apply(tenantKey, await readExampleProgram(CODE), 'first boot');
  }
  const { member } = await services.members.create(operatorContext(tenantKey, 'first boot'), {
    idempotencyKey: 'demo-member',
    identities: [{ kind: IdentityKind.EXTERNAL, value: 'demo-member' }],
    profile: { displayName: '小满', locale: 'zh-CN' },
  });
  return toPublicId('member', member.memberKey);
}

async function readCredentials(file: string): Promise<DemoCredentials | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as DemoCredentials;
  } catch {
    return null;
  }
}

function remainingSeconds(token: string): number {
  try {
    return (decodeJwt(token).exp ?? 0) - Date.now() / 1_000;
  } catch {
    return 0;
  }
}
