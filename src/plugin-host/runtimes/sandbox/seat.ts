import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { WorkerJob, WorkerMessage, WorkerSeat } from './messages.ts';
import { threadOptions, threadUrl } from './thread.ts';

export type WorkerAnswer = Extract<WorkerMessage, { kind: 'answer' }>;

interface SeatEvents {
  readonly onReady: () => void;
  readonly onAnswer: (answer: WorkerAnswer) => void;
  /** The thread ended, and nobody had asked it to. */
  readonly onLost: (error: unknown) => void;
}

/** A place in the pool with the thread that holds it. */
export class Seat {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  #isEnding = false;

  constructor(options: Omit<WorkerSeat, 'port'>, { onReady, onAnswer, onLost }: SeatEvents) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(threadUrl('worker'), {
      ...threadOptions(),
      workerData: { ...options, port: port2 } satisfies WorkerSeat,
      transferList: [port2],
    });
    this.#port.on('message', (message: WorkerMessage) => {
      if (message.kind === 'ready') onReady();
      else onAnswer(message);
    });
    let reason: unknown = new Error('A thread of the sandbox ended.');
    this.#worker.on('error', (error) => {
      reason = error;
    });
    this.#worker.on('exit', () => {
      this.#port.close();
      if (!this.#isEnding) onLost(reason);
    });
  }

  ask(job: WorkerJob): void {
    this.#port.postMessage(job);
  }

  /** An answer that is there already, though its event hasn't come yet. */
  takeAnswer(): WorkerAnswer | null {
    const received = receiveMessageOnPort(this.#port) as { readonly message: WorkerMessage } | undefined;
    return received?.message.kind === 'answer' ? received.message : null;
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    this.#port.removeAllListeners('message');
    await this.#worker.terminate();
  }
}
