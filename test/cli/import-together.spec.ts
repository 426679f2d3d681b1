import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { operatorContext, readExampleProgram } from '../../src/boot/index.ts';
import { importActivities } from '../../src/cli/import/import-activities.ts';
import { type PurchaseLine, readCdnow } from '../../src/cli/import/lines.ts';
import { IdentityKind } from '../../src/domain/members/index.ts';
import type { ProgramDefinition } from '../../src/domain/programs/index.ts';
import { projectPath, type Sql, type Transaction } from '../../src/persistence/index.ts';
import { definitionOf } from '../ledger/programs.ts';
import { setClock } from '../ledger/tenants.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ownTenant } from '../support/own-tenant.ts';
import { demoWithRules, points } from '../support/programs.ts';
import { rowsOfTenant } from '../support/tenant-rows.ts';

const CDNOW = projectPath('..', 'shared', 'data', 'CDNOW_master.txt');

// Not a claim of speed: a machine that is busy, or whose disk is slow, takes many times as long.
jest.setTimeout(900_000);

let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  folder = await mkdtemp(join(tmpdir(), 'membergraph-together-'));
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true, force: true });
});

/** The same numbers in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

const DAY_MS = 24 * 60 * 60 * 1_000;
/** A local noon: what is due or over on a day is so in both imports. */
const TODAY = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 6;

/**
 * Purchases of a few customers over the last two years, in groups as a shop's file has them; some are faulty.
 * @param waits whether some make others of the same member wait: orders that come twice, days to come. What
 *   members share is given in another order then, as it is between two who buy at once.
 */
function generated(count: number, customers: number, waits = true): PurchaseLine[] {
  const next = numbers(4_711);
  return Array.from({ length: count }, (_, index): PurchaseLine => {
    const value = `c${Math.floor((index * customers) / count) + next(3)}`;
    const faulty = next(40);
    const amount = faulty === 0 ? '1.234' : `${next(300)}.${10 + next(90)}`;
    const content = `line ${index % 97 === 0 ? 'again' : index}`;
    const purchase = {
      identity: { kind: IdentityKind.EXTERNAL, value: faulty === 1 ? 'ä ö' : value },
      occurredAt: new Date(TODAY - next(730) * DAY_MS + (waits && faulty === 2 ? 1_000 * DAY_MS : 0)),
      ...{ amount, store: next(2) === 0 ? 'north "1"' : null, content },
      order: waits && next(4) === 0 ? `no-${next(count)}` : null,
    };
    return { number: index + 1, raw: content, bytes: 10, purchase };
  });
}

async function* each(lines: readonly PurchaseLine[]): AsyncGenerator<PurchaseLine> {
  yield* lines;
}

interface Import {
  readonly tenantKey: string;
  readonly lines: AsyncIterable<PurchaseLine>;
  readonly batch: number;
  readonly concurrency?: number;
  readonly type?: string;
  readonly currency?: string;
}

/** Answers the lines that were refused, with the reason. */
async function imported(job: Import): Promise<string[]> {
  const refusedFile = join(folder, `${job.tenantKey}-${job.batch}.txt`);
  const { refused } = await importActivities({
    ...{ ctx: operatorContext(job.tenantKey, 'test'), activities: gateway.application.services.activities },
    ...{ format: 'test', currency: 'CNY', type: 'purchase', concurrency: 1, refusedFile, ...job },
    onLine: () => undefined,
    signal: new AbortController().signal,
  });
  if (refused === 0) return [];
  return (await readFile(refusedFile, 'utf8')).split('\n').filter(Boolean).sort();
}

async function tenantWith(definition: ProgramDefinition): Promise<string> {
  const { tenantKey } = await ownTenant(gateway, { program: false });
  // However long the imports take, and whenever: no midnight comes between them.
  await setClock(gateway.application, tenantKey, new Date(TODAY).toISOString());
  await gateway.application.services.programs.apply(tenantKey, definition, 'a test');
  return tenantKey;
}

/** Imports together and one at a time, compares what was written, and imports again. */
async function expectSame(
  definition: ProgramDefinition,
  lines: () => AsyncIterable<PurchaseLine>,
  job: Partial<Import> = {},
): Promise<{ rows: Record<string, string[]>; refused: string[] }> {
  const [together, alone] = [await tenantWith(definition), await tenantWith(definition)];
  const refused = await imported({ ...job, tenantKey: together, lines: lines(), batch: 250 });
  expect(await imported({ ...job, tenantKey: alone, lines: lines(), batch: 1, concurrency: 1 })).toEqual(
    refused,
  );
  const rows = await rowsOfTenant(gateway, together, TODAY);
  const expected = await rowsOfTenant(gateway, alone, TODAY);
  for (const [table, own] of Object.entries(expected)) {
    const [left, right] = [new Set(rows[table]), new Set(own)];
    const only = (some: Iterable<string>, others: ReadonlySet<string>): string[] =>
      [...some].filter((row) => !others.has(row));
    expect([table, only(left, right)]).toEqual([table, only(right, left)]);
    expect([table, rows[table]?.length]).toEqual([table, own.length]);
  }
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await expectNothingWritten(gateway, async () => {
    expect(await imported({ ...job, tenantKey: together, lines: lines(), batch: 250 })).toEqual(refused);
    expect(await imported({ ...job, tenantKey: alone, lines: lines(), batch: 250 })).toEqual(refused);
  });
  return { rows, refused };
}

const demo = (rules: Parameters<typeof demoWithRules>[0]): ProgramDefinition =>
  definitionOf(demoWithRules(rules));
const each100 = { each: '100.00', gives: 10 };
const tier = (code: string, threshold: string, ...benefits: string[]) => {
  return { code, name: { en: code }, threshold, hidden: false, benefits };
};
const ladder = (code: string, metric: string, more: object) => ({
  ...{ code, name: { en: code }, metric, window: 'LIFETIME' as const },
  tiers: [tier('t1', '0'), tier('t2', '200'), tier('t3', '500'), tier('t4', '1200')],
  ...more,
});

describe('many lines in one transaction leave what one at a time leaves', () => {
  it('with limits, budgets, stocks, benefits, and points that expired long ago', async () => {
    const definition = demo([
      { code: 'welcome', trigger: 'enrolment', ...points(100) },
      { code: 'monthly', trigger: 'purchase', ...points(each100), caps: [cap('member', 'month', 25)] },
      {
        code: 'budget',
        trigger: 'purchase',
        ...points(7),
        caps: [cap('program', 'lifetime', 400)],
        order: 1,
      },
      {
        code: 'first',
        trigger: 'purchase',
        ...points(5),
        once: { per: 'member', window: 'year' },
        exclusive: 'x',
      },
      { code: 'else', trigger: 'purchase', ...points(1), exclusive: 'x', order: 2 },
      { code: 'growth', trigger: 'purchase', ...points({ each: '1.00', gives: 1 }, 'growth') },
      { code: 'gift', trigger: 'purchase', when: 'order.total > 20000', ...points(1, 'token') },
      { code: 'step', trigger: 'tier_change', ...points(1) },
    ]);
    const { rows } = await expectSame(
      {
        ...definition,
        assets: definition.assets.map((asset) =>
          asset.code === 'points' ? { ...asset, expiry: { after: 'P6M', until: 'END_OF_DAY' } } : asset,
        ),
        rules: definition.rules.map((rule) =>
          ['welcome', 'gift'].includes(rule.code) ? { ...rule, grants: ['welcome-gift'] } : rule,
        ),
        benefits: [
          ...definition.benefits,
          { ...gift('welcome-gift'), limits: { perMember: 2 }, stock: 60 },
          ...['at-t2', 'at-t3'].map(gift),
        ],
        ladders: [
          ladder('all', 'growth', {
            tiers: [
              tier('t1', '0'),
              tier('t2', '200', 'at-t2'),
              tier('t3', '500', 'at-t3'),
              tier('t4', '1200'),
            ],
          }),
          ladder('rolling', 'spend', { window: 'ROLLING_DAYS', windowDays: 200 }),
          ladder('year', 'growth', { window: 'CALENDAR_YEAR' }),
          ladder('enrolment', 'spend', { window: 'ENROLMENT_YEAR' }),
          ladder('orders', 'orders', { tiers: [tier('t0', '2'), tier('t1', '4'), tier('t2', '6')] }),
        ],
      },
      () => each(generated(600, 50, false)),
    );
    // Otherwise the comparison says little.
    for (const table of ['tier_change', 'limit_counter', 'benefit_grant']) {
      expect(rows[table]?.length).toBeGreaterThan(10);
    }
    expect(rows.operation?.some((row) => row.includes('EXPIRE'))).toBe(true);
  });

  it('with rules that look at the tier and at tags which others change', async () => {
    const { rows } = await expectSame(
      {
        ...demo([
          { code: 'new', trigger: 'enrolment', ...points(3), tags: { add: ['new'] } },
          { code: 'growth', trigger: 'purchase', ...points({ each: '1.00', gives: 1 }, 'growth') },
          {
            code: 'gold',
            trigger: 'purchase',
            when: 'tier.rank > 2',
            ...points({ expression: 'order.total' }),
          },
          {
            code: 'big',
            trigger: 'purchase',
            when: 'order.total > 15000',
            tags: { add: ['big'], remove: ['new'] },
          },
          { code: 'of-new', trigger: 'purchase', when: '"new" in member.tags', ...points(11) },
        ]),
        ladders: [ladder('all', 'growth', {}), ladder('tags', 'tags:big,new', { tiers: [tier('t1', '1')] })],
        tags: ['new', 'big'].map((code) => ({ code, name: { en: code } })),
      },
      () => each(generated(400, 60)),
    );
    expect(rows.member?.some((row) => row.includes('"big"'))).toBe(true);
    expect(rows.activity?.some((row) => row.includes('"gold"'))).toBe(true);
  });

  it('when the ledger refuses one of them', async () => {
    const most = demo([{ code: 'jackpot', trigger: 'win', ...points('9000000000000000000') }]);
    const lines = generated(40, 30).map((line) => ({
      ...line,
      purchase: { ...purchaseOf(line), order: null },
    }));
    const { refused } = await expectSame(most, () => each(lines), { type: 'win' });
    expect(refused.some((line) => line.includes('BALANCE_OUT_OF_RANGE'))).toBe(true);
  });

  const real = existsSync(CDNOW) ? it : it.skip;
  real('of real customers (skipped without ../shared/data)', async () => {
    const lines = 500;
    const expected = readFileSync(CDNOW, 'utf8')
      .split('\n')
      .slice(1, lines + 1);
    const { rows } = await expectSame(
      await readExampleProgram('cdnow'),
      async function* () {
        for await (const line of readCdnow(CDNOW, 'America/New_York')) {
          if (line.number > lines + 1) return;
          yield line;
        }
      },
      { concurrency: 2, currency: 'USD' },
    );
    expect(rows.activity).toHaveLength(expected.length);
  });
});

function purchaseOf({ purchase }: PurchaseLine): NonNullable<PurchaseLine['purchase']> {
  if (purchase === null) throw new Error('A generated line has no purchase.');
  return purchase;
}

function cap(per: 'member' | 'program', window: string, most: number): object {
  return { asset: 'points', per, window, most };
}

function gift(code: string) {
  return { code, name: { en: code }, kind: 'GIFT' as const, level: 'BASIC' as const };
}

describe('commits that are under way at once', () => {
  it('wait for lines of their own members alone', async () => {
    const tenantKey = await tenantWith(await readExampleProgram('cdnow'));
    // Each in a lane of their own, line by line in turns.
    const lines = Array.from({ length: 16 }, (_, index): PurchaseLine => {
      const identity = { kind: IdentityKind.EXTERNAL, value: index % 2 === 0 ? 'a' : 'b' };
      const more = { order: null, store: null, content: `${index}`, occurredAt: new Date(TODAY - DAY_MS) };
      return { number: index, raw: '', bytes: 1, purchase: { identity, amount: '30.00', ...more } };
    });
    const { activities } = gateway.application.services;
    const recordAll = activities.recordAll.bind(activities);
    const committed: string[] = [];
    const others = Promise.withResolvers<void>();
    const spy = jest.spyOn(activities, 'recordAll').mockImplementation(async (ctx, inputs, options) => {
      const names = inputs.map(({ identity }) => identity?.value ?? '');
      if (names.includes('a')) await others.promise;
      const outcomes = await recordAll(ctx, inputs, options);
      committed.push(names.join(''));
      if (committed.length === 3) others.resolve();
      return outcomes;
    });
    try {
      const job = { tenantKey, batch: 2, concurrency: 2, currency: 'USD' };
      expect(await imported({ ...job, lines: each(lines) })).toEqual([]);
    } finally {
      spy.mockRestore();
    }
    expect(committed.slice(0, 3)).toEqual(['bb', 'bb', 'bb']);
    expect(committed.toSorted()).toEqual([...Array(4).fill('aa'), ...Array(4).fill('bb')]);
    expect(await activities.totals(tenantKey, 'points')).toMatchObject({ activities: 16n, points: 480n });
  }, 120_000);
});

describe('the statements of many', () => {
  it('are as many for two hundred as for twenty', async () => {
    const tenantKey = await tenantWith(await readExampleProgram('cdnow'));
    const countOf = async (from: number, count: number): Promise<number> => {
      const lines = Array.from({ length: count }, (_, index): PurchaseLine => {
        const value = `s${from + Math.floor(index / 2)}`;
        const identity = { kind: IdentityKind.EXTERNAL, value };
        const content = `${from} ${index}`;
        const more = { order: content, store: null, content, occurredAt: new Date(TODAY - DAY_MS) };
        return { number: index, raw: '', bytes: 1, purchase: { identity, amount: '300.00', ...more } };
      });
      const counted = countStatements();
      expect(await imported({ tenantKey, lines: each(lines), batch: 500, currency: 'USD' })).toEqual([]);
      return counted();
    };
    const few = await countOf(0, 20);
    expect(await countOf(1_000, 200)).toBe(few);
    // Those who are known now.
    expect(await countOf(1_000, 200)).toBeLessThanOrEqual(few);
  });

  it('go again by halves when another import is first', async () => {
    const capped = { ...points(each100), caps: [cap('member', 'month', 25)] };
    const tenantKey = await tenantWith(demo([{ code: 'capped', trigger: 'purchase', ...capped }]));
    const lines = generated(120, 40).map((line) => ({
      ...line,
      purchase: { ...purchaseOf(line), order: null },
    }));
    const job = { tenantKey, batch: 100 };
    const both = await Promise.all([
      imported({ ...job, lines: each(lines) }),
      imported({ ...job, batch: 60, lines: each(lines) }),
      imported({ ...job, batch: 1, lines: each(lines) }),
    ]);
    const [first] = both;
    expect(both).toEqual([first, first, first]);
    const { activities } = await gateway.application.services.activities.totals(tenantKey, 'points');
    expect(Number(activities)).toBe(lines.length - (first?.length ?? 0));
    expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  });
});

/** Counts what is sent to the database from now on, until it is asked. */
/** What time brings, however many lines there are: it is looked up anew each second, or written in groups. */
const BY_TIME = new Set([
  ...[
    'tenant.facts',
    'extension.registered',
    'extension.asked_revisions',
    'extension_call.insert',
    'call_seal.insert',
  ],
]);

function countStatements(): () => number {
  const { database } = gateway.application;
  let count = 0;
  const counting = <Target extends Sql>(target: Target): Target =>
    new Proxy(target, {
      get: (own, name) => {
        const member: unknown = Reflect.get(own, name);
        if (typeof member !== 'function') return member;
        return (...given: unknown[]): unknown => {
          const [asked] = given as [{ readonly name?: string } | undefined];
          if (!BY_TIME.has(asked?.name ?? '')) count += 1;
          return member.apply(own, given);
        };
      },
    });
  const { read, transaction } = database;
  const spies = [
    jest.spyOn(database, 'read').mockImplementation((key) => counting(read.call(database, key))),
    jest
      .spyOn(database, 'transaction')
      .mockImplementation((key, work, options) =>
        transaction.call(database, key, (tx: Transaction) => work(counting(tx)), options),
      ),
  ];
  return () => {
    for (const spy of spies) spy.mockRestore();
    return count;
  };
}
