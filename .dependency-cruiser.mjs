// The import rules of the house: who may know whom. Every rule says why it is there, and
// test/architecture/import-rules.spec.ts proves that each one fires.

/**
 * The floors of the domain, from the top. A folder may import those on lower floors, and its neighbours on the
 * same floor as long as no circle comes of it. A new domain folder takes its place here before it imports
 * another one.
 */
export const FLOORS = [
  ['endpoints'],
  ['live'],
  ['activities'],
  ['reconciliation'],
  ['members'],
  ['rules'],
  ['benefits'],
  ['tiers'],
  ['audit'],
  ['ledgers'],
  ['limits'],
  ['extensions'],
  ['programs'],
  ['expressions'],
  ['tenants'],
  ['shared'],
];

/** What each folder of src may import besides itself. main.ts and compose.ts may import everything. */
export const MAY_IMPORT = {
  kernel: [],
  config: ['kernel'],
  persistence: ['kernel'],
  extension: ['kernel'],
  events: ['kernel', 'persistence'],
  domain: ['kernel', 'persistence', 'extension', 'events'],
  'plugin-host': ['kernel', 'extension', 'persistence'],
  gateway: ['kernel', 'config', 'persistence', 'extension', 'events', 'domain', 'plugin-host'],
  jobs: ['kernel', 'config', 'persistence', 'extension', 'events', 'domain', 'plugin-host'],
  composition: [
    ...['kernel', 'config', 'persistence', 'extension', 'events', 'domain', 'plugin-host', 'gateway'],
    'jobs',
  ],
  boot: ['kernel', 'config', 'persistence', 'domain', 'gateway', 'compose.ts'],
  testing: [
    'boot',
    'kernel',
    'config',
    'persistence',
    'extension',
    'domain',
    'plugin-host',
    'gateway',
    'jobs',
    'compose.ts',
  ],
  cli: [
    'boot',
    'kernel',
    'config',
    'persistence',
    'extension',
    'events',
    'domain',
    'plugin-host',
    'gateway',
    'jobs',
    'compose.ts',
  ],
};

const REASONS = {
  kernel: 'The kernel is the bottom of the house: what everything imports can import nothing of ours.',
  config: 'The environment is parsed once, before anything else of ours exists to be asked.',
  persistence: 'Transactions and tenancy know nothing of what is stored through them.',
  extension: 'It is what a plugin author sees: whatever it pulled in, every plugin would depend on.',
  events: 'The bus carries hints about rows; it must not know the domains that listen.',
  domain: 'A domain neither knows who calls it nor how plugins are run, so both can be exchanged.',
  'plugin-host': 'The host asks and validates; the domain commits. If it knew the domain, it could write.',
  gateway: 'The gateway is a front door: jobs, commands and the composition root are not its business.',
  jobs: 'Jobs are a front door: the gateway, commands and the composition root are not their business.',
  composition: 'It holds parts of src/compose.ts, which calls them: what composes is not composed.',
  boot: 'A start opens the database and the doors; commands and jobs are not its business.',
  testing:
    'Authors of plugins start the product as it is, with the jobs that plugins bring; commands are not its business.',
  cli: 'Commands use what the composition root built; only src/main.ts starts the server.',
};

const DATABASE = '(^|/)node_modules/(pg|pg-[^/]+|postgres|@mikro-orm)(/|$)|^(pg|@mikro-orm/[^/]+)(/|$)';
const TYPE_GRAPHQL = '(^|/)node_modules/type-graphql(/|$)|^type-graphql(/|$)';
const SPEC = '[.]spec[.]ts$';

function layerRule([layer, allowed]) {
  const own = [layer, ...allowed].map((name) =>
    name.endsWith('.ts') ? `${name.replace('.', '[.]')}$` : `${name}/`,
  );
  return {
    name: `layer-${layer}`,
    comment: `${REASONS[layer]} It may import: ${allowed.join(', ') || 'nothing of ours'}.`,
    severity: 'error',
    from: { path: `^src/${layer}/` },
    to: { path: '^src/', pathNot: `^src/(${own.join('|')})` },
  };
}

function floorRule(floor, index) {
  const upper = FLOORS.slice(0, index).flat();
  return {
    name: `floor-${floor.join('-and-')}`,
    comment: `Below ${upper.join(', ')}: a lower domain that knew an upper one could not be read, tested or changed without it. A GraphQL field that points up is resolved in the upper folder.`,
    severity: 'error',
    from: { path: `^src/domain/(${floor.join('|')})/` },
    to: { path: `^src/domain/(${upper.join('|')})/` },
  };
}

const placed = FLOORS.flat().join('|');

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...Object.entries(MAY_IMPORT).map(layerRule),
    ...FLOORS.map(floorRule).slice(1),
    {
      name: 'domain-has-a-floor',
      comment: 'A domain folder without a floor could import any other: name its floor in FLOORS first.',
      severity: 'error',
      from: { path: '^src/domain/([^/]+)/', pathNot: `^src/domain/(${placed})/` },
      to: { path: '^src/domain/', pathNot: '^src/domain/($1|shared)/' },
    },
    {
      name: 'domain-from-a-floor',
      comment: 'Nor may a placed domain import one that has no floor: name its floor in FLOORS first.',
      severity: 'error',
      from: { path: `^src/domain/(${placed})/` },
      to: { path: '^src/domain/[^/]+/', pathNot: `^src/domain/(${placed})/` },
    },
    {
      name: 'domain-through-its-index',
      comment:
        'The index names what a domain promises its neighbours; the rest it may change without asking.',
      severity: 'error',
      from: { path: '^src/domain/([^/]+)/' },
      to: { path: '^src/domain/[^/]+/', pathNot: '^src/domain/($1|shared)/|^src/domain/[^/]+/index[.]ts$' },
    },
    {
      name: 'no-circular',
      comment: 'Files in a circle are one file: none can be understood, tested or loaded before the others.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'src-without-plugins',
      comment: 'Plugins are guests, found at run time by the host: the product must run without any of them.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^plugins/' },
    },
    {
      name: 'src-without-test-or-bench',
      comment: 'What ships must not need what tests it. Specs beside the source may use test/support.',
      severity: 'error',
      from: { path: '^(src|plugins)/', pathNot: SPEC },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'nobody-imports-a-spec',
      comment: 'A spec that is imported runs twice; shared helpers live in test/support.',
      severity: 'error',
      from: {},
      to: { path: SPEC },
    },
    {
      name: 'plugins-only-extension',
      comment: 'A plugin that reached behind the extension points would break with every change inside.',
      severity: 'error',
      from: { path: '^plugins/', pathNot: SPEC },
      to: { path: '^(src|bench|schema|migrations)/', pathNot: '^src/extension/' },
    },
    {
      name: 'plugins-apart',
      comment: 'An enterprise installs one plugin without another.',
      severity: 'error',
      from: { path: '^plugins/([^/]+)/' },
      to: { path: '^plugins/', pathNot: '^plugins/$1/' },
    },
    {
      name: 'extension-points-name-no-library',
      comment: 'A plugin author gets plain types and zod schemas, not the libraries that the server runs on.',
      severity: 'error',
      from: { path: '^src/extension/', pathNot: SPEC },
      to: { path: `${DATABASE}|${TYPE_GRAPHQL}|(^|/)node_modules/(@apollo|express|graphql-ws|ws)(/|$)` },
    },
    {
      name: 'type-graphql-at-the-border',
      comment: 'GraphQL is how we are asked, not what we decide: services, policies and SQL stay free of it.',
      severity: 'error',
      from: {
        path: '^(src|plugins)/',
        pathNot: `^src/gateway/|[.](entity|inputs|resolver)[.]ts$|^src/domain/.+[.]types[.]ts$|${SPEC}`,
      },
      to: { path: TYPE_GRAPHQL },
    },
    {
      name: 'sql-in-repositories',
      comment: 'The tenant predicate can be reviewed only if there is one place where SQL is sent from.',
      severity: 'error',
      from: {
        path: '^(src|plugins)/',
        pathNot: `^src/persistence/|[.](entity|repository)[.]ts$|${SPEC}`,
      },
      to: { path: DATABASE },
    },
    {
      name: 'nobody-imports-main',
      comment: 'src/main.ts starts the server as it is loaded; what it composes comes from src/compose.ts.',
      severity: 'error',
      from: { pathNot: '^src/main[.]ts$' },
      to: { path: '^src/main[.]ts$' },
    },
    {
      name: 'no-dev-dependency',
      comment: 'What ships is installed without dev dependencies, so it would not start.',
      severity: 'error',
      from: { path: '^(src|plugins)/', pathNot: SPEC },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-undeclared-dependency',
      comment: 'A package that only another package asked for is gone, or another version, one day.',
      severity: 'error',
      from: { pathNot: '^bench/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'resolvable',
      comment: 'A path that nobody resolves escapes every rule above.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // TypeScript 7 has no API to parse with. swc sees `import type` as well (tsPreCompilationDeps would ask for
    // the TypeScript API, and warn); where it is blind, the architecture test steps in.
    parser: 'swc',
    doNotFollow: { path: '(^|/)node_modules/|^test/e2e/generated/' },
    exclude: { path: '^dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types', 'typings'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.d.ts', '.json'],
    },
  },
};
