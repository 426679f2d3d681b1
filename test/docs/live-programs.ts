import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectPath } from '../../src/persistence/index.ts';
import type { Block } from './guide-blocks.ts';

/** A program of the guide that runs in a process of its own, as its reader's would. */
export class LiveProgram {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #read = 0;
  #hasEnded = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error('The program can’t be heard.');
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#lines.push(line);
      child.emit('said');
    });
    child.once('close', () => {
      this.#hasEnded = true;
      child.emit('said');
    });
  }

  /** All that it printed so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The next line that it prints. */
  async next(): Promise<string> {
    while (this.#read === this.#lines.length) {
      if (this.#hasEnded) throw new Error(`It ended, and had said: ${this.#lines.join('\n')}`);
      await once(this.#child, 'said');
    }
    this.#read += 1;
    return this.#lines[this.#read - 1] ?? '';
  }

  /** Reads on until a line has a match. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = await this.next();
      if (pattern.test(line)) return line;
    }
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    this.#child.kill();
    await once(this.#child, 'close');
  }
}

/** A folder with the guide's files, and what `npm install` would have put there. */
export class LivePrograms {
  readonly #folder: string;
  readonly #running: LiveProgram[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param change what a test has otherwise in the guide's files */
  static async of(
    blocks: readonly Block[],
    change: (text: string) => string = (text) => text,
  ): Promise<LivePrograms> {
    const folder = await mkdtemp(join(tmpdir(), 'membergraph-live-'));
    await symlink(projectPath('node_modules'), join(folder, 'node_modules'));
    const programs = new LivePrograms(folder);
    for (const { info, text } of blocks) {
      const name = /^js file (\S+)$/.exec(info)?.[1];
      if (name !== undefined) await programs.write(name, change(text));
    }
    return programs;
  }

  async write(name: string, text: string): Promise<void> {
    await writeFile(join(this.#folder, name), text);
  }

  start(args: readonly string[], environment: Readonly<Record<string, string>>): LiveProgram {
    const child = spawn(process.execPath, args, {
      cwd: this.#folder,
      env: { PATH: process.env.PATH ?? '', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const program = new LiveProgram(child);
    this.#running.push(program);
    return program;
  }

  async close(): Promise<void> {
    for (const program of this.#running) await program.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
