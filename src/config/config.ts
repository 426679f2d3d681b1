import { existsSync } from 'node:fs';
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
    JOBS_EVERY_SECONDS: z.coerce.number().int().min(0).max(3_600).default(60),
    ADMIN_API_KEY: z.string().min(16).optional(),
    JWT_ISSUER: z.string().min(1).default('membergraph'),
    JWT_AUDIENCE: z.string().min(1).default('membergraph'),
    JWT_JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
    PLUGINS: z.string().default('welcome-note'),
    EXTENSION_ALLOWED_NETWORKS: networks.default([]),
    INTROSPECTION: z.stringbool().optional(),
    ALLOWED_ORIGINS: z.string().default(''),
  })
  .refine((env) => env.DATABASE_ADMIN_URL === undefined || env.DATABASE_URL !== undefined, {
    path: ['DATABASE_URL'],
    message: 'is missing beside DATABASE_ADMIN_URL',
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
  /** How often jobs look for what fell due; 0 where others do. */
  readonly jobsEverySeconds: number;
  /** On first boot, the demo tenant's staff key. */
  readonly adminApiKey: string | undefined;
  readonly jwt: { readonly issuer: string; readonly audience: string; readonly jwksUrl: string | undefined };
  readonly plugins: readonly string[];
  /** Networks in CIDR notation that webhooks may be sent to though they aren't public. */
  readonly extensionAllowedNetworks: readonly string[];
  /** Whether the schema can be asked for, and the IDE is served. */
  readonly introspection: boolean;
  /** Web origins, other than the gateway's own, whose pages may open a WebSocket. */
  readonly allowedOrigins: readonly string[];
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
    jobsEverySeconds: env.JOBS_EVERY_SECONDS,
    adminApiKey: env.ADMIN_API_KEY,
    jwt: { issuer: env.JWT_ISSUER, audience: env.JWT_AUDIENCE, jwksUrl: env.JWT_JWKS_URL },
    plugins: words(env.PLUGINS),
    extensionAllowedNetworks: env.EXTENSION_ALLOWED_NETWORKS,
    introspection: env.INTROSPECTION ?? !production,
    allowedOrigins: words(env.ALLOWED_ORIGINS),
  });
}

/** The variables that say which language the person at the terminal reads. */
export function languageEnvironment(): Pick<NodeJS.ProcessEnv, 'LC_ALL' | 'LC_MESSAGES' | 'LANG'> {
  const { LC_ALL, LC_MESSAGES, LANG } = process.env;
  return { LC_ALL, LC_MESSAGES, LANG };
}
