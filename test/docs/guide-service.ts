import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../support/process.ts';

const SHOWN = '127.0.0.1:8080';

/** The service that a reader of a guide writes, in its own process; the guide's port 8080 is a free one here. */
export class GuideService {
  readonly #folder: string;
  readonly #port: number;
  #child: ChildProcess | null = null;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  static async at(folder: string): Promise<GuideService> {
    return new GuideService(folder, await freePort());
  }

  /** A text of the guide, with the port that is free here. */
  placed(text: string): string {
    return text.replaceAll(SHOWN, `127.0.0.1:${this.#port}`);
  }

  /** Starts it and keeps it running; answers the first line that it prints. */
  async start(file: string, environment: Record<string, string>): Promise<string> {
    if (this.#child !== null) throw new Error('The service of the guide runs already.');
    const child = spawn(process.execPath, [join(this.#folder, file)], {
      env: { ...process.env, ...environment, PORT: String(this.#port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const ended = once(child, 'exit').then(() => ['It ended before it said a line.']);
    const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
    return String(line);
  }

  /** As Ctrl+C does. @throws Error when none runs */
  async interrupt(): Promise<void> {
    if (this.#child === null) throw new Error('No service of the guide runs.');
    await this.close();
  }

  async close(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    child.kill('SIGINT');
    await once(child, 'exit');
  }
}
