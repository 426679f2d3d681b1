import type { Cleanup } from '../cleanup.ts';
import { type Aim, spellAim } from '../ledger/table.ts';
import type { Options } from '../options.ts';
import { median, tableOf } from '../report.ts';
import { type LiveBed, openGateway } from './bed.ts';
import { assertHeard, msBetween } from './crowd.ts';
import type { Delay } from './orders.ts';

const LISTENERS = 5_000;
/** Events that each of them misses. */
const MISSED = 2;
const CROWD = 'coming back';
const WITHIN_MS = 60_000;
const AIM: Aim = { is: '≤', value: 10 };
const TITLES: readonly (readonly [Delay, string])[] = [
  ['none', 'all at once'],
  ['graphql-ws', 'after 1.3 to 4 s, as graphql-ws does'],
];

/** Listeners who are cut off together, miss something, and come back together, each behind its own cursor. */
export async function benchReconnect(cleanup: Cleanup, bed: LiveBed, options: Options): Promise<string[]> {
  const { listeners, ofMember: query } = bed;
  const gateway = await openGateway(cleanup, bed, 'reconnect', options);
  const [followers, members] = [bed.followers.slice(0, LISTENERS), bed.members.slice(0, LISTENERS)];
  process.stderr.write(`opening ${members.length} listeners…\n`);
  const after = await gateway.cursor();
  await listeners.open({ crowd: CROWD, url: gateway.url, query, listeners: followers, after });
  const rows: string[][] = [];
  let thrownOut = 0;
  for (const [delay, title] of TITLES) {
    const seconds: number[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      // One that they hear, and so remember the cursor of.
      await listeners.watch(CROWD, 'text', members.length);
      await gateway.credit(members);
      assertHeard(await listeners.heardAll(CROWD), 1, 'each member’s own event');
      await listeners.cut(CROWD);
      for (let times = 0; times < MISSED; times += 1) await gateway.credit(members);
      await listeners.watch(CROWD, 'text', members.length * MISSED);
      await listeners.reopen(CROWD, delay);
      const heard = await listeners.heardAll(CROWD, WITHIN_MS);
      thrownOut += heard.failures;
      assertHeard({ ...heard, failures: 0 }, MISSED, `coming back ${title}, round ${round + 1}`);
      seconds.push(msBetween(heard.startedNs, heard.lastNs) / 1_000);
      process.stderr.write(`reconnect: ${title} ${seconds.at(-1)?.toFixed(2)} s, ${heard.failures} errors\n`);
      if (heard.failure !== null) process.stderr.write(`first: ${heard.failure}\n`);
    }
    const most = Math.max(...seconds);
    const shown = [median(seconds).toFixed(2), most.toFixed(2), String(thrownOut)];
    const isMet = most <= AIM.value && thrownOut === 0;
    rows.push([title, ...shown, isMet ? spellAim(most, AIM) : `${AIM.is} ${AIM.value} missed`]);
    thrownOut = 0;
  }
  await listeners.cut(CROWD);
  await gateway.stop();
  const head = ['come back', 'seconds until all have all', 'longest', 'errors', 'aim, without an error'];
  return [
    ...tableOf([head, ...rows], 1),
    `${members.length} listeners, ${MISSED} events missed each; ${options.rounds} rounds`,
  ];
}
