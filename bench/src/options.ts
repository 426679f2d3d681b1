import { parseArgs } from 'node:util';

export const DOCUMENTS = ['04', '05', '03'] as const;
export type DocumentName = (typeof DOCUMENTS)[number];

export const LEDGER_PARTS = ['posting', 'gateway', 'batch', 'lots', 'large', 'bytes', 'import'] as const;
export type LedgerPart = (typeof LEDGER_PARTS)[number];

export const EXTENSION_PARTS = ['sandbox', 'webhook', 'isolation'] as const;
export type ExtensionPart = (typeof EXTENSION_PARTS)[number];

export const LIVE_PARTS = ['fan-out', 'latency', 'stalled', 'memory', 'reconnect'] as const;
export type LivePart = (typeof LIVE_PARTS)[number];

const BENCHES = ['documents', 'tenancy', 'rules', 'review', 'ledger', 'feed', 'extensions', 'live'] as const;

const MEMBERS = {
  ...{ documents: '2000', tenancy: '2000', rules: '2000', review: '1000000' },
  ...{ ledger: '100000', feed: '20000', extensions: '2000', live: '10000' },
};
/** How long is measured, where it isn't said: these two have many parts. */
const TIMES = { seconds: '3', rounds: '5', warmUp: '4' };
const SHORT_TIMES = { seconds: '1', rounds: '3', warmUp: '1' };
const LIVE_TIMES = { seconds: '20', rounds: '5', warmUp: '5' };
const ENTRIES = '300000';
const LARGE_ENTRIES = '10000000';

export interface Options {
  readonly what: (typeof BENCHES)[number];
  /** How long each contender is measured in each round. */
  readonly seconds: number;
  readonly rounds: number;
  /** How long each contender is warmed up for each document, before the first round. */
  readonly warmUp: number;
  /** Connections, each with one request in flight; in `tenancy`, concurrent callers. */
  readonly connections: number;
  readonly members: number;
  readonly documents: readonly DocumentName[];
  /** What of the ledger's bench is run. */
  readonly parts: readonly LedgerPart[];
  /** What of the extensions' bench is run. */
  readonly extensions: readonly ExtensionPart[];
  /** What of the bench of live events is run. */
  readonly live: readonly LivePart[];
  /** How many entries the large database has. */
  readonly entries: number;
  /** Whether the ledger's bench is run in full size. */
  readonly large: boolean;
  /** Where the contenders' CPU profiles go. */
  readonly profile: string | undefined;
}

export const HELP = `Membergraph beside its peers and a hand-written floor: same database, same run.

  npm run bench                        documents 04 (member card), 05 (member list) and 03 (earn points)
  npm run bench -- --seconds 10        the same, measured for longer
  npm run bench tenancy                what tenancy costs a point read
  npm run bench rules                  what asking 100 rules about a purchase costs; no database
  npm run bench ledger                 the ledger's aims, each beside a floor: four minutes
  npm run bench ledger -- --large      the same with 10,000,000 entries and the whole import
  npm run bench feed                   two ways to order a tenant's feed, beside none
  npm run bench extensions             what asking an extension costs, by webhook and uploaded code, and what
                                       one that hangs or bombs costs the tenants beside it
  npm run bench live                   events to thousands of listeners: rate, latency, memory, coming back
  npm run bench review                 the daily review of tiers; all that it takes is --members

  --seconds N      measured seconds of each contender in each round (3; ledger, feed: 1; live: 20)
  --rounds N       rounds; the contenders take turns, the median counts (5; ledger, feed: 3);
                   in rules, of 20,000 purchases each; in extensions, of 2,000 calls each
  --warm-up N      seconds of load before anything is measured (4; ledger, feed: 1; live: 5)
  --connections N  connections (tenancy, ledger: callers, also as --callers), one request in flight each (64)
  --members N      members in the database (2000; ledger: 100000; feed: 20000; review: 1000000;
                   live: 10000, who all listen)
  --only 04|05|03  one document alone
  --only PART      in ledger, one part alone: posting, gateway, batch, lots, large, bytes or import
  --only PART      in extensions: sandbox, webhook or isolation
  --only PART      in live: fan-out, latency, stalled, memory or reconnect
  --entries N      entries of the large database in ledger (300000; with --large 10000000)
  --large          in ledger: 10,000,000 entries, 200,000 postings for bytes, the whole import
  --profile DIR    write a CPU profile of each contender's process to DIR

Contenders: membergraph is the real gateway; floor is a hand-tuned Mercurius server without tenants, rights or
limits; postgraphile is PostGraphile 5 under the same row-level security. Before measuring, each has to answer
with the same facts and to write the same rows. An error, of HTTP or of GraphQL, fails the run. Progress goes
to stderr, the table to stdout. bench/README.md says how to read it.
`;

const MOST = 100_000_000;

/** The options that the arguments say; null when they ask for help. */
export function readOptions(args: readonly string[]): Options | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      'warm-up': { type: 'string' },
      connections: { type: 'string', default: '64' },
      callers: { type: 'string' },
      members: { type: 'string' },
      only: { type: 'string' },
      entries: { type: 'string' },
      large: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  const [what = 'documents', ...more] = positionals;
  const bench = BENCHES.find((name) => name === what);
  if (bench === undefined || more.length > 0) {
    const asked = positionals.join(' ');
    throw new Error(`There is no bench "${asked}": try --help.`);
  }
  const times = timesOf(bench);
  const isOf = (other: Options['what']): string | undefined => (bench === other ? values.only : undefined);
  const hasParts = bench === 'ledger' || bench === 'extensions' || bench === 'live';
  return {
    what: bench,
    seconds: number('--seconds', values.seconds ?? times.seconds, 0.1),
    rounds: whole('--rounds', values.rounds ?? times.rounds),
    warmUp: number('--warm-up', values['warm-up'] ?? times.warmUp, 0),
    connections: whole('--connections', values.callers ?? values.connections),
    members: whole('--members', values.members ?? MEMBERS[bench]),
    documents: chosen(DOCUMENTS, hasParts ? undefined : values.only),
    parts: chosen(LEDGER_PARTS, isOf('ledger')),
    extensions: chosen(EXTENSION_PARTS, isOf('extensions')),
    live: chosen(LIVE_PARTS, isOf('live')),
    entries: whole('--entries', values.entries ?? (values.large ? LARGE_ENTRIES : ENTRIES)),
    large: values.large,
    profile: values.profile,
  };
}

function timesOf(bench: Options['what']): typeof TIMES {
  if (bench === 'live') return LIVE_TIMES;
  return bench === 'ledger' || bench === 'feed' ? SHORT_TIMES : TIMES;
}

/** The one that `--only` names; all, when it names none. */
function chosen<Name extends string>(names: readonly Name[], only: string | undefined): readonly Name[] {
  const found = names.filter((name) => only === undefined || name === only);
  if (found.length === 0) throw new Error(`--only takes ${names.join(', ')}, not "${only}".`);
  return found;
}

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= MOST)) {
    throw new Error(`${name} takes a number of at least ${least}, not "${text}".`);
  }
  return value;
}

function whole(name: string, text: string): number {
  const value = number(name, text, 1);
  if (!Number.isInteger(value)) throw new Error(`${name} takes a whole number, not "${text}".`);
  return value;
}
