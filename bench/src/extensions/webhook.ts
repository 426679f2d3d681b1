import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Pool } from 'undici';
import type * as Webhooks from '../../../src/plugin-host/runtimes/webhook/index.ts';
import { PRODUCT_FOLDER } from '../folders.ts';
import { percentile } from '../load/job.ts';
import type { Options } from '../options.ts';
import { machineLine, median, print, tableOf } from '../report.ts';

const CALLS = 2_000;
const INPUT_BYTES = 690;
const AIM_MS = 0.15;
const NAMES = ['bare undici', 'webhook, 1 secret', 'webhook, 2 secrets'] as const;

type Ask = () => Promise<unknown>;

/**
 * Measures what the webhook runtime (envelope, signature, deadline, breaker, bulkhead, checks of the answer)
 * adds to a bare request of undici to the same server; one call at a time, contenders taking turns.
 * @throws Error where a call isn't answered
 */
export async function benchWebhook({ rounds }: Options): Promise<void> {
  const { WebhookRuntime, newWebhookSecret, rotateWebhookSecret } = (await import(
    pathToFileURL(join(PRODUCT_FOLDER, 'plugin-host', 'runtimes', 'webhook', 'index.js')).href
  )) as typeof Webhooks;
  const worker = new Worker(new URL('./receiver.ts', import.meta.url));
  const [port] = (await once(worker, 'message')) as [number];
  const origin = `http://127.0.0.1:${port}`;
  const pool = new Pool(origin, { allowH2: false, pipelining: 1, connections: 16 });
  const runtime = new WebhookRuntime({ allowedNetworks: ['127.0.0.1/32'] });
  try {
    const one = [newWebhookSecret()] as const;
    const asks: Ask[] = [
      bare(pool),
      webhook(runtime, { id: 'one', url: `${origin}/hook`, secrets: one }),
      webhook(runtime, { id: 'two', url: `${origin}/hook`, secrets: rotateWebhookSecret(one) }),
    ];
    await measure(asks);
    const measured: Float64Array[][] = [];
    for (let round = 0; round < rounds; round += 1) measured.push(await measure(asks));
    report(measured);
  } finally {
    await runtime.close();
    await pool.destroy();
    await worker.terminate();
  }
}

const input = { text: 'x'.repeat(INPUT_BYTES - '{"text":""}'.length) };
const envelope = (callId: string): Webhooks.WebhookEnvelope => ({
  ...{ point: 'points.rule', version: 1, callId, mode: 'LIVE', attempt: 1 },
  ...{ tenant: 'bench', idempotencyKey: callId, input },
});

function bare(pool: Pool): Ask {
  const body = JSON.stringify(envelope('bare'));
  const headers = { 'content-type': 'application/json' };
  return async () => {
    const answer = await pool.request({ path: '/hook', method: 'POST', headers, body });
    return await answer.body.json();
  };
}

function webhook(runtime: Webhooks.WebhookRuntime, registration: Webhooks.WebhookRegistration): Ask {
  let calls = 0;
  return async () => {
    calls += 1;
    const told = await runtime.call(registration, envelope(`call_${calls}`), { deadlineMs: 2_000 });
    if (told.outcome !== 'OK') throw new Error(`A webhook was not answered: ${JSON.stringify(told)}`);
  };
}

async function measure(asks: readonly Ask[]): Promise<Float64Array[]> {
  const times = asks.map(() => new Float64Array(CALLS));
  for (let call = 0; call < CALLS; call += 1) {
    // Who begins changes, so that nobody always follows the same one.
    for (let turn = 0; turn < asks.length; turn += 1) {
      const index = (call + turn) % asks.length;
      const startedAt = performance.now();
      await asks[index]?.();
      const own = times[index];
      if (own !== undefined) own[call] = performance.now() - startedAt;
    }
  }
  return times.map((own) => own.sort());
}

function report(measured: readonly (readonly Float64Array[])[]): void {
  const at = (contender: number, share: number): number =>
    median(measured.map((round) => percentile(round[contender] ?? new Float64Array(1), share)));
  const over = (contender: number, share: number): string =>
    contender === 0
      ? ''
      : median(
          measured.map((round) => {
            const [floor = new Float64Array(1)] = round;
            return percentile(round[contender] ?? floor, share) - percentile(floor, share);
          }),
        ).toFixed(3);
  const lines = NAMES.map((name, contender) => [
    name,
    ...[0.5, 0.99].map((share) => at(contender, share).toFixed(3)),
    ...[0.5, 0.99].map((share) => over(contender, share)),
  ]);
  const how = `${measured.length} rounds of ${CALLS} calls, one at a time, inputs of ${INPUT_BYTES} bytes`;
  print([
    ...tableOf([['contender', 'p50 ms', 'p99 ms', 'p50 over bare', 'p99 over bare'], ...lines], 1),
    '',
    `aim: less than ${AIM_MS} ms over bare at p50`,
    `${how}; ${machineLine()}`,
  ]);
}
