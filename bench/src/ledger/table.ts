import { tableOf } from '../report.ts';
import { comparedBy, limitOf, medianOf, type Result, rateOf, type Slice } from './contest.ts';

/** A line of the table at the end. */
export interface Row {
  readonly what: string;
  readonly by: string;
  readonly perSecond: string;
  readonly p50Ms: string;
  readonly p99Ms: string;
  /** How the product compares with this. */
  readonly ratio: string;
  readonly aim: string;
  readonly limit: string;
}

/** What a ratio should be: at least, or at most. */
export interface Aim {
  readonly is: '≥' | '≤';
  readonly value: number;
}

const HEAD = ['postings', 'by', 'per second', 'p50 ms', 'p99 ms', 'membergraph is', 'aim'];

/** What is compared with what, under which aim. */
export interface Comparison {
  readonly what: string;
  /** How the product is called in the result. */
  readonly ours: string;
  /** By the names of the others. */
  readonly aims: Readonly<Record<string, Aim>>;
  /** Entries in one request. */
  readonly each?: number;
  /** What serves the product's requests, and what the others'. */
  readonly servers: readonly [string, string];
  /** Rates are compared, unless latencies are asked for. */
  readonly byLatency?: boolean;
}

/** A row for each contender; others are compared with the product. */
export function rowsOf(
  result: Result,
  { what, ours, aims, each = 1, servers, byLatency = false }: Comparison,
): Row[] {
  const own = result.get(ours) ?? [];
  const value = byLatency ? ({ p50Ms }: Slice): number => p50Ms : rateOf;
  return [...result].map(([by, slices]) => {
    const isOurs = by === ours;
    const aim = isOurs ? undefined : aims[by];
    const ratio = isOurs ? Number.NaN : comparedBy(value, own, slices);
    return {
      ...{ what, by },
      perSecond: (medianOf(slices, rateOf) * each).toFixed(0),
      p50Ms: medianOf(slices, ({ p50Ms }) => p50Ms).toFixed(1),
      p99Ms: medianOf(slices, ({ p99Ms }) => p99Ms).toFixed(1),
      ratio: isOurs ? '' : spellRatio(ratio, byLatency ? 'p50 ' : ''),
      aim: spellAim(ratio, aim),
      limit: limitOf(slices, servers[isOurs ? 0 : 1]),
    };
  });
}

export function spellRatio(ratio: number, before = ''): string {
  return `${before}${ratio.toFixed(2)}×`;
}

export function spellAim(value: number, aim: Aim | undefined): string {
  if (aim === undefined) return '';
  const isMet = aim.is === '≥' ? value >= aim.value : value <= aim.value;
  return `${aim.is} ${aim.value} ${isMet ? 'met' : 'missed'}`;
}

/** The lines of the table: what limits comes last, as wide as it likes. */
export function linesOf(rows: readonly Row[]): string[] {
  const cells = rows.map(({ what, by, perSecond, p50Ms, p99Ms, ratio, aim }) => [
    ...[what, by, perSecond, p50Ms, p99Ms, ratio, aim],
  ]);
  const lines = tableOf([HEAD, ...cells], 2);
  const width = Math.max(...lines.map((line) => line.length));
  const limits = ['what limits it', ...rows.map(({ limit }) => limit)];
  return lines.map((line, index) => `${line.padEnd(width)}  ${limits[index] ?? ''}`.trimEnd());
}
