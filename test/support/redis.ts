import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createClient } from 'redis';
import { freePort } from './process.ts';

/** Of the system, where it has one. */
const PROGRAM = 'redis-server';

/** A Redis of one test file. */
export interface TestRedis {
  readonly url: string;
  /** kill -9; null where it is not ours to kill. */
  readonly kill: (() => Promise<void>) | null;
  /** After a kill. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** The one that REDIS_URL names, else one of our own, by the `redis-server` on the path; null without both. */
export async function startRedis(): Promise<TestRedis | null> {
  const { REDIS_URL: given } = process.env;
  if (isOnPath()) return await OwnRedis.start();
  if (given !== undefined && (await answers(given)))
    return { url: given, kill: null, start: async () => undefined, close: async () => undefined };
  process.stderr.write(
    'SKIPPED: the tests of the Redis bus, as redis-server is not on the path and no REDIS_URL is reachable.\n',
  );
  return null;
}

const isOnPath = (): boolean => spawnSync(PROGRAM, ['--version']).status === 0;

async function answers(url: string): Promise<boolean> {
  const client = createClient({ url, socket: { reconnectStrategy: false } });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.ping();
    return true;
  } catch {
    return false;
  } finally {
    if (client.isOpen) client.destroy();
  }
}

class OwnRedis implements TestRedis {
  readonly #port: number;
  #child: ChildProcess | null = null;

  private constructor(port: number) {
    this.#port = port;
  }

  static async start(): Promise<OwnRedis> {
    const redis = new OwnRedis(await freePort());
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  readonly kill = async (): Promise<void> => {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };

  async start(): Promise<void> {
    const args = ['--port', String(this.#port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.#child = spawn(PROGRAM, args, { stdio: 'ignore' });
    while (!(await answers(this.url))) {
      if (this.#child.exitCode !== null) throw new Error(`redis-server ended with ${this.#child.exitCode}.`);
    }
  }

  close(): Promise<void> {
    return this.kill();
  }
}
