import pg from 'pg';
import type { Plugin, PluginEvent } from '../../src/extension/index.ts';
import { startJobs } from '../../src/jobs/index.ts';
import { migrate } from '../../src/persistence/index.ts';
import { preparePlugins } from '../../src/plugin-host/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol } from '../support/members.ts';
import { shelfPlugin } from '../support/shelf-plugin.ts';
import { untilHolds } from '../support/until-holds.ts';

const { plugin } = shelfPlugin();
const FIRST = plugin.tables?.migrations[0] ?? { name: '', sql: '' };
const GOOD = 'create table thing (tenant_id uuid not null, id text not null, primary key (tenant_id, id));';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

function withMigrations(...sqls: string[]): Plugin {
  const more = sqls.map((sql, index) => ({ name: `${String(index + 2).padStart(4, '0')}_more`, sql }));
  return { ...plugin, tables: { migrations: [FIRST, ...more] } };
}

function prepare(one: Plugin, { optional = false, adminUrl = database.adminUrl as string | null } = {}) {
  const set = { plugins: [one], quarantined: [], optional: optional ? [one.id] : [] };
  return preparePlugins(set, { adminUrl, appUrl: database.appUrl });
}

async function asOwner<Row>(text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: database.adminUrl });
  await client.connect();
  try {
    return (await client.query(text)).rows as Row[];
  } finally {
    await client.end();
  }
}

describe('the tables of a plugin', () => {
  it('are made on a fresh database, and changed on one that has them', async () => {
    await prepare(plugin);
    await asOwner(`insert into plugin_shelf_notes.note select gen_random_uuid(), 'a', 'b'`).catch(() => null);
    const { plugins } = await prepare(withMigrations('alter table note add column at date', GOOD));
    expect(plugins).toHaveLength(1);
    expect(await asOwner('select name from plugin_shelf_notes._migration order by 1')).toEqual([
      { name: '0001_note' },
      { name: '0002_more' },
      { name: '0003_more' },
    ]);
    expect(
      await asOwner(`select relname, relrowsecurity, relforcerowsecurity from pg_class
        where relnamespace = 'plugin_shelf_notes'::regnamespace and relkind = 'r' and relname <> '_migration'
        order by 1`),
    ).toEqual([
      { relname: '_job', relrowsecurity: true, relforcerowsecurity: true },
      { relname: '_place', relrowsecurity: true, relforcerowsecurity: true },
      { relname: 'note', relrowsecurity: true, relforcerowsecurity: true },
      { relname: 'thing', relrowsecurity: true, relforcerowsecurity: true },
    ]);
  });

  it('are made once by two that start together', async () => {
    await expect(Promise.all([prepare(plugin), prepare(plugin)])).resolves.toHaveLength(2);
  });

  it.each([
    ['without a tenant', 'create table thing (id text primary key)', /"thing" has no column "tenant_id/],
    ['without a key', 'create table thing (tenant_id uuid not null)', /"thing" has no primary key/],
    ['with another key', `${GOOD} create unique index by_id on thing (id);`, /does not begin with tenant_id/],
    [
      'with a policy that lets others in',
      `${GOOD} create policy all_of_them on thing using (true);`,
      /"thing" has a policy "all_of_them"/,
    ],
    ['with a view', `${GOOD} create view peep as select * from thing;`, /"peep" is no table/],
    [
      'with a function',
      `create function f() returns int language sql security definer as 'select 1';`,
      /"f" is a function/,
    ],
    ['that fail', 'create table thing (', /its migration "0002_more" fails: syntax error/],
    ['that end the transaction', `${GOOD} commit;`, /"0002_more" ends the transaction/],
  ])('%s are refused by name', async (_what, sql, why) => {
    const bad = withMigrations(sql);
    const said = await prepare(bad).catch(({ message }: Error) => message);
    expect(said).toMatch(/^The plugin "shelf-notes" can't be used: .+\.$/);
    expect(said).toMatch(why);
  });

  it('let an optional plugin be set aside, and leave nothing of it behind', async () => {
    const set = await prepare(withMigrations('create table thing ('), { optional: true });
    expect(set.plugins).toEqual([]);
    expect(set.quarantined).toMatchObject([{ id: 'shelf-notes', why: expect.stringContaining('0002_more') }]);
    expect(await asOwner(`select to_regnamespace('plugin_shelf_notes') as it`)).toEqual([{ it: null }]);
  });

  it('never change what was applied', async () => {
    await prepare(plugin);
    const changed = {
      ...plugin,
      tables: { migrations: [{ name: FIRST.name, sql: `${FIRST.sql}; select 1` }] },
    };
    await expect(prepare(changed)).rejects.toThrow('"0001_note" was changed after it had been applied');
  });

  it('have to be there for a gateway that may not make them', async () => {
    const asked = () => prepare(plugin, { adminUrl: null });
    await expect(asked()).rejects.toThrow(
      'its migrations are missing (0001_note): run "membergraph migrate"',
    );
    await prepare(plugin);
    await expect(asked()).resolves.toMatchObject({ plugins: [plugin] });
  });

  it('are the owner’s: a gateway works with them, and can’t open them', async () => {
    await prepare(plugin);
    const client = new pg.Client({ connectionString: database.appUrl });
    await client.connect();
    try {
      await expect(client.query('delete from plugin_shelf_notes._migration')).rejects.toThrow('denied');
      await expect(
        client.query('alter table plugin_shelf_notes.note disable row level security'),
      ).rejects.toThrow('owner');
      expect((await client.query('select * from plugin_shelf_notes.note')).rows).toEqual([]);
    } finally {
      await client.end();
    }
  });
});

describe('an older database', () => {
  /** As the product left it before plugins had jobs and tenants configured them. */
  const MAKE_OLDER = `
    drop table plugin_shelf_notes._job;
    drop table plugin_configuration;
    delete from schema_migration where name like '%plugin_configurations'`;
  const WRITE = 'mutation($input: ShelfNotes_NoteInput!) { shelfNotes_write(input: $input) { about } }';

  const heard: string[] = [];
  const listeners = [
    {
      name: 'enrolments',
      types: ['members.enrolled'],
      hear: async (events: readonly PluginEvent[]) => void heard.push(...events.map(({ id }) => id)),
    },
  ];

  it('is brought to the newest product and the newest plugin, with all that was in it', async () => {
    const run = async (one: Plugin, work: (gateway: TestGateway) => Promise<void>): Promise<void> => {
      const gateway = await startTestGateway({ plugins: [one], beside: { database } });
      const jobs = await startJobs(gateway.application.jobs, { everyMs: 200 });
      try {
        await work(gateway);
      } finally {
        await jobs.stop();
        await gateway.close();
      }
    };
    await run({ ...plugin, deadlineMs: 10_000, listeners }, async (gateway) => {
      await gateway.ask(WRITE, { input: { about: 'tea', words: 'green' } });
      await enrol(gateway);
      await untilHolds(() => heard.length === 1, 'the first is heard');
    });
    await asOwner(MAKE_OLDER);

    const more = withMigrations(`alter table note add column at timestamptz; ${GOOD}`);
    const newer = {
      ...{ ...more, version: 2, deadlineMs: 10_000, listeners },
      jobs: [{ name: 'nightly', cron: '0 3 * * *', run: async () => undefined }],
    };
    await expect(prepare(newer, { adminUrl: null })).rejects.toThrow(
      'its migrations are missing (0002_more, _job): run "membergraph migrate"',
    );
    const applied = await migrate(database.adminUrl, database.appUrl);
    expect(applied).toEqual([expect.stringMatching(/plugin_configurations$/)]);
    await prepare(newer);
    await prepare(newer, { adminUrl: null });
    await run(newer, async (gateway) => {
      const { data } = await gateway.ask('{ shelfNotes_notes { about words } plugins { version } }');
      expect(data).toEqual({
        ...{ shelfNotes_notes: [{ about: 'tea', words: 'green' }], plugins: [{ version: 2 }] },
      });
      await enrol(gateway);
      await untilHolds(() => heard.length === 2, 'the second is heard');
      expect(new Set(heard).size).toBe(2);
      const { tenantKey, application } = gateway;
      const { pluginParts } = application.services;
      await untilHolds(async () => {
        const rows = await pluginParts.transaction(newer, tenantKey, (sql) => sql.run('select from _job'));
        return rows.length === 1;
      }, 'the job is seen');
    });
  });
});
