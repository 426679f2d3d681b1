import { z } from 'zod';
import type { PointsReadInput, PointsReadOutput } from '../../src/extension/index.ts';
import { customerOf } from './accounts.ts';
import { ask, type Context, isAsked } from './endpoint.ts';
import { branchOf, type LogFields } from './settings.ts';

type Line = NonNullable<PointsReadOutput['log']>[number];
type Page = NonNullable<PointsReadInput['log']>;

const METHOD = 'GetCustomerPointsLogExtPoint.invoke';
const LINES_OF_A_PAGE = 100;
/** The method knows pages and no lines: it is gone through from the newest on, but not for ever. */
const MOST_PAGES = 20;
/** Moments of JSON's numbers are milliseconds from here on, and seconds below. */
const FIRST_MILLISECONDS = 100_000_000_000;
const LAST_MILLISECOND = Date.UTC(9999, 11, 31);
const LONGEST_REASON = 500;

const pagination = z.object({
  logDTOList: z.array(z.record(z.string(), z.unknown())),
  total: z.int().min(0),
});
const moment = z.union([
  z.iso.datetime({ offset: true }),
  z
    .int()
    .min(0)
    .max(LAST_MILLISECOND)
    .transform((at) => new Date(at < FIRST_MILLISECONDS ? at * 1_000 : at).toISOString()),
]);
const line = z.object({
  reference: z.union([z.string().min(1).max(200), z.int().transform(String)]),
  amount: z.int().transform(String),
  occurredAt: moment,
  reason: z.string().nullish(),
});

/**
 * A page of the enterprise's log behind a line, newest first; undefined where it tells none.
 * @throws when the line isn't found among the newest
 */
export async function readLog(
  member: PointsReadInput['member'],
  { first, after }: Page,
  context: Context,
): Promise<Line[] | undefined> {
  const { configuration: settings } = context;
  const { logFields } = settings;
  if (logFields === null || !isAsked(settings, METHOD)) return undefined;
  const lines: Line[] = [];
  let isBehind = after === null;
  let seen = 0;
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const request = {
      extCustomerInfoDTO: customerOf(member.attributes, settings),
      ...{ page, pageSize: LINES_OF_A_PAGE, kdtId: settings.kdtId, nodeId: branchOf(settings, null) },
    };
    const reply = await ask(context, METHOD, request, pagination);
    if ('refusal' in reply) return undefined;
    const { logDTOList, total } = reply.data;
    seen += logDTOList.length;
    for (const element of logDTOList) {
      const read = toLine(element, logFields);
      if (isBehind) lines.push(read);
      isBehind ||= read.reference === after;
    }
    const isOver = logDTOList.length === 0 || seen >= total;
    if (isOver || lines.length >= first) return lines.slice(0, first);
  }
  if (lines.length > 0) return lines;
  throw new Error('The line that the page begins behind is not among the newest of the log.');
}

/** @throws when an element isn't as it was configured; what stood there isn't said */
function toLine(element: Readonly<Record<string, unknown>>, fields: LogFields): Line {
  const { reference, amount, occurredAt, reason } = fields;
  const read = line.safeParse({
    ...{ reference: element[reference], amount: element[amount], occurredAt: element[occurredAt] },
    reason: reason === null ? null : element[reason],
  });
  if (read.error !== undefined) {
    const [wrong] = read.error.issues[0]?.path ?? [];
    throw new Error(`A line of the log has no good field for "${String(wrong)}" as "logFields" says.`);
  }
  return { ...read.data, reason: read.data.reason?.slice(0, LONGEST_REASON).toWellFormed() };
}
