import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { projectPath } from '../../src/persistence/project-root.ts';

/** What a process said, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has said so far on stdout. */
  said(): string;
  /** Waits until stdout has a match; fails when the process ends first. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
}

/**
 * Runs one of the project's built programs; what it needs from the environment is passed and nothing else.
 */
export function run(
  program: 'main' | 'cli',
  args: readonly string[],
  environment: Record<string, string>,
  options: SpawnOptions = {},
): Running {
  const root = String(options.cwd ?? projectPath());
  const file = program === 'main' ? 'dist/src/main.js' : 'dist/src/cli/bin.js';
  const child = spawn(process.execPath, [`${root}/${file}`, ...args], {
    ...options,
    env: { PATH: process.env.PATH ?? '', LOG_LEVEL: 'warn', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    child.emit('said');
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = once(child, 'close').then(([code]): Ended => ({ code, stdout, stderr }));
  return {
    child,
    ended,
    said: () => stdout,
    until: async (pattern) => {
      for (;;) {
        const match = pattern.exec(stdout);
        if (match !== null) return match;
        const outcome = await Promise.race([once(child, 'said').then(() => null), ended]);
        if (outcome !== null && pattern.exec(stdout) === null) {
          throw new Error(
            `The process ended (${outcome.code}) before it said ${pattern}: ${stdout}${stderr}`,
          );
        }
      }
    },
  };
}

/** Below those that systems give out by themselves, to whoever listens or connects meanwhile. */
const [FIRST_PORT, LAST_PORT] = [20_000, 32_000];

/** A port that was free a moment ago, and that nobody takes but whoever names it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
