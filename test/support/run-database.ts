import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedDatabase, removeEmbeddedPostgres } from '../../src/persistence/embedded/index.ts';

interface RunDatabase {
  readonly dataDir: string;
  readonly database: EmbeddedDatabase;
}

// Setup and teardown are two module graphs of one process, so what they share hangs on the process.
const shared = globalThis as typeof globalThis & { membergraphRunDatabase?: RunDatabase };

const PREFIX = 'membergraph-test-';
/** A run that has only just begun has a folder, but nobody in it yet. */
const JUST_BEGUN_MS = 60_000;

export function newRunFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), PREFIX));
}

/** Stops and removes what runs left that were interrupted; jest has no teardown for them. */
export async function removeForgottenRuns(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const dataDir = join(tmpdir(), name);
    const age =
      Date.now() -
      (await stat(dataDir)
        .then((s) => s.mtimeMs)
        .catch(() => Date.now()));
    if (age < JUST_BEGUN_MS) continue;
    // A run that goes on beside us refuses, and another user's is not ours to remove.
    await removeRun(dataDir).catch(() => {});
  }
}

export function keepForTeardown(run: RunDatabase): void {
  shared.membergraphRunDatabase = run;
}

/** Stops the run's database and removes all its files; does nothing when the run used another one. */
export async function tearDownDatabase(): Promise<void> {
  const run = shared.membergraphRunDatabase;
  if (run === undefined) return;
  shared.membergraphRunDatabase = undefined;
  await run.database.release();
  await removeRun(run.dataDir);
}

async function removeRun(dataDir: string): Promise<void> {
  await removeEmbeddedPostgres(dataDir);
  await rm(dataDir, { recursive: true, force: true });
}
