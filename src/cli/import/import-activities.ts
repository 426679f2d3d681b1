import { createHash } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { ActivityService } from '../../domain/activities/index.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { explainReason } from '../session.ts';
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
  const digest = createHash('sha256').update(content).digest('base64url');
  return `import:${format}:${digest}:${count}`;
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
    this.#stream ??= createWriteStream(this.#file);
    this.#stream.write(`${number}\t${reason}\t${raw}\n`);
    this.count += 1;
  }

  async close(): Promise<void> {
    if (this.#stream === null) return;
    this.#stream.end();
    await finished(this.#stream);
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
  gathered: CountedLine[];
  working: Promise<void>;
}

/**
 * Records every line through the service that `recordActivity` uses, many in one transaction. Lines of one
 * member go one after the other, in the file's order; while the database is at work for one lane, the next
 * commit of another is worked out. Nothing is read while each lane has one commit under way and another full.
 * @returns how many lines were refused
 */
export async function importActivities(job: ImportJob): Promise<{ refused: number }> {
  const refused = new RefusedLines(job.refusedFile);
  const seen = new Map<string, number>();
  const lanes = Array.from({ length: job.concurrency }, (): Lane => {
    return { gathered: [], working: Promise.resolve() };
  });
  let failure: unknown = null;
  const send = async (lane: Lane): Promise<void> => {
    const { gathered } = lane;
    lane.gathered = [];
    await lane.working;
    if (failure !== null || job.signal.aborted) return;
    lane.working = recordLines(job, gathered, refused).catch((error: unknown) => {
      failure ??= error;
    });
  };
  for await (const line of job.lines) {
    if (job.signal.aborted || failure !== null) break;
    const { purchase } = line;
    if (purchase === null) {
      refused.add(line, text('import.lineBad'));
      job.onLine(line.bytes);
      continue;
    }
    const count = (seen.get(purchase.content) ?? 0) + 1;
    seen.set(purchase.content, count);
    const lane = lanes[laneOf(purchase.identity.value, lanes.length)];
    lane?.gathered.push({ line, purchase, count });
    if (lane !== undefined && lane.gathered.length >= job.batch) await send(lane);
  }
  await Promise.all(lanes.map(send));
  await Promise.all(lanes.map(({ working }) => working));
  await refused.close();
  if (failure !== null) throw failure;
  return { refused: refused.count };
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
  const inputs = lines.map(({ purchase, count }) => ({
    idempotencyKey: lineKey(format, purchase.content, count),
    identity: purchase.identity,
    enrolIfUnknown: true,
    type,
    occurredAt: purchase.occurredAt,
    amount: { value: purchase.amount, currency },
    order: purchase.order === null ? null : { number: purchase.order },
    source: { channel: 'IMPORT', store: purchase.store },
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
