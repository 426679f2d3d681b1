import { untilHolds } from '../../../test/support/until-holds.ts';
import type { CallRecord } from '../../extension/index.ts';
import { newKey } from '../../kernel/ids.ts';
import { type Database, Sealer } from '../../persistence/index.ts';
import { CallLog } from './call-log.ts';

const TENANT = newKey();

function newCall(given: Partial<CallRecord> = {}): CallRecord {
  return {
    ...{ tenantKey: TENANT, extensionKey: newKey(), callKey: newKey(), version: 1, mode: 'LIVE', attempt: 1 },
    ...{ outcome: 'OK', idempotencyKey: 'k', startedAt: new Date(0), durationMs: 1, input: {}, output: {} },
    ...{ fault: null, logs: [], differences: null, ...given },
  };
}

/** A log over a database that does what the test says; what was written is told by tenant and call. */
function newLog(given: { fails?: unknown; refuses?: (keys: readonly unknown[]) => unknown } = {}) {
  const written: { tenantKey: string; calls: unknown[] }[] = [];
  const lost: number[] = [];
  const errors: unknown[] = [];
  const state = { ...given };
  const seals: string[] = [];
  const run = async (
    { name }: { name: string },
    [tenantKey, calls, contents]: [string, unknown[], string[]],
  ): Promise<unknown[]> => {
    if (name === 'call_seal.insert') {
      seals.push(...contents);
      return [];
    }
    const fails = state.refuses?.(calls) || state.fails;
    if (fails !== undefined) throw fails;
    written.push({ tenantKey, calls });
    return [];
  };
  const database = {
    transaction: (_tenantKey: string, work: (tx: unknown) => unknown) => work({ run }),
  } as unknown as Database;
  const log = new CallLog({
    ...{ database, sealer: new Sealer(async () => [Buffer.alloc(32)]) },
    onLost: (count) => lost.push(count),
    onError: (error) => errors.push(error),
  });
  return { log, written, seals, lost, errors, state };
}

describe('the call log', () => {
  it('writes the calls of a tenant together, at most 200 at once', async () => {
    const { log, written } = newLog();
    const other = newKey();
    for (let count = 0; count < 450; count += 1) log.record(newCall());
    log.record(newCall({ tenantKey: other }));
    await log.flush();
    const sizes = (tenantKey: string) =>
      written.filter((one) => one.tenantKey === tenantKey).map(({ calls }) => calls.length);
    expect(sizes(TENANT).reduce((sum, size) => sum + size, 0)).toBe(450);
    expect(Math.max(...sizes(TENANT))).toBe(200);
    expect(sizes(other)).toEqual([1]);
  });

  it('seals what was said together, a little of it or what is large alone, and opens each again', async () => {
    const { log, seals } = newLog();
    for (let count = 0; count < 68; count += 1) log.record(newCall({ output: { count } }));
    const large = 'x'.repeat(70_000);
    log.record(newCall({ output: { large } }));
    log.record(newCall({ output: { count: 69 } }));
    await log.flush();
    expect(seals).toHaveLength(4);
    const outputs = async (seal: number, place: number | null): Promise<unknown> =>
      (await log.open(Buffer.from(seals[seal] ?? ''), place)).output;
    expect(await outputs(0, 0)).toEqual({ count: 0 });
    expect(await outputs(0, 63)).toEqual({ count: 63 });
    expect(await outputs(1, 3)).toEqual({ count: 67 });
    expect(await outputs(2, 0)).toEqual({ large });
    expect(await outputs(3, 0)).toEqual({ count: 69 });
  });

  it('opens what was sealed alone, before calls shared a seal', async () => {
    const sealer = new Sealer(async () => [Buffer.alloc(32)]);
    const { log } = newLog();
    const contents = { input: {}, output: { amount: '5' }, fault: null, logs: [], differences: null };
    const sealed = Buffer.from(await sealer.seal(JSON.stringify(contents)));
    expect(await log.open(sealed, null)).toEqual(contents);
  });

  it('writes by itself, a moment later', async () => {
    const { log, written } = newLog();
    log.record(newCall());
    expect(written).toEqual([]);
    await untilHolds(() => written.length > 0);
    expect(written).toHaveLength(1);
    await log.close();
  });

  it('keeps what can’t be written now, and writes it later', async () => {
    const { log, written, lost, errors, state } = newLog({ fails: new Error('the database is away') });
    log.record(newCall());
    await log.flush();
    expect([written, lost, errors]).toEqual([[], [], [expect.any(Error)]]);
    state.fails = undefined;
    await log.close();
    expect(written).toHaveLength(1);
  });

  it('loses what never can be written, and what there is no room for, and says how much', async () => {
    const { log, lost, state } = newLog({ fails: Object.assign(new Error('bad value'), { code: '22P05' }) });
    log.record(newCall());
    await log.flush();
    expect(lost).toEqual([1]);
    state.fails = new Error('the database is away');
    for (let count = 0; count < 10_050; count += 1) log.record(newCall());
    expect(lost.length).toBe(51);
    state.fails = undefined;
    await log.close();
  });

  it('is bounded by what was said, too: as much as waits and as much as is written at once', async () => {
    const { log, written, lost, state } = newLog({ fails: new Error('the database is away') });
    const output = 'x'.repeat(1_000_000);
    for (let count = 0; count < 40; count += 1) log.record(newCall({ output }));
    expect(lost).toHaveLength(40 - 33);
    await log.flush();
    log.record(newCall({ output }));
    expect(lost).toHaveLength(41 - 33);
    state.fails = undefined;
    await log.flush();
    const sizes = written.map(({ calls }) => calls.length);
    expect([sizes.reduce((sum, size) => sum + size, 0), Math.max(...sizes)]).toEqual([33, 4]);
    log.record(newCall({ output }));
    await log.close();
    expect([written.at(-1)?.calls.length, lost.length]).toEqual([1, 8]);
  });

  it('loses one that never can be written alone, and counts what is left at the end', async () => {
    const { log, written, lost, state } = newLog();
    const bad = newKey();
    state.refuses = (keys) => keys.includes(bad) && Object.assign(new Error('bad value'), { code: '22P05' });
    for (let count = 0; count < 5; count += 1) log.record(newCall());
    log.record(newCall({ callKey: bad }));
    await log.flush();
    expect([written.flatMap(({ calls }) => calls).length, lost]).toEqual([5, [1]]);
    state.refuses = () => new Error('the database is away');
    log.record(newCall());
    log.record(newCall());
    await log.close();
    expect(lost).toEqual([1, 2]);
  });

  it('takes what JSON can’t say', async () => {
    const { log, written, errors } = newLog();
    const circular: { self?: unknown } = {};
    circular.self = circular;
    log.record(newCall({ output: circular }));
    log.record(newCall({ output: { amount: 5n } }));
    await log.close();
    expect([written[0]?.calls.length, errors]).toEqual([2, []]);
  });

  it('tells of failures once they are written, and not of tests', async () => {
    const { log } = newLog();
    const heard: (readonly string[])[] = [];
    log.onFailures(async (_tenantKey, keys) => void heard.push(keys));
    const [failing, tested] = [newKey(), newKey()];
    log.record(newCall({ extensionKey: failing, outcome: 'TIMEOUT' }));
    log.record(newCall({ extensionKey: failing, outcome: 'ERROR' }));
    log.record(newCall({ extensionKey: tested, outcome: 'ERROR', mode: 'TEST' }));
    log.record(newCall({ outcome: 'SKIPPED_BY_FILTER' }));
    await log.close();
    expect(heard).toEqual([[failing]]);
  });
});
