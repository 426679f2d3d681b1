import { createHash } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { ActivityService } from '../../domain/activities/index.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { explainReason } from '../session.ts';
import { text } from '../texts.ts';
import type { Purchase, PurchaseLine } from './lines.ts';

/** How far a lane may run ahead of what it has recorded. */
const LINES_A_LANE = 32;

export interface ImportJob {
  readonly ctx: RequestContext;
  readonly activities: ActivityService;
  readonly lines: AsyncIterable<PurchaseLine>;
  /** What kind of file: a part of the keys. */
  readonly format: string;
  readonly currency: string;
  readonly type: string;
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

/**
 * Records every line through the service that `recordActivity` uses. Lines of one member go one after the
 * other, in the file's order; different members' go side by side.
 * @returns how many lines were refused
 */
export async function importActivities(job: ImportJob): Promise<{ refused: number }> {
  const refused = new RefusedLines(job.refusedFile);
  const seen = new Map<string, number>();
  const lanes = Array.from({ length: job.concurrency }, () => ({ tail: Promise.resolve(), waiting: 0 }));
  let failure: unknown = null;
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
    if (lane === undefined) continue;
    lane.waiting += 1;
    lane.tail = lane.tail.then(async () => {
      try {
        if (failure === null) await recordLine(job, line, purchase, count, refused);
      } catch (error) {
        failure ??= error;
      }
      lane.waiting -= 1;
      job.onLine(line.bytes);
    });
    if (lane.waiting >= LINES_A_LANE) await lane.tail;
  }
  await Promise.all(lanes.map(({ tail }) => tail));
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

async function recordLine(
  { ctx, activities, format, currency, type }: ImportJob,
  line: PurchaseLine,
  purchase: Purchase,
  count: number,
  refused: RefusedLines,
): Promise<void> {
  try {
    await activities.record(
      ctx,
      {
        idempotencyKey: lineKey(format, purchase.content, count),
        identity: purchase.identity,
        enrolIfUnknown: true,
        type,
        occurredAt: purchase.occurredAt,
        amount: { value: purchase.amount, currency },
        order: purchase.order === null ? null : { number: purchase.order },
        source: { channel: 'IMPORT', store: purchase.store },
      },
      { isImport: true },
    );
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    refused.add(line, error.reasons.map((reason) => `${reason.code}: ${explainReason(reason)}`).join(' '));
  }
}
