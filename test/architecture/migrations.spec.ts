import { lintMigrations, readMigrations } from './migration-lint.ts';

/** What the rules refuse and we keep all the same, each with its reason. */
const EXEMPT: Record<string, string> = {
  'table tenant_directory: unique (code) does not begin with tenant_id':
    'A reference table, copied to every node: it finds the tenant that a code means.',
  'table tenant_directory: row security is not enabled':
    'It is read before the tenant is known, and holds no more than its code and id.',
  'table tenant_directory: row security is not forced, so its owner sees every tenant': 'As above.',
  [`table tenant_directory: no policy for all commands says ${tenantOnly()}`]: 'As above.',
  'table api_key: policy presented lets through more than the own tenant':
    'A caller is recognised by the hash of its key before its tenant is known.',
};

const GOOD = `
  create table thing (
    tenant_id uuid not null, thing_id uuid not null, name text not null,
    primary key (tenant_id, thing_id), unique (tenant_id, name),
    foreign key (tenant_id, name) references other (tenant_id, name)
  );
  alter table thing enable row level security;
  alter table thing force row level security;
  create policy own_tenant on thing using (${tenantOnly()});`;

const BAD: [what: string, sql: string, problem: RegExp][] = [
  ['no primary key', GOOD.replace('primary key (tenant_id, thing_id), ', ''), /primary key \(none\)/],
  [
    'a primary key by id',
    GOOD.replace('key (tenant_id, thing_id)', 'key (thing_id, tenant_id)'),
    /primary key/,
  ],
  ['a column that is the key', 'create table t (id uuid primary key);', /table t: its primary key \(id\)/],
  ['a unique key by name', GOOD.replace('unique (tenant_id, name)', 'unique (name)'), /unique \(name\)/],
  ['a unique column', GOOD.replace('name text', 'name text unique'), /unique \(name\)/],
  ['a unique index', `${GOOD} create unique index i on thing (lower(name));`, /unique \(\(expression\)\)/],
  ['a unique key added', `${GOOD} alter table thing add constraint u unique (name);`, /unique \(name\)/],
  ['a unique column added', `${GOOD} alter table thing add column u int unique;`, /unique \(u\)/],
  [
    'a foreign key by name',
    GOOD.replace('(tenant_id, name) references other (tenant_id, name)', '(name) references other'),
    /foreign key \(name\)/,
  ],
  ['a column that references', GOOD.replace('name text', 'name text references o'), /foreign key \(name\)/],
  [
    'a foreign key onto another column',
    GOOD.replace('other (tenant_id, name)', 'other (id, name)'),
    /foreign key \(tenant_id, name\)/,
  ],
  ['no row security', GOOD.replace(/alter table thing enable[^;]*;/, ''), /not enabled/],
  ['row security not forced', GOOD.replace(/alter table thing force[^;]*;/, ''), /not forced/],
  ['row security switched off', `${GOOD} alter table thing disable row level security;`, /not enabled/],
  ['row security unforced', `${GOOD} alter table thing no force row level security;`, /not forced/],
  ['no policy', GOOD.replace(/create policy[^;]*;/, ''), /no policy for all commands/],
  ['a policy for reading only', GOOD.replace('on thing using', 'on thing for select using'), /no policy/],
  [
    'a policy that was opened later',
    `${GOOD} alter policy own_tenant on thing using (tenant_id = tenant_id);`,
    /policy own_tenant lets through more/,
  ],
  ['a policy dropped', `${GOOD} drop policy own_tenant on thing;`, /no policy/],
  [
    'an open policy',
    `${GOOD} create policy p on thing for select using (true);`,
    /policy p lets through more/,
  ],
  [
    'an open check',
    GOOD.replace(/\);$/, ') with check (true);'),
    /policy own_tenant lets through more than the own tenant/,
  ],
  ['a policy on NULL', GOOD.replace(/nullif\(([^']*'[^']*'[^)]*\)), ''\)/, '$1'), /no policy/],
  ['a trigger', `${GOOD} create trigger g before insert on thing execute function f();`, /a trigger/],
  ['a rule', `${GOOD} create rule r as on insert to thing do nothing;`, /a rewrite rule/],
  ['a deferrable key', GOOD.replace('unique (tenant_id, name)', '$& deferrable'), /deferrable/],
  ['a deferrable column', GOOD.replace('tenant_id uuid', '$& references tenant deferrable'), /deferrable/],
  ['an exclusion', GOOD.replace('unique (tenant_id, name)', 'exclude using gist (name with =)'), /exclusion/],
  ['a DO block', `${GOOD} do $$ begin execute 'drop table thing'; end $$;`, /DO block/],
  ['a table from a query', 'create table t as select 1 as tenant_id;', /made by a query/],
  ['a view', `${GOOD} create view v as select * from thing where tenant_id is null;`, /view v: reads with/],
  [
    'a partition',
    `${GOOD} create table p partition of thing default;`,
    /table p: row security is not enabled/,
  ],
  [
    'a renamed table',
    `${GOOD} alter table thing rename to b; alter table b no force row level security;`,
    /b: /,
  ],
  [
    'an update without tenant',
    `${GOOD} create function f() returns void language sql as $$ update thing set name = '' $$;`,
    /function f: update thing without its tenant_id/,
  ],
  [
    'a volatile update',
    `${GOOD} create function f(t uuid) returns void language plpgsql as $$ begin
       update thing set name = random()::text where tenant_id = t; end $$;`,
    /function f: random\(\) in an update/,
  ],
  [
    'a loop over every tenant',
    `${GOOD} create function f() returns void language plpgsql as $$ declare r record; begin
       for r in select * from thing where name = '' loop null; end loop; end $$;`,
    /function f: select thing without its tenant_id/,
  ],
  [
    'dynamic SQL',
    `${GOOD} create function f() returns void language plpgsql as $$ begin execute 'x'; end $$;`,
    /function f: runs SQL that cannot be read/,
  ],
  [
    'rights of the owner',
    `${GOOD} create function f() returns int language sql security definer as 'select 1';`,
    /security definer/,
  ],
];

describe('the lint over migrations', () => {
  it('lets a good table through', () => {
    expect(lintMigrations([{ name: '0001_thing.sql', text: GOOD }])).toEqual([]);
  });

  it.each(BAD)('refuses %s', (_what, text, problem) => {
    expect(lintMigrations([{ name: '0001_thing.sql', text }])).toContainEqual(expect.stringMatching(problem));
  });

  it('forgets a table that was dropped', () => {
    const text = 'create table t (id uuid primary key); drop table t;';
    expect(lintMigrations([{ name: '0001_thing.sql', text }])).toEqual([]);
  });

  it.each([
    [['0001_a.sql', '0003_c.sql'], '0003_c.sql: its number should be 0002'],
    [['0001_a.sql', '0001_b.sql'], '0001_b.sql: its number should be 0002'],
    [['first.sql'], 'first.sql: not named NNNN_what_it_does.sql'],
    [['0001_a_down.sql'], '0001_a_down.sql: migrations only go forward'],
  ])('refuses the names %j', (names, problem) => {
    expect(lintMigrations(names.map((name) => ({ name, text: 'select 1' })))).toEqual([problem]);
  });
});

describe('the migrations', () => {
  it('break no rule but those exempted here, and each exemption is still needed', () => {
    expect(lintMigrations(readMigrations()).sort()).toEqual(Object.keys(EXEMPT).sort());
  });
});

function tenantOnly(): string {
  return "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid";
}
