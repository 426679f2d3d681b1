import { type Cruise, cruise, withTree } from './cruise.ts';
import { namedModules, ROOT, readSource, typescriptFiles } from './sources.ts';

const NOTHING = 'export const nothing = 0;\n';
const DOMAINS = [
  'endpoints',
  'live',
  'activities',
  'rules',
  'members',
  'benefits',
  'tiers',
  'audit',
  'ledgers',
  'programs',
  'tenants',
  'shared',
  'unplaced',
];
const PACKAGES = ['pg', '@mikro-orm/core', 'type-graphql', 'zod', 'dev-only', 'undeclared'];

/** A house with one file a room and no import yet. */
const HOUSE: Record<string, string> = {
  'package.json': JSON.stringify({
    name: 'house',
    type: 'module',
    dependencies: { pg: '*', '@mikro-orm/core': '*', 'type-graphql': '*', zod: '*' },
    devDependencies: { 'dev-only': '*' },
  }),
  ...Object.fromEntries(
    PACKAGES.flatMap((name) => [
      [`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' })],
      [`node_modules/${name}/index.js`, 'module.exports = {};\n'],
    ]),
  ),
  ...Object.fromEntries(
    DOMAINS.flatMap((name) => [
      [`src/domain/${name}/index.ts`, NOTHING],
      [`src/domain/${name}/inner.service.ts`, NOTHING],
    ]),
  ),
  ...Object.fromEntries(
    [
      'src/kernel/clock.ts',
      'src/config/config.ts',
      'src/persistence/db.ts',
      'src/extension/index.ts',
      'src/events/bus.ts',
      'src/plugin-host/host.ts',
      'src/gateway/http.ts',
      'src/jobs/queue.ts',
      'src/cli/command.ts',
      'src/testing/gateway.ts',
      'src/main.ts',
      'src/compose.ts',
      'src/kernel/clock.spec.ts',
      'plugins/one/plugin.ts',
      'plugins/two/plugin.ts',
      'test/support/helper.ts',
    ].map((path) => [path, NOTHING]),
  ),
};

/** One forbidden import a line: the file that writes it, the import, and the rule that refuses it. */
const FORBIDDEN: [file: string, statement: string, rule: string][] = [
  ['src/kernel/a.ts', "import { nothing } from '../config/config.ts';", 'layer-kernel'],
  ['src/kernel/b.ts', "import type { T } from '../persistence/db.ts';", 'layer-kernel'],
  ['src/config/a.ts', "import { type T } from '../persistence/db.ts';", 'layer-config'],
  ['src/persistence/a.ts', "export type { T } from '../events/bus.ts';", 'layer-persistence'],
  ['src/persistence/b.ts', "export * from '../config/config.ts';", 'layer-persistence'],
  ['src/extension/a.ts', "import type { T } from '../plugin-host/host.ts';", 'layer-extension'],
  ['src/events/a.ts', "import '../domain/ledgers/index.ts';", 'layer-events'],
  ['src/domain/ledgers/a.ts', "import type { T } from '../../gateway/http.ts';", 'layer-domain'],
  [
    'src/domain/ledgers/b.ts',
    "export const host = () => import('../../plugin-host/host.ts');",
    'layer-domain',
  ],
  ['src/plugin-host/a.ts', "import type { T } from '../domain/members/index.ts';", 'layer-plugin-host'],
  ['src/gateway/a.ts', "import type { T } from '../compose.ts';", 'layer-gateway'],
  ['src/composition/a.ts', "import type { T } from '../compose.ts';", 'layer-composition'],
  ['src/boot/a.ts', "import type { T } from '../jobs/queue.ts';", 'layer-boot'],
  ['src/jobs/a.ts', "import type { T } from '../gateway/http.ts';", 'layer-jobs'],
  ['src/cli/a.ts', "import type { T } from '../main.ts';", 'layer-cli'],
  ['src/cli/b.ts', "import type { T } from '../main.ts';", 'nobody-imports-main'],
  ['src/domain/live/a.ts', "import type { T } from '../endpoints/index.ts';", 'floor-live'],
  ['src/domain/activities/a.ts', "import type { T } from '../live/index.ts';", 'floor-activities'],
  [
    'src/domain/reconciliation/a.ts',
    "import type { T } from '../activities/index.ts';",
    'floor-reconciliation',
  ],
  ['src/domain/members/a.ts', "import type { T } from '../activities/index.ts';", 'floor-members'],
  ['src/domain/rules/a.ts', "import type { T } from '../activities/index.ts';", 'floor-rules'],
  ['src/domain/tiers/a.ts', "import type { T } from '../members/index.ts';", 'floor-tiers'],
  ['src/domain/audit/a.ts', "import type { T } from '../tiers/index.ts';", 'floor-audit'],
  ['src/domain/ledgers/c.ts', "import type { T } from '../tiers/index.ts';", 'floor-ledgers'],
  ['src/domain/limits/a.ts', "import type { T } from '../ledgers/index.ts';", 'floor-limits'],
  ['src/domain/extensions/a.ts', "import type { T } from '../ledgers/index.ts';", 'floor-extensions'],
  ['src/domain/expressions/a.ts', "import type { T } from '../programs/index.ts';", 'floor-expressions'],
  ['src/domain/programs/a.ts', "import type { T } from '../ledgers/index.ts';", 'floor-programs'],
  ['src/domain/tenants/a.ts', "import type { T } from '../programs/index.ts';", 'floor-tenants'],
  ['src/domain/shared/a.ts', "import type { T } from '../tenants/index.ts';", 'floor-shared'],
  ['src/domain/unplaced/a.ts', "import type { T } from '../tenants/index.ts';", 'domain-has-a-floor'],
  ['src/domain/members/b.ts', "import type { T } from '../unplaced/index.ts';", 'domain-from-a-floor'],
  [
    'src/domain/members/c.ts',
    "import type { T } from '../ledgers/inner.service.ts';",
    'domain-through-its-index',
  ],
  ['src/testing/b.ts', "import '../cli/command.ts';", 'layer-testing'],
  ['src/kernel/circle.ts', "import type { T } from './elcric.ts';", 'no-circular'],
  ['src/domain/tiers/there.ts', "import type { T } from '../benefits/index.ts';", 'floor-tiers'],
  ['src/domain/benefits/back.ts', "import type { T } from '../members/index.ts';", 'floor-benefits'],
  ['src/plugin-host/b.ts', "import { nothing } from '../../plugins/one/plugin.ts';", 'src-without-plugins'],
  ['src/main.ts', "import { nothing } from '../plugins/one/plugin.ts';", 'src-without-plugins'],
  ['src/kernel/c.ts', "import { nothing } from '../../test/support/helper.ts';", 'src-without-test-or-bench'],
  ['src/kernel/d.ts', "import type { T } from './clock.spec.ts';", 'nobody-imports-a-spec'],
  ['plugins/one/a.ts', "import type { T } from '../../src/kernel/clock.ts';", 'plugins-only-extension'],
  ['plugins/one/b.ts', "import type { T } from '../two/plugin.ts';", 'plugins-apart'],
  ['plugins/one/c.ts', "import type { Pool } from 'pg';", 'sql-in-repositories'],
  ['plugins/one/d.ts', "import type { ID } from 'type-graphql';", 'type-graphql-at-the-border'],
  ['src/extension/b.ts', "import type { Field } from 'type-graphql';", 'extension-points-name-no-library'],
  [
    'src/domain/members/member.service.ts',
    "import type { ID } from 'type-graphql';",
    'type-graphql-at-the-border',
  ],
  ['src/domain/members/d.ts', "import type { Pool } from 'pg';", 'sql-in-repositories'],
  ['src/gateway/b.ts', "import type { EntityManager } from '@mikro-orm/core';", 'sql-in-repositories'],
  ['src/kernel/e.ts', "import { x } from 'dev-only';", 'no-dev-dependency'],
  ['src/kernel/f.ts', "import { x } from 'undeclared';", 'no-undeclared-dependency'],
  ['src/kernel/g.ts', "import type { T } from './nowhere.ts';", 'resolvable'],
  ['test/x.ts', "import '../src/main.ts';", 'nobody-imports-main'],
];

/** What the rules must let through: the same words in the right places. */
const ALLOWED: Record<string, string> = {
  'src/config/a.ts': "import '../kernel/clock.ts';",
  'src/persistence/a.ts':
    "import '../kernel/clock.ts'; import 'pg'; import type { Em } from '@mikro-orm/core';",
  'src/extension/a.ts': "import '../kernel/clock.ts'; import 'zod';",
  'src/events/a.ts': "import '../kernel/clock.ts'; import '../persistence/db.ts';",
  'src/plugin-host/a.ts':
    "import '../kernel/clock.ts'; import '../extension/index.ts'; import '../persistence/db.ts';",
  'src/domain/shared/page.types.ts': "import 'type-graphql'; import '../../kernel/clock.ts';",
  'src/domain/tenants/a.ts': "import '../shared/page.types.ts';",
  'src/domain/programs/a.ts': "import '../tenants/index.ts';",
  'src/domain/ledgers/ledger.entity.ts': "import 'type-graphql'; import '@mikro-orm/core';",
  'src/domain/ledgers/ledger.repository.ts': "import 'pg'; import './ledger.entity.ts';",
  'src/domain/ledgers/a.ts': "import '../programs/index.ts'; import '../tenants/index.ts';",
  'src/domain/benefits/a.ts': "import '../tiers/index.ts'; import '../ledgers/index.ts';",
  'src/domain/members/member.resolver.ts': "import 'type-graphql'; import '../benefits/index.ts';",
  'src/domain/members/a.spec.ts': "import 'pg'; import 'dev-only'; import '../../../test/support/helper.ts';",
  'src/domain/members/member.service.ts':
    "import '../../events/bus.ts'; import '../../extension/index.ts'; import '../../persistence/db.ts';",
  'src/domain/activities/a.ts': "import '../rules/index.ts'; import '../members/index.ts';",
  'src/domain/rules/a.ts': "import '../ledgers/index.ts';",
  'src/gateway/a.ts':
    "import 'type-graphql'; import '../domain/members/member.resolver.ts'; import '../plugin-host/host.ts'; import '../config/config.ts';",
  'src/jobs/a.ts': "import '../domain/ledgers/index.ts'; import '../events/bus.ts';",
  'src/cli/a.ts': "import '../compose.ts'; import '../jobs/queue.ts'; import '../gateway/http.ts';",
  'src/composition/a.ts':
    "import '../gateway/http.ts'; import '../jobs/queue.ts'; import '../plugin-host/host.ts';",
  'src/compose.ts':
    "import './gateway/http.ts'; import './jobs/queue.ts'; import './domain/ledgers/ledger.repository.ts'; import './config/config.ts';",
  'src/testing/a.ts': "import '../compose.ts'; import '../plugin-host/host.ts';",
  'src/main.ts': "import './compose.ts'; import './config/config.ts'; import './kernel/clock.ts';",
  'plugins/one/a.ts': "import '../../src/extension/index.ts'; import './plugin.ts'; import 'zod';",
  'test/x.ts':
    "import '../src/compose.ts'; import '../plugins/one/plugin.ts'; import 'dev-only'; import 'node:fs';",
};

const FOLDERS = ['src', 'plugins', 'test'];

describe('the import rules', () => {
  let refused: Cruise;

  beforeAll(() => {
    const files = Object.fromEntries(
      FORBIDDEN.map(([file, statement]) => [file, `${statement}\n${NOTHING}`]),
    );
    const circle = { 'src/kernel/elcric.ts': "import type { T } from './circle.ts';\n" };
    refused = withTree({ ...HOUSE, ...files, ...circle }, (root) => cruise(root, FOLDERS));
  });

  it.each(FORBIDDEN)('%s: %s is refused by %s', (file, _statement, rule) => {
    const rules = refused.violations
      .filter((violation) => violation.from === file)
      .map((found) => found.rule);
    expect(rules).toContain(rule);
  });

  it('has a forbidden import for each rule', () => {
    const proven = new Set(FORBIDDEN.map(([, , rule]) => rule));
    expect(refused.rules.filter((rule) => !proven.has(rule))).toEqual([]);
  });

  it('lets through what the table allows', () => {
    const clean = withTree({ ...HOUSE, ...ALLOWED }, (root) => cruise(root, FOLDERS));
    expect(clean.violations).toEqual([]);
    const seen = Object.keys(ALLOWED).map((file) => clean.imports.get(file)?.size ?? 0);
    expect(Math.min(...seen)).toBeGreaterThan(0);
  });
});

describe('this tree', () => {
  const real = cruise(ROOT, FOLDERS);

  it('breaks no import rule', () => {
    expect(real.violations).toEqual([]);
  });

  // The cruiser's parser does not look into every type, so it cannot judge `import('./x.ts').T` there.
  it('names each module where the rules can see it: by an import declaration', () => {
    const files = typescriptFiles(...FOLDERS);
    const unseen = files.flatMap((path) => {
      const seen = real.imports.get(path) ?? new Set();
      const hidden = namedModules(readSource(path)).filter((name) => !seen.has(name));
      return hidden.map((name) => `${path}: ${name}`);
    });
    expect(files.length).toBeGreaterThan(0);
    expect(unseen).toEqual([]);
  });
});

describe('the look at modules that the cruiser cannot see', () => {
  it('finds them in every position', () => {
    const text = [
      "import type { A } from './a.ts';",
      "export * from './b.ts';",
      "type C = import('./c.ts').C;",
      "const d = (x: unknown) => x as import('./d.ts').D;",
      "const e = async () => import('./e.ts');",
      "const f = require('node:f');",
    ].join('\n');
    expect(namedModules(text)).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', 'f']);
  });
});
