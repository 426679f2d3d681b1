import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { LAWS } from '../../src/domain/audit/index.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
import type { TestTenant } from '../ledger/tenants.ts';
import { connect, furnishTenant, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { runInProcess } from '../support/in-process.ts';
import type { Ended } from '../support/process.ts';

let application: TestApplication;
let tea: TestTenant;
let owner: pg.Client;
let folder: string;

beforeAll(async () => {
  application = await startApplication();
  await furnishTenant(application, 'books');
  tea = await furnishTenant(application, 'tea');
  owner = await connect(application.testDatabase.adminUrl);
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tea.tenantKey]);
  folder = await mkdtemp(join(tmpdir(), 'membergraph-cli-'));
});

afterAll(async () => {
  await owner.end();
  await application.close();
  await rm(folder, { recursive: true, force: true });
});

function audit(args: string[] = [], environment: Record<string, string> = {}): Promise<Ended> {
  const own = { DATABASE_URL: application.testDatabase.appUrl, DATA_DIR: folder, ...environment };
  return runInProcess(['audit', ...args], own);
}

/** What a command says while the rows are as a fault leaves them; they are put back. */
async function tampered(fault: string, repair: string, args: string[] = []): Promise<Ended> {
  expect((await owner.query(fault)).rowCount).toBeGreaterThan(0);
  try {
    return await audit(args);
  } finally {
    await owner.query(repair);
  }
}

async function entriesOf(where = 'true'): Promise<number> {
  const { rows } = await owner.query<{ n: string }>(`select count(*) as n from entry where ${where}`);
  return Number(rows[0]?.n);
}

describe('the laws', () => {
  it('hold over a sound database, and each says how long it took', async () => {
    const entries = (await entriesOf()) * 2;
    const { code, stdout, stderr } = await audit();
    expect([code, stdout]).toEqual([0, `${LAWS.length} laws hold over ${entries} entries of 2 tenants.\n`]);
    expect(stderr.trimEnd().split('\n')).toHaveLength(LAWS.length);
    expect(stderr).toMatch(/^1\/\d+ entry-versions: \d+ ms\n/);
  });

  it('speak Chinese too, and are asked of one tenant', async () => {
    const { stdout } = await audit(['--tenant', 'tea'], { LANG: 'zh_CN.UTF-8' });
    expect(stdout).toBe(`1 个企业、${await entriesOf()} 条流水符合全部 ${LAWS.length} 条规则。\n`);
    expect((await audit(['--tenant', 'nobody'])).code).toBe(1);
  });

  it('name what breaks them by its public id, a line each, and exit with 1', async () => {
    const { code, stdout, stderr } = await tampered(
      'update ledger set posted = posted + 1',
      'update ledger set posted = posted - 1',
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^tea: ledger-last-entry: a ledger is as its last entry left it: ledger=led_\w{26} posted=\d+ /m,
    );
    expect(stderr).toMatch(/^\d+ violations of \d+ laws over \d+ entries of 2 tenants\.$/m);
    expect((await audit()).code).toBe(0);
  });

  it('name twenty at most, and say how many more there are', async () => {
    await owner.query(
      `insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at, matured_at)
       select tenant_id, ledger_id, gen_random_uuid(), operation_id, 1, available_at, created_at
         from (select * from lot limit 1) one, generate_series(1, 33)`,
    );
    try {
      const { stdout } = await audit(['--tenant', 'tea']);
      const lines = stdout.split('\n').filter((line) => line.startsWith('tea: lot-taken: '));
      expect(lines).toHaveLength(21);
      expect(lines.at(-1)).toMatch(/: and 13 more$/);
    } finally {
      await owner.query('delete from stored_lot where amount = 1 and expires_at is null');
    }
  });
});

describe('balances worked out from entries', () => {
  it('are the ledgers’ now, and their totals are said by asset', async () => {
    const { rows } = await owner.query<{ asset: string; line: string }>(
      `select asset || ': ' || count(*) || ' ledgers, posted ' || sum(posted) || ', pending ' || sum(pending)
                || ', held ' || sum(held) as line
         from ledger where version > 0 group by asset order by asset`,
    );
    const { code, stdout } = await audit(['--tenant', 'tea', '--rebuild-at']);
    expect(code).toBe(0);
    expect(stdout.split('\n').slice(0, -2)).toEqual(rows.map(({ line }) => `tea: ${line}`));
    expect(stdout).toMatch(/\nEvery balance is the sum of its entries \(now\)\.\n$/);
  });

  it('are exact at a moment: what was recorded later doesn’t count', async () => {
    const { rows } = await owner.query<{ moment: Date; line: string }>(
      `select m.moment, count(*) || ' ledgers, posted ' || sum(s.posted_after) || ', pending '
                || sum(s.pending_after) || ', held ' || sum(s.held_after) as line
         from (select distinct e.recorded_at as moment from entry e join ledger l using (tenant_id, ledger_id)
                where l.asset = 'points') m
        cross join ledger l
        cross join lateral (
          select * from entry e where e.ledger_id = l.ledger_id and e.recorded_at <= m.moment
           order by e.version desc limit 1) s
        where l.asset = 'points' group by m.moment`,
    );
    expect(rows.length).toBeGreaterThan(3);
    for (const { moment, line } of rows) {
      const { stdout } = await audit(['--tenant', 'tea', '--rebuild-at', moment.toISOString()]);
      expect(stdout).toContain(`tea: points: ${line}\n`);
    }
  });

  it('find ledgers, and pasts, that are not', async () => {
    const present = await tampered(
      'update ledger set pending = pending + 7',
      'update ledger set pending = pending - 7',
      ['--rebuild-at'],
    );
    expect(present.code).toBe(1);
    expect(present.stdout).toMatch(/^tea: entries add up to something else: ledger=led_\w+ .*pending=/m);
    const past = await tampered(
      'update stored_entry set posted_delta = coalesce(posted_delta, amount) + 7 where version = 1',
      'update stored_entry set posted_delta = posted_delta - 7 where version = 1',
      ['--rebuild-at', '2100-01-01T00:00:00Z'],
    );
    expect(past.stderr).toMatch(/ledgers are not the sums of their entries\.$/m);
    expect(past.code).toBe(1);
  });

  it('want a moment in ISO 8601', async () => {
    for (const bad of ['yesterday', '2026-13-01', '2026-02-30', '2026-02-01T10:00:00', '12']) {
      const { code, stderr } = await audit(['--rebuild-at', bad]);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`"${bad}" is no moment`)]);
    }
  });
});

describe('liability', () => {
  it('is told by asset, now or at a moment', async () => {
    const { code, stdout } = await audit(['--tenant', 'tea', '--liability']);
    expect(code).toBe(0);
    const { rows } = await owner.query<{ asset: string; sum: string }>(
      'select asset, sum(posted + pending) as sum from ledger group by asset order by asset',
    );
    const outstanding = [...stdout.matchAll(/^tea: (\w+) at .* outstanding (-?\d+)$/gm)];
    expect(outstanding.map(([, asset, sum]) => ({ asset, sum }))).toEqual(rows);
    expect(stdout).toMatch(/^tea: points at \S+Z: issued \d+, .* redeemed 30, breakage 0, outstanding \d+$/m);
    const before = await audit(['--tenant', 'tea', '--liability', '--at', '2000-01-01']);
    expect(before).toMatchObject({ code: 0, stdout: '' });
    expect(await audit(['--tenant', 'tea', '--at', '2000-01-01'])).toMatchObject({ code: 0, stdout: '' });
  });
});

describe('the chain', () => {
  it('is as it was sealed, and tells its head', async () => {
    const sealed = await audit(['--seal', '--tenant', 'tea']);
    expect(sealed).toMatchObject({ code: 0, stdout: 'tea: 0 operations were sealed.\n' });
    const { code, stdout } = await audit(['--verify-chain']);
    expect(code).toBe(0);
    const heads = [
      ...stdout.matchAll(/^\w+: \d+ operations are as they were sealed; head (\d+:[0-9a-f]{64})$/gm),
    ];
    expect(heads).toHaveLength(2);
    const [books, own] = heads.map(([, head]) => head ?? '');
    const noted = (head = '') => audit(['--tenant', 'tea', '--verify-chain', '--head', head]);
    expect((await noted(own)).code).toBe(0);
    expect(await noted(books)).toMatchObject({
      code: 1,
      stdout: `tea: the chain doesn’t have the head ${books}\n`,
    });
    expect((await audit(['--verify-chain', '--head', own ?? ''])).code).toBe(1);
    expect(await audit(['--tenant', 'tea', '--head', books ?? ''])).toMatchObject({ code: 1 });
  });

  it('names the operation that was tampered with, and exits with 1', async () => {
    const { rows } = await owner.query<{ key: string }>(
      `select operation_id as key from operation where kind = 'REDEEM'`,
    );
    const key = rows[0]?.key ?? '';
    const { code, stdout, stderr } = await tampered(
      `update stored_entry set reason = 'mine' where kind = 'REDEEM'`,
      `update stored_entry set reason = null where kind = 'REDEEM'`,
      ['--verify-chain'],
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(
      new RegExp(
        `^tea: the operation ${toPublicId('operation', key)} \\(position \\d+\\) was changed after`,
        'm',
      ),
    );
    expect(stderr).toContain('The chains of 1 tenants are broken.');
    expect((await audit(['--verify-chain'])).code).toBe(0);
  });
});

describe('two things at once', () => {
  it.each([
    [['--seal', '--verify-chain']],
    [['--liability', '--seal']],
    [['--rebuild-at', '--liability']],
    [['--seal', '--head', '1:a']],
  ])('are refused: %j', async (options) => {
    const { code, stderr } = await audit(options);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/cannot be used with option/);
  });
});
