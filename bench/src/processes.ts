import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Cleanup } from './cleanup.ts';

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;
const LONGEST_LOG = 4_000;

/** A server process that answers GraphQL. */
export interface ServerProcess {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
}

export interface ServerCommand {
  readonly name: string;
  /** What Node runs. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Starts a server and waits until it has printed its address, `http://…/graphql`. */
export async function startServer(cleanup: Cleanup, command: ServerCommand): Promise<ServerProcess> {
  const child = spawn(process.execPath, command.args, {
    cwd: command.cwd,
    // As its users run it. Nothing of the caller's environment but what Node itself may need.
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      NODE_ENV: 'production',
      ...command.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  cleanup.add(() => stop(child));
  let log = '';
  const listen = (chunk: Buffer): void => {
    log = `${log}${chunk.toString()}`.slice(-LONGEST_LOG);
  };
  child.stderr.on('data', listen);
  child.stdout.on('data', listen);
  try {
    return { name: command.name, pid: child.pid ?? 0, url: await addressOf(child, () => log) };
  } catch (error) {
    throw new Error(`${command.name} did not start (${(error as Error).message}):\n${log}`);
  }
}

/** Ends a child by its pid: first politely, then for certain. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}

function addressOf(child: ChildProcess, log: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it printed no address')), READY_WITHIN_MS);
    const look = (): void => {
      const address = /(http:\/\/\S+:\d+\/graphql)\s/.exec(log())?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address.replace('localhost', '127.0.0.1'));
    };
    child.stdout?.on('data', look);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`it ended with code ${code}`));
    });
    child.once('error', reject);
  });
}
