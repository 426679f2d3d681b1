import { withCleanup } from '../cleanup.ts';
import { auditBooks } from '../ledger/audit.ts';
import type { LivePart, Options } from '../options.ts';
import { machineLine, print } from '../report.ts';
import { openBed } from './bed.ts';
import { benchFanOut } from './fan-out.ts';
import { benchLatency } from './latency.ts';
import { benchMemory } from './memory.ts';
import { benchReconnect } from './reconnect.ts';
import { benchStalled } from './stalled.ts';

const PARTS = {
  'fan-out': benchFanOut,
  latency: benchLatency,
  stalled: benchStalled,
  memory: benchMemory,
  reconnect: benchReconnect,
} satisfies Record<LivePart, unknown>;

/** Measures what live events take, by thousands of real subscriptions to the real gateway. */
export async function benchLive(options: Options): Promise<void> {
  await withCleanup(async (cleanup) => {
    const bed = await openBed(cleanup, options);
    const lines: string[] = [];
    for (const part of options.live) lines.push(...(await PARTS[part](cleanup, bed, options)), '');
    await auditBooks(bed.product, 'what listeners heard of');
    print([...lines, machineLine(bed.product.version)]);
  });
}
