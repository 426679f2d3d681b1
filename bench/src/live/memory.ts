import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { Cleanup } from '../cleanup.ts';
import { type Aim, spellAim } from '../ledger/table.ts';
import type { Options } from '../options.ts';
import { tableOf } from '../report.ts';
import { COLLECTING, type LiveBed, openGateway } from './bed.ts';
import { assertHeard } from './crowd.ts';

/** Listeners who came, heard something and left before anything is counted: code is loaded once. */
const WARM_UP = 200;
const COLLECTIONS = 5;
const BETWEEN_MS = 1_000;
const AIM: Aim = { is: '≤', value: 30 };

/** What a listener takes of the gateway's memory while nothing happens. */
export async function benchMemory(cleanup: Cleanup, bed: LiveBed, options: Options): Promise<string[]> {
  const { listeners, followers, members, ofMember: query } = bed;
  // A CPU profile would grow in the memory that is looked at.
  const plain = { ...options, profile: undefined };
  const gateway = await openGateway(cleanup, bed, 'memory', plain, COLLECTING);
  const { url, pid } = gateway;
  const come = async (crowd: string, from: number, to: number): Promise<void> => {
    process.stderr.write(`opening ${to - from} listeners…\n`);
    const after = await gateway.cursor();
    await listeners.open({ crowd, url, query, listeners: followers.slice(from, to), after });
    await listeners.watch(crowd, 'count', to - from);
    await gateway.credit(members.slice(from, to));
    assertHeard(await listeners.heardAll(crowd), 1, 'each member’s own event');
  };
  const lines: string[][] = [['idle listeners', 'RSS MB', 'kB a listener', 'aim']];
  lines.push(['none yet', megabytes(await residentBytes(pid)), '', '']);
  // What posting leaves behind is no listener's.
  await gateway.credit(members);
  await come('warm-up', 0, Math.min(WARM_UP, members.length));
  await listeners.cut('warm-up');
  const without = await residentBytes(pid);
  lines.push(['0', megabytes(without), '', '']);
  const half = Math.floor(members.length / 2);
  for (const [from, to] of [
    [0, half],
    [half, members.length],
  ] as const) {
    await come(`from ${from}`, from, to);
    const resident = await residentBytes(pid);
    const each = (resident - without) / to / 1_000;
    lines.push([String(to), megabytes(resident), each.toFixed(1), spellAim(each, AIM)]);
  }
  await listeners.cut('from 0');
  await listeners.cut(`from ${half}`);
  await gateway.stop();
  return [...tableOf(lines, 0), 'resident memory of the gateway after collecting garbage; no compression'];
}

/** After garbage was collected, several times: some is only found once its finalizers have run. */
async function residentBytes(pid: number): Promise<number> {
  for (let times = 0; times < COLLECTIONS; times += 1) {
    process.kill(pid, 'SIGWINCH');
    await setTimeout(BETWEEN_MS);
  }
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
