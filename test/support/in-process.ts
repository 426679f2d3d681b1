import { jest } from '@jest/globals';
import { runCli } from '../../src/cli/cli.ts';
import type { Ended } from './process.ts';

/**
 * Runs a command line within the test's process: as quick as a call, for what needs no process of its own.
 */
export async function runInProcess(
  args: readonly string[],
  environment: Record<string, string>,
): Promise<Ended> {
  const before = { ...process.env };
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    jest.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      written[stream] += String(chunk);
      return true;
    }),
  );
  Object.assign(process.env, { LANG: '', LC_ALL: '', LOG_LEVEL: 'warn' }, environment);
  try {
    return { code: await runCli(['node', 'membergraph', ...args]), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.env = before;
  }
}
