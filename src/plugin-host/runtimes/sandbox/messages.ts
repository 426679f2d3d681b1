import type { MessagePort } from 'node:worker_threads';
import type { SandboxAnswer } from './answer.ts';
import type { InstanceCall } from './instance.ts';

/** What a worker is started with. */
export interface WorkerSeat {
  readonly port: MessagePort;
  readonly wasmModule: WebAssembly.Module;
  readonly cacheBytes: number;
}

export type WorkerJob =
  | ({ readonly kind: 'call' } & InstanceCall)
  | ({ readonly kind: 'load' } & Omit<InstanceCall, 'input' | 'now' | 'seed'>);

/** A worker's first message says that it's ready; each further one answers a job. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'answer';
      readonly answer: SandboxAnswer;
      readonly durationMs: number;
      /** The engine may be broken: ask this worker nothing more. */
      readonly isWorn: boolean;
    };

export type StripMessage =
  | { readonly code: string }
  | { readonly message: string; readonly line: number | null; readonly column: number | null };
