import { cpus } from 'node:os';
import { CONTENDERS, type ContenderName } from './contenders/contenders.ts';
import type { LoadResult } from './load/job.ts';
import type { DocumentName, Options } from './options.ts';

/** One contender with one document in one round. */
export interface Measurement extends LoadResult {
  readonly document: DocumentName;
  readonly contender: ContenderName;
  /** Processor time a request, in microseconds; null where the system doesn't tell. */
  readonly serverUs: number | null;
  readonly databaseUs: number | null;
}

const TITLES = { '04': '04 member card', '05': '05 member list', '03': '03 earn points' };

type Cells = readonly string[];

/** The middle value; of an even number of them, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** The table of all documents and contenders, medians over the rounds, with how the product compares. */
export function printDocuments(
  measurements: readonly Measurement[],
  { database, options }: { readonly database: string; readonly options: Options },
): void {
  const lines: Cells[] = [
    ['document', 'contender', 'requests/s', 'p50 ms', 'p99 ms', 'errors', 'server µs', 'database µs'],
  ];
  const ratios: string[] = [];
  for (const document of options.documents) {
    const roundsOf = (contender: ContenderName): Measurement[] =>
      measurements.filter((one) => one.document === document && one.contender === contender);
    for (const contender of CONTENDERS) {
      const own = roundsOf(contender);
      lines.push([TITLES[document], contender, median(own.map(rateOf)).toFixed(0), ...numbersOf(own)]);
    }
    for (const peer of CONTENDERS.slice(1)) {
      const compared = comparison(roundsOf('membergraph'), roundsOf(peer));
      ratios.push(`${TITLES[document]}: membergraph/${peer} ${compared}`);
    }
  }
  const { connections, rounds, seconds, members } = options;
  const how = `${connections} connections, ${rounds} rounds of ${seconds} s, ${members} members`;
  print([...tableOf(lines, 2), '', ...ratios, '', `${how}; ${machineLine(database)}`]);
}

/**
 * How much faster the product was: in requests, and in what the same processor time would do. Each round is
 * compared by itself, because what else the machine does changes from one to the next.
 */
function comparison(product: readonly Measurement[], peer: readonly Measurement[]): string {
  const byRound = (speedOf: (one: Measurement) => number | null): number =>
    median(product.map((one, round) => (speedOf(one) ?? 0) / (speedOf(peer[round] ?? one) ?? 0)));
  const byRate = byRound(rateOf).toFixed(2);
  const byCpu = byRound(({ serverUs, databaseUs }) =>
    serverUs === null || databaseUs === null ? null : 1 / (serverUs + databaseUs),
  );
  return Number.isNaN(byCpu) ? byRate : `${byRate} (by processor time ${byCpu.toFixed(2)})`;
}

function rateOf({ completed, seconds }: Measurement): number {
  return completed / seconds;
}

export function machineLine(database?: string): string {
  const [cpu] = cpus();
  const machine = `${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores`;
  const node = `${machine}; Node ${process.versions.node}`;
  return database === undefined ? node : `${node}, PostgreSQL ${database}`;
}

/** Columns as wide as they need be: the first ones to the left, numbers to the right. */
export function tableOf(lines: readonly Cells[], textColumns: number): string[] {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines.map((line) =>
    line
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < textColumns ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

function numbersOf(own: readonly Measurement[]): string[] {
  const errors = own.reduce((sum, { failed }) => sum + failed, 0);
  return [
    median(own.map(({ p50Ms }) => p50Ms)).toFixed(1),
    median(own.map(({ p99Ms }) => p99Ms)).toFixed(1),
    String(errors),
    microseconds(own.map(({ serverUs }) => serverUs)),
    microseconds(own.map(({ databaseUs }) => databaseUs)),
  ];
}

function microseconds(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? '–' : median(known).toFixed(0);
}
