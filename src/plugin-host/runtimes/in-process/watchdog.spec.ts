import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { untilHolds } from '../../../../test/support/until-holds.ts';
import type { Guest } from './guests.ts';
import { Watchdog } from './watchdog.ts';

const SLOTS: Guest[] = [
  { plugin: 'tea', point: 'points.rule' },
  { plugin: 'cake', point: 'member.create' },
];

let folder: string;
let output: number;
let watchdog: Watchdog;
let blocked: { by: readonly string[]; ms: number }[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'membergraph-watchdog-'));
  output = openSync(join(folder, 'log'), 'a');
  blocked = [];
  watchdog = new Watchdog(SLOTS, {
    ...{ level: 'warn', output },
    onBlocked: (by, ms) => blocked.push({ by: by.map(({ plugin }) => plugin), ms }),
  });
});
afterEach(async () => {
  await watchdog.close();
  closeSync(output);
  rmSync(folder, { recursive: true });
});

const logged = (): { msg: string; blockedMs: number }[] =>
  readFileSync(join(folder, 'log'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

function loop(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Blocks until it is logged that something blocks, which a busy machine may take a while for. */
function loopUntilLogged(mostMs = 30_000): void {
  const end = performance.now() + mostMs;
  while (logged().length === 0 && performance.now() < end) loop(10);
}

/** The watching thread takes a moment to start. */
async function watching(): Promise<void> {
  const end = watchdog.begin(0);
  while (logged().length === 0) {
    watchdog.during(0, () => loopUntilLogged(1_000));
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  await untilHolds(() => blocked.length > 0);
  end();
  truncateSync(join(folder, 'log'));
  blocked = [];
}

it('names a plugin that blocks the event loop, while it still does', async () => {
  await watching();
  const end = watchdog.begin(0);
  const during = watchdog.during(0, () => {
    loop(600);
    loopUntilLogged();
    return logged();
  });
  expect(during[0]?.msg).toMatch(/^plugin "tea" has blocked the event loop for \d+ ms in points.rule$/);
  await untilHolds(() => blocked.length > 0);
  end();
  expect(blocked).toEqual([{ by: ['tea'], ms: expect.any(Number) }]);
  expect(blocked[0]?.ms).toBeGreaterThan(500);
});

it('names one that blocks it later, after something that it waited for', async () => {
  await watching();
  const end = watchdog.begin(1);
  loopUntilLogged();
  end();
  expect(logged()[0]?.msg).toContain('plugin "cake" has blocked the event loop for');
});

it('names all of whom it may be, where several were answering', async () => {
  await watching();
  const ends = [watchdog.begin(0), watchdog.begin(1)];
  loopUntilLogged();
  for (const end of ends) end();
  expect(logged()[0]?.msg).toMatch(/blocked for \d+ ms while code of plugins ran: tea, cake$/);
});

it('says nothing of short work, nor of what isn’t a plugin’s', async () => {
  await watching();
  watchdog.during(0, () => loop(60));
  loop(400);
  await new Promise((resolve) => setTimeout(resolve, 60));
  // What is told comes in order: nothing came before this.
  const end = watchdog.begin(1);
  loopUntilLogged();
  await untilHolds(() => blocked.length > 0);
  end();
  expect(logged().filter(({ msg }) => !msg.includes('cake'))).toEqual([]);
  expect(blocked).toEqual([{ by: ['cake'], ms: expect.any(Number) }]);
});
