import { hash } from 'node:crypto';
import { createWriteStream, openSync, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { ActivityService } from '../../domain/activities/index.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { CommandFailure, explainReason } from '../session.ts';
import { text } from '../texts.ts';
import type { Purchase, PurchaseLine } from './lines.ts';

export interface ImportJob {
  readonly ctx: RequestContext;
  readonly activities: ActivityService;
  readonly lines: AsyncIterable<PurchaseLine>;
  /** What kind of file: a part of the keys. */
  readonly format: string;
  readonly currency: string;
  readonly type: string;
  /** How many lines are committed together. */
  readonly batch: number;
  /** How many commits are under way at once. */
  readonly concurrency: number;
  readonly refusedFile: string;
  /** Told after each line. */
  onLine(bytes: number): void;
  /** Stops taking lines; what is under way is finished. */
  readonly signal: AbortSignal;
}

/** The key of a line: its content and its count among equals, so that it is the same in every run. */
export function lineKey(format: string, content: string, count: number): string {
  return `import:${format}:${hash('sha256', content, 'base64url')}:${count}`;
}

/** Lines that were refused, each with its number and why; the file is made when there is one. */
class RefusedLines {
  readonly #file: string;
  #stream: WriteStream | null = null;
  count = 0;

  constructor(file: string) {
    this.#file = file;
  }

  add({ number, raw }: PurchaseLine, reason: string): void {
    this.#stream ??= opened(this.#file);
    this.#stream.write(`${number}\t${reason}\t${raw}\n`);
    this.count += 1;
  }

  async close(): Promise<void> {
    if (this.#stream === null) return;
    this.#stream.end();
    await finished(this.#stream);
  }
}

/** @throws CommandFailure when it can't be written */
function opened(file: string): WriteStream {
  try {
    return createWriteStream(file, { fd: openSync(file, 'w') });
  } catch {
    throw new CommandFailure(text('import.noRefusedFile', { file }));
  }
}

/** A line on its way, with its count among equals. */
interface CountedLine {
  readonly line: PurchaseLine;
  readonly purchase: Purchase;
  readonly count: number;
}

/** What is recorded one after the other: all lines of a member are in one lane. */
interface Lane {
  readonly gathered: CountedLine[];
  /** Null while it has no commit under way. */
  working: Promise<void> | null;
}

/** How many lines are read ahead, in commits of each lane: with one that is full, none waits for another. */
const READ_AHEAD = 2;

/**
 * Records every line through the service that `recordActivity` uses, many in one transaction. Lines of one
 * member go one after the other, in the file's order; while the database is at work for one lane, the next
 * commit of another is worked out. A lane waits for its own lines alone.
 * @returns how many lines were read, and how many of them refused
 */
export async function importActivities(job: ImportJob): Promise<{ read: number; refused: number }> {
  const refused = new RefusedLines(job.refusedFile);
  const seen = new Map<string, number>();
  const lanes = Array.from({ length: job.concurrency }, (): Lane => ({ gathered: [], working: null }));
  const mostUnderWay = READ_AHEAD * job.batch * lanes.length;
  let underWay = 0;
  let failure: unknown = null;
  const work = async (lane: Lane, atLeast: number): Promise<void> => {
    try {
      while (lane.gathered.length >= atLeast && failure === null && !job.signal.aborted) {
        const lines = lane.gathered.splice(0, job.batch);
        await recordLines(job, lines, refused);
        underWay -= lines.length;
      }
    } catch (error) {
      failure ??= error;
    } finally {
      lane.working = null;
    }
  };
  /** Commits what a lane has gathered, unless it is at work. */
  const start = (lane: Lane, atLeast = job.batch): void => {
    if (lane.working === null && lane.gathered.length >= atLeast) lane.working = work(lane, atLeast);
  };
  let read = 0;
  for await (const line of job.lines) {
    if (job.signal.aborted || failure !== null) break;
    read += 1;
    const { purchase } = line;
    if (purchase === null) {
      refused.add(line, text('import.lineBad'));
      job.onLine(line.bytes);
      continue;
    }
    const count = (seen.get(purchase.content) ?? 0) + 1;
    seen.set(purchase.content, count);
    const lane = lanes[laneOf(purchase.identity.value, lanes.length)];
    if (lane === undefined) continue;
    lane.gathered.push({ line, purchase, count });
    underWay += 1;
    start(lane);
    while (underWay >= mostUnderWay && failure === null && !job.signal.aborted)
      await Promise.race(lanes.flatMap(({ working }) => working ?? []));
  }
  await Promise.all(lanes.map(({ working }) => working));
  for (const lane of lanes) start(lane, 1);
  await Promise.all(lanes.map(({ working }) => working));
  await refused.close();
  if (failure !== null) throw failure;
  return { read, refused: refused.count };
}

function laneOf(value: string, lanes: number): number {
  let hash = 0;
  for (let index = 0; index < value.length; index += 1)
    hash = (hash * 31 + value.charCodeAt(index)) % 1_000_003;
  return hash % lanes;
}

async function recordLines(
  { ctx, activities, format, currency, type, onLine }: ImportJob,
  lines: readonly CountedLine[],
  refused: RefusedLines,
): Promise<void> {
  // With all keys in order: what makes a request out of each then has less to do.
  const inputs = lines.map(({ purchase, count }) => ({
    amount: { currency, value: purchase.amount },
    enrolIfUnknown: true,
    idempotencyKey: lineKey(format, purchase.content, count),
    identity: purchase.identity,
    occurredAt: purchase.occurredAt,
    order: purchase.order === null ? null : { number: purchase.order },
    source: { channel: 'IMPORT', store: purchase.store },
    type,
  }));
  const outcomes = await activities.recordAll(ctx, inputs, { isImport: true });
  for (const [index, { line }] of lines.entries()) {
    const reasons = outcomes[index]?.reasons ?? [];
    if (reasons.length > 0) {
      refused.add(line, reasons.map((reason) => `${reason.code}: ${explainReason(reason)}`).join(' '));
    }
    onLine(line.bytes);
  }
}
