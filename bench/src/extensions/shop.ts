import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Pool } from 'undici';
import type { Cleanup } from '../cleanup.ts';
import type { BenchDatabase } from '../database.ts';
import { PRODUCT_FOLDER } from '../folders.ts';

const PROGRAM = join(PRODUCT_FOLDER, '..', '..', 'docs', 'examples', 'programs', 'demo.yaml');
const CONNECTIONS = 64;

export type WantedExtension =
  | { readonly runtime: 'WEBHOOK'; readonly webhook: { readonly url: string } }
  | { readonly runtime: 'SANDBOX'; readonly sandbox: { readonly code: string } };

/** A tenant of the bench, with a member who buys. */
export interface Shop {
  /** Records one purchase through the gateway. */
  buy(): Promise<void>;
  /** Makes its extension LIVE again, where that stepped back. */
  goLive(): Promise<void>;
}

const REGISTER = `mutation Register($input: RegisterExtensionInput!) {
  registerExtension(input: $input) { extension { id stage } userErrors { code message } }
}`;
const STAGE = `mutation Stage($input: SetExtensionStageInput!) {
  setExtensionStage(input: $input) { userErrors { message } }
}`;
const ENROL = `mutation Enrol($input: CreateMemberInput!) {
  createMember(input: $input) { member { id } userErrors { code message } }
}`;
const BUY = `mutation Buy($input: RecordActivityInput!) {
  recordActivity(input: $input) { operations { id } userErrors { code message } }
}`;

interface Payload {
  readonly userErrors: readonly { readonly message: string }[];
  readonly extension?: { readonly id: string };
}

export interface ShopOptions {
  readonly extension?: WantedExtension | null;
  /** With FAIL_CLOSED, an extension that fails ends the run. */
  readonly onFailure?: 'FAIL_CLOSED' | 'FAIL_OPEN';
}

/** Makes a tenant with the demo program, one member, and at most one extension, LIVE. */
export async function openShop(
  cleanup: Cleanup,
  database: BenchDatabase,
  name: string,
  { extension = null, onFailure = 'FAIL_CLOSED' }: ShopOptions = {},
): Promise<Shop> {
  membergraph(database, ['tenant', 'create', name, '--program', PROGRAM]);
  const apiKey = membergraph(database, ['key', 'create', '--tenant', name]);
  const url = new URL(database.gateway.url);
  const pool = new Pool(url.origin, { connections: CONNECTIONS });
  cleanup.add(() => pool.close());
  const headers = { 'content-type': 'application/json', 'x-api-key': apiKey };
  const ask = async (query: string, input: unknown): Promise<Payload> => {
    const body = JSON.stringify({ query, variables: { input } });
    const answer = await pool.request({ path: url.pathname, method: 'POST', headers, body });
    const { data, errors } = (await answer.body.json()) as {
      readonly data?: Record<string, Payload>;
      readonly errors?: readonly { readonly message: string }[];
    };
    const [payload] = Object.values(data ?? {});
    const said = [...(errors ?? []), ...(payload?.userErrors ?? [])].map(({ message }) => message);
    if (payload === undefined || said.length > 0) throw new Error(`${name}: ${said.join(' ')}`);
    return payload;
  };
  let extensionId: string | undefined;
  if (extension !== null) {
    const registered = await ask(REGISTER, {
      ...{ idempotencyKey: randomUUID(), name: 'bench', point: 'points.rule', ...extension },
      ...{ stage: 'LIVE', onFailure, deadlineMs: 500 },
    });
    extensionId = registered.extension?.id;
  }
  const identity = { kind: 'EXTERNAL', value: `member-of-${name}` };
  await ask(ENROL, { idempotencyKey: randomUUID(), identities: [identity] });
  return {
    goLive: async () => {
      if (extensionId !== undefined)
        await ask(STAGE, { idempotencyKey: randomUUID(), extensionId, stage: 'LIVE' });
    },
    buy: async () => {
      const amount = { value: '20.00', currency: 'CNY' };
      await ask(BUY, { idempotencyKey: randomUUID(), identity, type: 'purchase', amount });
    },
  };
}

/** Runs one command, and answers the last line that it prints. */
function membergraph({ appUrl }: BenchDatabase, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(PRODUCT_FOLDER, 'cli', 'bin.js'), ...args],
    { env: { PATH: process.env.PATH ?? '', DATABASE_URL: appUrl }, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return stdout.trim().split('\n').at(-1) ?? '';
}
