import { buildSchema } from 'graphql';
import type { Plugin, PluginJob, PluginSchema } from '../../extension/index.ts';
import { readPlugin, withDependencies } from '../plugin-checks.ts';
import { withPluginTypes } from './extend-schema.ts';

const load = async () => new Map<string, unknown>();
const SDL = 'extend type Member { riskGuard_score: Int } type RiskGuard_Limit { most: Int! }';

function pluginWith(schema: unknown, id = 'risk-guard', more: Partial<Plugin> = {}): Plugin {
  const plugin = { id, version: 1, description: 'A plugin.', answers: [], ...more };
  return { ...plugin, schema: schema as PluginSchema };
}
const brings = (sdl: string, fields: unknown = { Member: { riskGuard_score: { load } } }): Plugin =>
  pluginWith({ sdl, fields });
const tables = { migrations: [{ name: '0001_a', sql: 'select 1' }] };
const jobAt = (cron: string, more: Partial<PluginJob> = {}): PluginJob => ({
  ...{ name: 'nightly', cron, run: async () => undefined },
  ...more,
});
const worksAt = (cron: string, more: Partial<PluginJob> = {}, changes: Partial<Plugin> = {}): Plugin =>
  pluginWith({ sdl: SDL, fields: { Member: { riskGuard_score: { load } } } }, 'risk-guard', {
    ...{ tables, jobs: [jobAt(cron, more)] },
    ...changes,
  });
const read = (plugin: unknown): Plugin => readPlugin('plugins/x/plugin.ts', plugin, []);
const candidate = (plugin: Plugin) => ({ name: plugin.id, isOptional: true, plugin });

describe('what a plugin brings', () => {
  it('is taken when it is sound', () => {
    expect(read(brings(SDL))).toMatchObject({ id: 'risk-guard' });
    expect(read(worksAt('*/5 8-20 * * MON-FRI'))).toMatchObject({ id: 'risk-guard' });
  });

  it.each([
    [
      brings('extend type Member { score: Int }', {}),
      /field "Member.score": begin its name with "riskGuard_"/,
    ],
    [brings('type Limit { most: Int }', {}), /the type "Limit": begin its name with "RiskGuard_"/],
    [
      brings(`${SDL} extend type Lot { riskGuard_x: Int }`),
      /"Lot.riskGuard_x": it can extend Member, Ledger/,
    ],
    [brings('extend type Member { riskGuard_score: Int! }'), /which is never null: let it be null/],
    [
      brings(`${SDL} extend type Query { riskGuard_limits: Int }`),
      /"Query.riskGuard_limits" without a function/,
    ],
    [
      brings('type RiskGuard_Limit { most: Int! }'),
      /function for "Member.riskGuard_score", which its schema/,
    ],
    [brings(`${SDL} scalar RiskGuard_When`), /with a ScalarTypeDefinition/],
    [brings(`${SDL} type RiskGuard_N implements Node { id: ID! }`), /implement an interface/],
    [brings('extend type Member {\n riskGuard_score Int }'), /a schema that is wrong in line 2: .+\.$/],
    [brings(SDL, { Lot: {} }), /is wrong at "schema.fields": .+ Correct it\.$/],
    [
      brings(SDL, { Member: { riskGuard_score: { load, roles: ['ALL'] } } }),
      /wrong at "schema.fields.Member.riskGuard_score.roles.0"/,
    ],
    [
      pluginWith(undefined, 'risk-guard', { tables: { migrations: [{ name: '0002_a', sql: 'select 1' }] } }),
      /a migration "0002_a": its number has to be 0001/,
    ],
    [worksAt('60 * * * *'), /wrong at "jobs.0.cron": is no cron line: .+60/],
    [worksAt('0 3 * * *', { timeZone: 'Nowhere/City' }), /wrong at "jobs.0.timeZone": is no time zone/],
    [worksAt('0 3 * * *', { deadlineMs: 600_001 }), /wrong at "jobs.0.deadlineMs"/],
    [worksAt('0 3 * * *', {}, { tables: undefined }), /has jobs and no tables/],
    [
      pluginWith(undefined, 'risk-guard', { tables, jobs: [jobAt('0 3 * * *'), jobAt('5 3 * * *')] }),
      /has two jobs "nightly"/,
    ],
    [
      pluginWith(undefined, `r${'-guard'.repeat(6)}`, {
        tables: { migrations: [{ name: '0001_a', sql: 'select 1' }] },
      }),
      /a name that is too long/,
    ],
  ])('is refused in one sentence that names it (%#)', (plugin, why) => {
    expect(() => read(plugin)).toThrow(why);
  });

  it('has to fit the product’s schema', () => {
    const core = buildSchema('type Query { a: Int } type Member { id: ID! }');
    expect(() => withPluginTypes(core, [brings('extend type Member { riskGuard_score: Scores }')])).toThrow(
      /^The plugin "risk-guard" brings a schema that doesn't fit the product's: Unknown type "Scores".*\.$/,
    );
    expect(withPluginTypes(core, [brings(SDL)]).getType('RiskGuard_Limit')).toBeDefined();
  });

  it('is nobody else’s: two that collide are both named', () => {
    const sdl = 'extend type Member { risk2_score: Int }';
    const two = ['risk-2', 'risk2'].map((id) =>
      read(pluginWith({ sdl, fields: { Member: { risk2_score: { load } } } }, id)),
    );
    expect(() => withDependencies(two.map(candidate))).toThrow(
      'The plugins "risk-2" and "risk2" both bring the field "Member.risk2_score"',
    );
    const typed = ['risk-2', 'risk2'].map((id) =>
      pluginWith({ sdl: 'type Risk2_A { a: Int }', fields: {} }, id),
    );
    expect(() => withDependencies(typed.map(candidate))).toThrow('both bring the type "Risk2_A"');
  });
});
