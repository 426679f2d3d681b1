import { readFile } from 'node:fs/promises';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { LRUCache } from 'lru-cache';
import type { TenantService } from '../../domain/tenants/index.ts';
import { RequestFault } from '../../kernel/errors.ts';
import { fromPublicId, toPublicId } from '../../kernel/ids.ts';
import type { Caller } from '../../kernel/request-context.ts';

/** Asymmetric ones only: a public key can't be used as the secret of HS256. */
const ALGORITHMS = ['EdDSA', 'ES256', 'RS256'];
const REMEMBERED_TOKENS = 10_000;
const LONGEST_CREDENTIAL = 4_096;

/** What a request shows of itself: HTTP headers, or `connectionParams` of the same names. */
export interface Credentials {
  readonly apiKey?: string | undefined;
  readonly authorization?: string | undefined;
  readonly tenant?: string | undefined;
}

export interface Authenticated {
  readonly tenantKey: string;
  readonly caller: Caller;
}

/** The same for the same person or key, whichever token they show. */
export function callerId({ tenantKey, caller }: Authenticated): string {
  return `${tenantKey} ${caller.role} ${caller.subject}`;
}

export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: JWTVerifyGetKey;
}

/** The keys of a token issuer: fetched from its JWKS address, or read from a file. */
export async function tokenKeys(source: { url: string } | { file: string }): Promise<JWTVerifyGetKey> {
  if ('url' in source) return createRemoteJWKSet(new URL(source.url));
  return createLocalJWKSet(JSON.parse(await readFile(source.file, 'utf8')) as JSONWebKeySet);
}

function unauthenticated(): RequestFault {
  return new RequestFault('UNAUTHENTICATED', { httpStatus: 401 });
}

/** Recognises callers: servers by API key, persons by token. */
export class Authenticator {
  readonly #tenants: TenantService;
  readonly #rules: TokenRules;
  readonly #tokens = new LRUCache<string, Authenticated>({ max: REMEMBERED_TOKENS });

  constructor(tenants: TenantService, rules: TokenRules) {
    this.#tenants = tenants;
    this.#rules = rules;
  }

  /** @throws RequestFault UNAUTHENTICATED, TENANT_MISMATCH */
  async authenticate({ apiKey, authorization, tenant }: Credentials): Promise<Authenticated> {
    // Both would leave open who really asks.
    if ((apiKey === undefined) === (authorization === undefined)) throw unauthenticated();
    const recognised =
      apiKey === undefined ? await this.#byToken(authorization ?? '') : await this.#byKey(apiKey);
    if (tenant !== undefined && (await this.#tenants.facts(recognised.tenantKey))?.code !== tenant) {
      throw new RequestFault('TENANT_MISMATCH', { httpStatus: 403 });
    }
    return recognised;
  }

  async #byKey(secret: string): Promise<Authenticated> {
    const key = secret.length > LONGEST_CREDENTIAL ? null : await this.#tenants.authenticate(secret);
    if (key === null) throw unauthenticated();
    const subject = toPublicId('apiKey', key.keyKey);
    return {
      tenantKey: key.tenantKey,
      caller: {
        ...{ role: key.role, memberKey: null, extensionKey: key.extensionKey, subject, expiresAt: null },
      },
    };
  }

  async #byToken(authorization: string): Promise<Authenticated> {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1];
    if (token === undefined || token.length > LONGEST_CREDENTIAL) throw unauthenticated();
    const known = this.#tokens.get(token);
    if (known !== undefined) return known;
    const { issuer, audience, keys } = this.#rules;
    const payload = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms: ALGORITHMS,
      requiredClaims: ['sub', 'exp', 'tenant', 'role'],
    }).then(
      (verified) => verified.payload,
      () => {
        throw unauthenticated();
      },
    );
    const recognised = await this.#recognise(payload);
    const ttl = (payload.exp ?? 0) * 1_000 - Date.now();
    if (ttl > 0) this.#tokens.set(token, recognised, { ttl });
    return recognised;
  }

  async #recognise({ sub = '', exp = 0, tenant, role }: JWTPayload): Promise<Authenticated> {
    const tenantKey = typeof tenant === 'string' ? await this.#tenants.findKeyByCode(tenant) : null;
    if (tenantKey === null) throw unauthenticated();
    const expiresAt = new Date(exp * 1_000);
    if (role === 'staff')
      return { tenantKey, caller: { role: 'STAFF', memberKey: null, subject: sub, expiresAt } };
    const memberKey = role === 'member' ? fromPublicId('member', sub) : null;
    if (memberKey === null) throw unauthenticated();
    return { tenantKey, caller: { role: 'MEMBER', memberKey, subject: sub, expiresAt } };
  }
}
