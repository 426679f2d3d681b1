type Step = () => Promise<unknown>;

/** Undoes in reverse order what was begun, also when the run fails or is interrupted. */
export class Cleanup {
  readonly #steps: Step[] = [];
  #running: Promise<void> | undefined;

  add(step: Step): void {
    this.#steps.push(step);
  }

  /** Undoes everything once; a step that fails is told and does not keep the others from running. */
  run(): Promise<void> {
    this.#running ??= this.#undo();
    return this.#running;
  }

  async #undo(): Promise<void> {
    for (const step of this.#steps.reverse()) {
      await step().catch((error: unknown) => {
        process.stderr.write(
          `while clearing up: ${error instanceof Error ? error.message : String(error)}\n`,
        );
        process.exitCode = 1;
      });
    }
  }
}

/** Runs `work`, and undoes what it has begun when it ends, fails, or the process is told to stop. */
export async function withCleanup(work: (cleanup: Cleanup) => Promise<void>): Promise<void> {
  const cleanup = new Cleanup();
  let isTold = false;
  const interrupted = (): void => {
    if (isTold) return;
    isTold = true;
    process.stderr.write('stopping…\n');
    void cleanup.run().then(() => process.exit(130));
  };
  // Not `once`: a library that finds no listener but its own sends the signal again, and that one would kill.
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  try {
    await work(cleanup);
  } finally {
    await cleanup.run();
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  }
}
