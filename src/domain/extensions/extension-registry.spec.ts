import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { newKey } from '../../kernel/ids.ts';
import { type Database, Sealer } from '../../persistence/index.ts';
import type { TenantService } from '../tenants/index.ts';
import { ExtensionRegistry } from './extension-registry.ts';

/** When registrations are looked up anew, and a moment; twice as long, and they have ended. */
const RENEWED_MS = 650;

const tenantKey = newKey();

// Time is the test's own: on a busy machine any pause could be one that is too long.
let now = 1_000;
beforeEach(() => void jest.spyOn(performance, 'now').mockImplementation(() => now));
afterEach(() => void jest.restoreAllMocks());

/** The cache takes one look at the clock for all that is asked within a millisecond: that is over, too. */
async function pass(ms: number): Promise<void> {
  now += ms;
  await delay(2);
}

/** A registry over a database that answers when the test says so; each lookup tells a priority of its own. */
function newRegistry() {
  const state = { lookups: 0, answers: Promise.resolve() };
  const run = async ({ name }: { name: string }): Promise<unknown[]> => {
    const isList = name === 'extension.registered';
    if (isList) state.lookups += 1;
    const of = { tenantKey, extensionKey: tenantKey, point: 'points.rule' };
    const priority = state.lookups;
    await state.answers;
    if (isList) return [{ ...of, priority, stage: 'LIVE', version: 1, liveVersion: 1 }];
    return [{ ...of, version: 1, url: null, plugin: 'x', code: null, filter: null, postingLimits: null }];
  };
  const registry = new ExtensionRegistry({
    database: { read: () => ({ run }) } as unknown as Database,
    tenants: {} as TenantService,
    sealer: new Sealer(async () => [Buffer.alloc(32)]),
    plugins: [],
  });
  const seen = async () => (await registry.of(tenantKey, 'points.rule')).map(({ priority }) => priority);
  return { registry, state, seen };
}

describe('the registry', () => {
  it('looks registrations up anew before they end, while nobody waits', async () => {
    const { state, seen } = newRegistry();
    expect([await seen(), await seen(), state.lookups]).toEqual([[1], [1], 1]);
    await pass(RENEWED_MS);
    const gate = Promise.withResolvers<void>();
    state.answers = gate.promise;
    expect([await seen(), await seen(), state.lookups]).toEqual([[1], [1], 2]);
    gate.resolve();
    await pass(0);
    expect([await seen(), state.lookups]).toEqual([[2], 2]);
    await pass(2 * RENEWED_MS);
    expect([await seen(), state.lookups]).toEqual([[3], 3]);
  });

  it('keeps nothing that was asked for before it was told to forget', async () => {
    const { registry, state, seen } = newRegistry();
    await seen();
    await pass(RENEWED_MS);
    const gate = Promise.withResolvers<void>();
    state.answers = gate.promise;
    await seen();
    registry.forget(tenantKey);
    state.answers = Promise.resolve();
    expect(await seen()).toEqual([3]);
    gate.resolve();
    await pass(0);
    expect(await seen()).toEqual([3]);
  });

  it('says so where nothing is known, and tries again', async () => {
    const { state, seen } = newRegistry();
    state.answers = Promise.reject(new Error('the database is away'));
    await expect(seen()).rejects.toThrow('away');
    state.answers = Promise.resolve();
    expect(await seen()).toEqual([2]);
    await pass(RENEWED_MS);
    state.answers = Promise.reject(new Error('the database is away'));
    expect([await seen(), await seen()]).toEqual([[2], [2]]);
    await pass(RENEWED_MS);
    await expect(seen()).rejects.toThrow('away');
  });
});
