import { spawn } from 'node:child_process';

/** Whom a child process runs as; undefined means as ourselves. */
export interface OsUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface ToolRun {
  /** Null when the program could not be started, or a signal ended it. */
  readonly code: number | null;
  /** What it printed (both streams), or why it could not be started. */
  readonly output: string;
}

export interface ToolOptions {
  readonly runAs?: OsUser | undefined;
  readonly cwd?: string;
  readonly input?: string;
}

/** Runs a program to its end and never throws: the caller knows what a failure means. */
export function runTool(file: string, args: readonly string[], options: ToolOptions = {}): Promise<ToolRun> {
  const { runAs, cwd = '/', input = '' } = options;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const finish = (code: number | null, extra = ''): void => {
      resolve({ code, output: (Buffer.concat(chunks).toString('utf8') + extra).trim() });
    };
    const ids = runAs ? { uid: runAs.uid, gid: runAs.gid } : {};
    try {
      const child = spawn(file, args, { ...ids, cwd, env: toolEnvironment(), windowsHide: true });
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
      child.on('error', (error) => finish(null, error.message));
      child.on('close', (code) => finish(code));
      // A program that ends early closes its input; its exit code tells the story.
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    } catch (error) {
      finish(null, error instanceof Error ? error.message : String(error));
    }
  });
}

/** Our environment without what would steer PostgreSQL (PGDATA, PGPORT…) or translate its messages. */
function toolEnvironment(): NodeJS.ProcessEnv {
  // biome-ignore lint/style/noProcessEnv: handed on to a child process, no setting of ours is read from it.
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG[A-Z]|LC_|LANG)/.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}
