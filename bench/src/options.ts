import { parseArgs } from 'node:util';

export const DOCUMENTS = ['04', '05', '03'] as const;
export type DocumentName = (typeof DOCUMENTS)[number];

const BENCHES = ['documents', 'tenancy', 'rules', 'review', 'ledger'] as const;

const MEMBERS = { documents: '2000', tenancy: '2000', rules: '2000', review: '1000000', ledger: '100000' };

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
  /** Where the contenders' CPU profiles go. */
  readonly profile: string | undefined;
}

export const HELP = `Membergraph beside its peers and a hand-written floor: same database, same run.

  npm run bench                        documents 04 (member card), 05 (member list) and 03 (earn points)
  npm run bench -- --seconds 10        the same, measured for longer
  npm run bench tenancy                what tenancy costs a point read
  npm run bench rules                  what asking 100 rules about a purchase costs; no database
  npm run bench ledger                 postings, beside a transaction and a function for each
  npm run bench review                 the daily review of tiers; all that it takes is --members

  --seconds N      measured seconds of each contender in each round (3)
  --rounds N       rounds; the contenders take turns, the median counts (5);
                   in rules, of 20,000 purchases each
  --warm-up N      seconds of load before anything is measured (4)
  --connections N  connections (tenancy, ledger: callers, also as --callers), one request in flight each (64)
  --members N      members in the database (2000; ledger: 100000; review: 1000000)
  --only 04|05|03  one document alone
  --profile DIR    write a CPU profile of each contender's process to DIR

Contenders: membergraph is the real gateway; floor is a hand-tuned Mercurius server without tenants, rights or
limits; postgraphile is PostGraphile 5 under the same row-level security. Before measuring, each has to answer
with the same facts and to write the same rows. An error, of HTTP or of GraphQL, fails the run. Progress goes
to stderr, the table to stdout. bench/README.md says how to read it.
`;

/** The options that the arguments say; null when they ask for help. */
export function readOptions(args: readonly string[]): Options | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '4' },
      connections: { type: 'string', default: '64' },
      callers: { type: 'string' },
      members: { type: 'string' },
      only: { type: 'string' },
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
  const only = DOCUMENTS.filter((name) => values.only === undefined || name === values.only);
  if (only.length === 0) throw new Error(`--only takes 04, 05 or 03, not "${values.only}".`);
  return {
    what: bench,
    seconds: number('--seconds', values.seconds, 0.1),
    rounds: whole('--rounds', values.rounds),
    warmUp: number('--warm-up', values['warm-up'], 0),
    connections: whole('--connections', values.callers ?? values.connections),
    members: whole('--members', values.members ?? MEMBERS[bench]),
    documents: only,
    profile: values.profile,
  };
}

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= 1_000_000)) {
    throw new Error(`${name} takes a number of at least ${least}, not "${text}".`);
  }
  return value;
}

function whole(name: string, text: string): number {
  const value = number(name, text, 1);
  if (!Number.isInteger(value)) throw new Error(`${name} takes a whole number, not "${text}".`);
  return value;
}
