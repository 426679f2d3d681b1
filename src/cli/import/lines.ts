import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type CsvError, parse } from 'csv-parse';
import { DateTime } from 'luxon';
import { IdentityKind } from '../../domain/members/index.ts';
import { CommandFailure } from '../session.ts';
import { text } from '../texts.ts';

/** One purchase of a file. */
export interface PurchaseLine {
  /** As an editor counts them, from 1. */
  readonly number: number;
  /** As it stands in the file. */
  readonly raw: string;
  /** Its bytes in the file, for the progress. */
  readonly bytes: number;
  /** What it says; null when it isn't of the format. */
  readonly purchase: Purchase | null;
}

export interface Purchase {
  readonly identity: { readonly kind: IdentityKind; readonly value: string };
  readonly occurredAt: Date;
  /** A decimal of the program's currency. */
  readonly amount: string;
  readonly order: string | null;
  readonly store: string | null;
  /** The same for equal lines: what makes the key, with the count among equals. */
  readonly content: string;
}

/** Which columns of a csv file say what. */
export interface CsvColumns {
  readonly member: string;
  readonly identityKind: IdentityKind;
  readonly date: string;
  readonly dateFormat: string | null;
  readonly amount: string;
  readonly order: string | null;
  readonly store: string | null;
  readonly delimiter: string;
}

/** How many dates are remembered: reading one costs as much as all else in a line, and files repeat them. */
const MOST_DATES = 10_000;

/** Reads dates as a parser does; null where that finds none. */
function dateReader(parse: (text: string) => DateTime): (text: string) => Date | null {
  const known = new Map<string, Date | null>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const parsed = parse(text);
    const date = parsed.isValid ? parsed.toJSDate() : null;
    if (known.size >= MOST_DATES) known.clear();
    known.set(text, date);
    return date;
  };
}

const CDNOW_LINE = /^(\d{1,9})\s+(\d{8})\s+(\d{1,6})\s+(\d{1,9}\.\d{2})$/;

/**
 * The CDNOW master file: a header; then customer, yyyymmdd, number of CDs, dollars, with white space
 * between.
 */
export async function* readCdnow(file: string, zone: string): AsyncGenerator<PurchaseLine> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  const toMoment = dateReader((date) => DateTime.fromFormat(date, 'yyyyMMdd', { zone }));
  let number = 0;
  for await (const raw of lines) {
    number += 1;
    const bytes = Buffer.byteLength(raw) + 1;
    if (number === 1 || raw.trim() === '') continue;
    yield { number, raw, bytes, purchase: toCdnowPurchase(raw.trim(), toMoment) };
  }
}

function toCdnowPurchase(line: string, toMoment: (date: string) => Date | null): Purchase | null {
  const [, customer, date, count, dollars] = CDNOW_LINE.exec(line) ?? [];
  if (customer === undefined || date === undefined || dollars === undefined) return null;
  const occurredAt = toMoment(date);
  if (occurredAt === null) return null;
  return {
    identity: { kind: IdentityKind.EXTERNAL, value: customer },
    occurredAt,
    amount: dollars,
    order: null,
    store: null,
    content: `${customer} ${date} ${count} ${dollars}`,
  };
}

interface CsvRow {
  readonly record: Readonly<Record<string, string>>;
  readonly raw: string;
  readonly info: { readonly lines: number };
}

/** A csv file with a header line; columns are named by the caller. */
export async function* readCsv(
  file: string,
  zone: string,
  columns: CsvColumns,
): AsyncGenerator<PurchaseLine> {
  const broken: PurchaseLine[] = [];
  const rows = createReadStream(file).pipe(
    parse({
      // A quote within a field stands for itself; one that is never closed is refused with all behind it.
      relaxQuotes: true,
      skipRecordsWithError: true,
      onSkip: (error, raw = '') => {
        broken.push(brokenLine(error, raw));
        return undefined;
      },
      bom: true,
      delimiter: columns.delimiter,
      relaxColumnCount: true,
      skipEmptyLines: true,
      raw: true,
      info: true,
      columns: (header: string[]) => {
        const named = [columns.member, columns.date, columns.amount, columns.order, columns.store];
        for (const column of named) {
          if (column !== null && !header.includes(column)) {
            throw new CommandFailure(text('import.missingColumn', { column }));
          }
        }
        return header;
      },
    }),
  );
  const { dateFormat } = columns;
  const toMoment = dateReader((date) =>
    dateFormat === null ? DateTime.fromISO(date, { zone }) : DateTime.fromFormat(date, dateFormat, { zone }),
  );
  for await (const { record, raw, info } of rows as AsyncIterable<CsvRow>) {
    yield* broken.splice(0);
    const line = raw.replace(/\r?\n$/, '');
    const purchase = toCsvPurchase(record, toMoment, columns);
    yield { number: info.lines, raw: line, bytes: Buffer.byteLength(raw), purchase };
  }
  yield* broken;
}

function brokenLine(error: CsvError | undefined, raw: string): PurchaseLine {
  return { number: Number(error?.lines ?? 0), raw, bytes: Buffer.byteLength(raw), purchase: null };
}

function toCsvPurchase(
  record: CsvRow['record'],
  toMoment: (date: string) => Date | null,
  columns: CsvColumns,
): Purchase | null {
  const member = record[columns.member]?.trim();
  const date = record[columns.date]?.trim() ?? '';
  const amount = record[columns.amount]?.trim();
  const occurredAt = toMoment(date);
  if (member === undefined || member === '' || amount === undefined || amount === '' || occurredAt === null)
    return null;
  const order = columns.order === null ? null : (record[columns.order]?.trim() ?? null);
  return {
    identity: { kind: columns.identityKind, value: member },
    occurredAt,
    amount,
    order: order === '' ? null : order,
    store: columns.store === null ? null : (record[columns.store]?.trim() ?? null),
    content: Object.values(record).join('\u001f'),
  };
}
