import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import dotenv from 'dotenv';
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);
const databaseUrl = z.url({ protocol: /^postgres(ql)?$/ });
const words = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);
const networks = z
  .string()
  .transform(words)
  .pipe(
    z.array(
      z.union([z.cidrv4(), z.cidrv6()], { error: 'takes networks in CIDR notation, like 10.1.0.0/16' }),
    ),
  );
const encryptionKeys = z
  .string()
  .transform(words)
  .refine((keys) => keys.every((key) => /^[A-Za-z0-9+/]{43}=$/.test(key)), {
    error: 'takes 32 bytes in base64, or several of those with commas',
  });

/** Never one: whoever's code has to be killed holds a thread until then, and would hold up everybody. */
const defaultWorkers = (): number => Math.max(2, Math.min(4, availableParallelism() - 1));

const schema = z
  .object({
    NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
    HOST: z.string().min(1).default('127.0.0.1'),
    PORT: port.default(4000),
    DATA_DIR: z.string().min(1).default('.data'),
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    DATABASE_URL: databaseUrl.optional(),
    DATABASE_ADMIN_URL: databaseUrl.optional(),
    DATABASE_READ_CONNECTIONS: z.coerce.number().int().min(1).max(64).default(3),
    DATABASE_WRITE_CONNECTIONS: z.coerce.number().int().min(1).max(256).default(12),
    BUS: z.enum(['in-process', 'postgres', 'redis']).optional(),
    REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
    JOBS_EVERY_SECONDS: z.coerce.number().int().min(0).max(3_600).default(60),
    ENCRYPTION_KEY: encryptionKeys.default([]),
    EXTENSION_CALL_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
    EVENT_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
    ADMIN_API_KEY: z.string().min(16).optional(),
    JWT_ISSUER: z.string().min(1).default('membergraph'),
    JWT_AUDIENCE: z.string().min(1).default('membergraph'),
    JWT_JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
    PLUGINS: z.string().default('welcome-note'),
    EXTENSION_ALLOWED_NETWORKS: networks.default([]),
    SANDBOX_WORKERS: z.coerce.number().int().min(2).max(64).optional(),
    INTROSPECTION: z.stringbool().optional(),
    ALLOWED_ORIGINS: z.string().default(''),
    LIVE_STREAMS_PER_CALLER: z.coerce.number().int().min(1).default(10_000),
    LIVE_STREAMS_PER_TENANT: z.coerce.number().int().min(1).default(100_000),
  })
  .refine((env) => env.DATABASE_ADMIN_URL === undefined || env.DATABASE_URL !== undefined, {
    path: ['DATABASE_URL'],
    message: 'is missing beside DATABASE_ADMIN_URL',
  })
  .refine((env) => env.BUS !== 'redis' || env.REDIS_URL !== undefined, {
    path: ['REDIS_URL'],
    message: 'is missing beside BUS=redis',
  });

/** The environment, parsed once and frozen. */
export interface Config {
  readonly production: boolean;
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly logLevel: string;
  /** The app role's; the embedded database when missing. */
  readonly databaseUrl: string | undefined;
  /** The owner role's, for migrations. */
  readonly databaseAdminUrl: string | undefined;
  readonly readConnections: number;
  readonly writeConnections: number;
  /** What carries hints of what was committed between gateways. */
  readonly bus:
    | { readonly over: 'in-process' | 'postgres' }
    | { readonly over: 'redis'; readonly url: string };
  /** How often jobs look for what fell due; 0 where others do. */
  readonly jobsEverySeconds: number;
  /**
   * For what extensions are told and say, and for the secrets of webhooks: the first one seals, each opens.
   * Without any, one is made under DATA_DIR.
   */
  readonly encryptionKeys: readonly string[];
  /** How long calls of extensions are kept. */
  readonly extensionCallDays: number;
  /** How long events that are no entries can be gone on from. */
  readonly eventDays: number;
  /** On first boot, the demo tenant's staff key. */
  readonly adminApiKey: string | undefined;
  readonly jwt: { readonly issuer: string; readonly audience: string; readonly jwksUrl: string | undefined };
  /** Folders of `plugins/` or packages; a `?` at the end marks one as optional. */
  readonly plugins: readonly string[];
  /** Networks in CIDR notation that webhooks may be sent to though they aren't public. */
  readonly extensionAllowedNetworks: readonly string[];
  /** How many threads run uploaded code, from the first time that there is some. */
  readonly sandboxWorkers: number;
  /** Whether the schema can be asked for, and the IDE is served. */
  readonly introspection: boolean;
  /** Web origins, other than the gateway's own, whose pages may ask, and open WebSockets. */
  readonly allowedOrigins: readonly string[];
  /** How many sockets, and subscriptions, may be open at once in one process. */
  readonly live: { readonly perCaller: number; readonly perTenant: number };
}

function busOf({ BUS, REDIS_URL }: z.infer<typeof schema>): Config['bus'] {
  const over = BUS ?? (REDIS_URL === undefined ? 'postgres' : 'redis');
  return over === 'redis' ? { over, url: REDIS_URL ?? '' } : { over };
}

/**
 * Reads the configuration from the environment and, below it, from `.env`.
 * @throws Error, one sentence that names the setting and what it takes
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env, file = '.env'): Config {
  const fromFile = existsSync(file)
    ? (dotenv.config({ path: file, quiet: true, processEnv: {} }).parsed ?? {})
    : {};
  const given = Object.entries({ ...fromFile, ...environment }).filter(
    ([, value]) => value !== undefined && value !== '',
  );
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = String(issue?.path[0] ?? 'The environment');
    throw new Error(
      `${name} is wrong: ${issue?.message ?? 'not understood'}. Correct it in the environment or in .env.`,
    );
  }
  const env = parsed.data;
  const production = env.NODE_ENV === 'production';
  return Object.freeze({
    production,
    host: env.HOST,
    port: env.PORT,
    dataDir: env.DATA_DIR,
    logLevel: env.LOG_LEVEL,
    databaseUrl: env.DATABASE_URL,
    databaseAdminUrl: env.DATABASE_ADMIN_URL,
    readConnections: env.DATABASE_READ_CONNECTIONS,
    writeConnections: env.DATABASE_WRITE_CONNECTIONS,
    bus: busOf(env),
    jobsEverySeconds: env.JOBS_EVERY_SECONDS,
    encryptionKeys: env.ENCRYPTION_KEY,
    extensionCallDays: env.EXTENSION_CALL_DAYS,
    eventDays: env.EVENT_DAYS,
    adminApiKey: env.ADMIN_API_KEY,
    jwt: { issuer: env.JWT_ISSUER, audience: env.JWT_AUDIENCE, jwksUrl: env.JWT_JWKS_URL },
    plugins: words(env.PLUGINS),
    extensionAllowedNetworks: env.EXTENSION_ALLOWED_NETWORKS,
    sandboxWorkers: env.SANDBOX_WORKERS ?? defaultWorkers(),
    introspection: env.INTROSPECTION ?? !production,
    allowedOrigins: words(env.ALLOWED_ORIGINS),
    live: { perCaller: env.LIVE_STREAMS_PER_CALLER, perTenant: env.LIVE_STREAMS_PER_TENANT },
  });
}

/** The variables that say which language the person at the terminal reads. */
export function languageEnvironment(): Pick<NodeJS.ProcessEnv, 'LC_ALL' | 'LC_MESSAGES' | 'LANG'> {
  const { LC_ALL, LC_MESSAGES, LANG } = process.env;
  return { LC_ALL, LC_MESSAGES, LANG };
}
