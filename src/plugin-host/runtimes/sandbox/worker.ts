import { workerData } from 'node:worker_threads';
import { failed, type SandboxAnswer } from './answer.ts';
import { SandboxInstance } from './instance.ts';
import type { WorkerJob, WorkerMessage, WorkerSeat } from './messages.ts';

// The engine asks this thread's Date for the local time: whatever the process's zone is, code sees UTC.
const zoneless = Date.prototype;
Object.assign(zoneless, {
  ...{ getFullYear: zoneless.getUTCFullYear, getMonth: zoneless.getUTCMonth, getDate: zoneless.getUTCDate },
  ...{ getDay: zoneless.getUTCDay, getHours: zoneless.getUTCHours, getMinutes: zoneless.getUTCMinutes },
  ...{ getSeconds: zoneless.getUTCSeconds, getTimezoneOffset: () => 0 },
});

const { port, wasmModule, cacheBytes } = workerData as WorkerSeat;
const instance = await SandboxInstance.open(wasmModule, cacheBytes);

function run(job: WorkerJob): SandboxAnswer {
  return job.kind === 'load' ? instance.load(job) : instance.call(job);
}

function tell(message: WorkerMessage): void {
  port.postMessage(message);
}

port.on('message', (job: WorkerJob) => {
  const startedAt = performance.now();
  try {
    const answer = run(job);
    tell({ kind: 'answer', answer, durationMs: performance.now() - startedAt, isWorn: false });
  } catch {
    // A trap, or this thread's own stack overflow: what the engine holds can't be trusted any more.
    const durationMs = performance.now() - startedAt;
    tell({ kind: 'answer', answer: failed('ENGINE_FAILED'), durationMs, isWorn: true });
  }
});
tell({ kind: 'ready' });
