import { randomUUID } from 'node:crypto';
import { Client, type Dispatcher } from 'undici';
import { type LoadJob, type LoadResult, percentile } from './job.ts';

const LONGEST_FAILURE = 500;

/**
 * One connection that always has one request in flight. Answers are checked byte by byte, not parsed, so that
 * the load takes little from the cores that it shares with those whom it measures.
 */
class Caller {
  readonly latencies: number[] = [];
  failed = 0;
  failure: string | null = null;
  readonly #job: LoadJob;
  readonly #client: Client;
  readonly #path: string;
  readonly #until: number;
  readonly #order: Iterator<string>;

  constructor(job: LoadJob, until: number, order: Iterator<string>) {
    const { origin, pathname } = new URL(job.url);
    this.#job = job;
    this.#path = pathname;
    this.#until = until;
    this.#order = order;
    this.#client = new Client(origin, { pipelining: 1 });
  }

  async run(): Promise<void> {
    while (performance.now() < this.#until) {
      const asked = this.#order.next();
      if (asked.done === true) break;
      const startedAt = performance.now();
      const refusal = await this.#ask(asked.value);
      const endedAt = performance.now();
      // What ends after the bell was cut short for the others: it counts for nobody.
      if (endedAt > this.#until) break;
      this.latencies.push(endedAt - startedAt);
      if (refusal === null) continue;
      this.failed += 1;
      this.failure ??= refusal;
    }
    await this.#client.close();
  }

  /** Why the answer is wrong; null when it is right. */
  #ask(member: string): Promise<string | null> {
    const { headers, body, proof } = this.#job;
    const fill = (template: string): string =>
      template
        .replace('{{member}}', member)
        .replaceAll('{{member}}', () => anyOf(this.#job))
        .replaceAll('{{key}}', () => randomUUID());
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      let status = 0;
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart: () => undefined,
        onResponseStart: (_controller, code) => {
          status = code;
        },
        onResponseData: (_controller, chunk) => {
          chunks.push(chunk);
        },
        onResponseEnd: () => resolve(refusalOf(status, Buffer.concat(chunks), fill(proof))),
        onResponseError: (_controller, error) => resolve(error.message),
      };
      this.#client.dispatch({ method: 'POST', path: this.#path, headers, body: fill(body) }, handler);
    });
  }
}

/** About whom each request of the job is, over all callers. */
function* membersOf(job: LoadJob): Generator<string> {
  if (job.inOrder === true) yield* job.members;
  else for (let asked = 0; asked < (job.requests ?? Number.POSITIVE_INFINITY); asked += 1) yield anyOf(job);
}

function anyOf({ members }: LoadJob): string {
  return members[Math.floor(Math.random() * members.length)] ?? '';
}

function refusalOf(status: number, answer: Buffer, proof: string): string | null {
  const isRight =
    status === 200 &&
    answer.includes(proof) &&
    !answer.includes('"errors":[{') &&
    !answer.includes('"userErrors":[{');
  return isRight ? null : `${status} ${answer.toString().slice(0, LONGEST_FAILURE)}`;
}

async function run(job: LoadJob): Promise<LoadResult> {
  const startedAt = performance.now();
  const until = startedAt + job.seconds * 1_000;
  const isBounded = job.inOrder === true || job.requests !== undefined;
  const order = membersOf(job);
  const callers = Array.from({ length: job.connections }, () => new Caller(job, until, order));
  await Promise.all(callers.map((caller) => caller.run()));
  const latencies = Float64Array.from(callers.flatMap((caller) => caller.latencies)).sort();
  return {
    completed: latencies.length,
    seconds: isBounded ? Math.min(job.seconds, (performance.now() - startedAt) / 1_000) : job.seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    failed: callers.reduce((sum, { failed }) => sum + failed, 0),
    failure: callers.find(({ failure }) => failure !== null)?.failure ?? null,
  };
}

process.on('message', (job: LoadJob) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
