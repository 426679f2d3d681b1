import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectPath } from '../../src/persistence/index.ts';

/** What a program allows a service that it asks itself: as long as it may take to answer itself. */
const CRM_MS = '10000';

/** A program of docs/examples, as its reader would run it. */
export interface Example {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts one that says on which port it listens; on any port unless the environment names one. */
export async function startExample(
  path: string,
  args: readonly string[] = [],
  environment: Record<string, string> = {},
): Promise<Example> {
  const command = path.endsWith('.py') ? 'python3' : process.execPath;
  const child: ChildProcess = spawn(command, [exampleFile(path), ...args], {
    env: { PATH: process.env.PATH ?? '', PORT: '0', CRM_MS, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = child.stdout === null ? null : createInterface({ input: child.stdout });
  if (lines === null) throw new Error(`${path} says nothing.`);
  const [line] = (await once(lines, 'line')) as [string];
  return {
    url: `http://127.0.0.1:${/\d+$/.exec(line)?.[0]}`,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await once(child, 'exit');
    },
  };
}

export function exampleFile(path: string): string {
  return join(projectPath('docs', 'examples'), path);
}
