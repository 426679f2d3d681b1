import { access, constants, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Presets, SingleBar } from 'cli-progress';
import { type Command, Option } from 'commander';
import { operatorContext, readExampleProgram } from '../../boot/index.ts';
import { IdentityKind } from '../../domain/members/index.ts';
import { CommandFailure, inSession, type Session, tenantNamed } from '../session.ts';
import { text } from '../texts.ts';
import { importActivities } from './import-activities.ts';
import { type CsvColumns, type PurchaseLine, readCdnow, readCsv } from './lines.ts';

/** The tenant and example program that belong to the CDNOW file. */
const CDNOW = 'cdnow';
const POINTS = 'points';
const PLAIN_PROGRESS_EVERY_MS = 5_000;

interface ImportOptions {
  readonly format: string;
  readonly tenant: string;
  readonly type: string;
  readonly batch: string;
  readonly concurrency: string;
  readonly refusedFile?: string;
  readonly memberColumn?: string;
  readonly identityKind: IdentityKind;
  readonly dateColumn?: string;
  readonly dateFormat?: string;
  readonly amountColumn?: string;
  readonly orderColumn?: string;
  readonly storeColumn?: string;
  readonly delimiter: string;
}

/** With what was said of counts as numbers. */
type CountedOptions = Omit<ImportOptions, 'batch' | 'concurrency'> & {
  readonly batch: number;
  readonly concurrency: number;
};

/** @param exitWith hears the exit code: 130 when the import was stopped */
export function addImportCommand(cli: Command, exitWith: (code: number) => void): void {
  cli
    .command('import')
    .description(text('import.about'))
    .command('activities')
    .description(text('import.activities.about'))
    .argument('<file>', text('import.file'))
    .requiredOption('--format <format>', text('import.format'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .option('--type <code>', text('import.type'), 'purchase')
    .option('--refused-file <file>', text('import.refusedFile'))
    .option('--batch <lines>', text('import.batch'), '500')
    .option('--concurrency <commits>', text('import.concurrency'), '3')
    .option('--member-column <name>', text('import.column.member'))
    .addOption(
      new Option('--identity-kind <kind>', text('import.column.identity'))
        .choices(Object.values(IdentityKind))
        .default('EXTERNAL'),
    )
    .option('--date-column <name>', text('import.column.date'))
    .option('--date-format <format>', text('import.column.dateFormat'))
    .option('--amount-column <name>', text('import.column.amount'))
    .option('--order-column <name>', text('import.column.order'))
    .option('--store-column <name>', text('import.column.store'))
    .option('--delimiter <character>', text('import.delimiter'), ',')
    .action(async (file: string, options: ImportOptions) => {
      exitWith(await runImport(file, options));
    });
}

async function runImport(file: string, options: ImportOptions): Promise<number> {
  const size = await sizeOf(file);
  const counts = { batch: toCount(options.batch), concurrency: toCount(options.concurrency) };
  const columns = options.format === 'csv' ? toColumns(options) : null;
  if (columns === null && options.format !== CDNOW) {
    throw new CommandFailure(text('import.unknownFormat', { format: options.format }));
  }
  // What a commit is made of lives until it is done, which V8 takes for long: it would put it where only full
  // collections look.
  setFlagsFromString('--no-allocation-site-pretenuring');
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await inSession(
      (session) => importInto(session, file, size, { ...options, ...counts }, columns, stopping.signal),
      {
        relaxedCommits: true,
      },
    );
  } finally {
    process.removeListener('SIGINT', stop).removeListener('SIGTERM', stop);
  }
}

async function importInto(
  session: Session,
  file: string,
  size: number,
  options: CountedOptions,
  columns: CsvColumns | null,
  signal: AbortSignal,
): Promise<number> {
  const { activities, programs } = session.application.services;
  const startedAt = performance.now();
  const tenantKey = await ensureTenant(session, options);
  const { definition } = await programs.inForce(tenantKey);
  const zone = definition.timeZone;
  const lines: AsyncIterable<PurchaseLine> =
    columns === null ? readCdnow(file, zone) : readCsv(file, zone, columns);
  const refusedFile = options.refusedFile ?? `${basename(file)}.refused.txt`;
  const progress = startProgress(size);
  const { read, refused } = await importActivities({
    ctx: operatorContext(tenantKey, 'import'),
    activities,
    lines,
    format: options.format,
    currency: definition.currency,
    type: options.type,
    batch: options.batch,
    concurrency: options.concurrency,
    refusedFile,
    onLine: progress.onLine,
    signal,
  }).finally(progress.stop);
  await session.application.database.harden(tenantKey);
  if (refused > 0) process.stderr.write(`${text('import.refused', { count: refused, file: refusedFile })}\n`);
  const totals = await activities.totals(tenantKey, POINTS);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const { members, activities: recorded, points } = totals;
  process.stdout.write(
    `{"members": ${members}, "activities": ${recorded}, "points": ${points}, "refused": ${refused}, ` +
      `"seconds": ${seconds}}\n`,
  );
  // Lines that can't be taken are a matter of their own; a file of nothing else is the wrong one.
  if (!signal.aborted) return refused > 0 && refused === read ? 1 : 0;
  process.stderr.write(`${text('import.stopped')}\n`);
  return 130;
}

/** @throws CommandFailure when it can't be read, or is a folder */
async function sizeOf(file: string): Promise<number> {
  const found = await access(file, constants.R_OK).then(
    () => stat(file),
    () => null,
  );
  if (found === null || found.isDirectory()) throw new CommandFailure(text('import.noFile', { file }));
  return found.size;
}

/** @throws CommandFailure when it is no whole number from 1 */
function toCount(option: string): number {
  if (!/^[1-9]\d{0,5}$/.test(option)) throw new CommandFailure(text('import.badCount', { value: option }));
  return Number(option);
}

/** The tenant named; the one of the CDNOW file is made with its program when it is missing. */
async function ensureTenant(session: Session, { tenant, format }: CountedOptions): Promise<string> {
  const { tenants, programs } = session.application.services;
  const known = await tenants.findKeyByCode(tenant);
  if (known !== null || tenant !== CDNOW || format !== CDNOW)
    return known ?? (await tenantNamed(session, tenant));
  const { tenantKey } = await tenants.create({
    code: CDNOW,
    name: { en: 'CDNOW' },
    locale: 'en',
    sandbox: true,
  });
  await programs.apply(tenantKey, await readExampleProgram(CDNOW), 'import');
  return tenantKey;
}

/** @throws CommandFailure when a column is missing */
function toColumns(options: ImportOptions): CsvColumns {
  const { memberColumn, dateColumn, amountColumn } = options;
  if (memberColumn === undefined || dateColumn === undefined || amountColumn === undefined) {
    const missing = '--member-column --date-column --amount-column';
    throw new CommandFailure(text('import.noColumns', { missing }));
  }
  return {
    member: memberColumn,
    identityKind: options.identityKind,
    date: dateColumn,
    dateFormat: options.dateFormat ?? null,
    amount: amountColumn,
    order: options.orderColumn ?? null,
    store: options.storeColumn ?? null,
    delimiter: options.delimiter,
  };
}

/**
 * A bar with rate and time left on a terminal; a line every few seconds elsewhere. On stderr: stdout is for
 * results.
 */
function startProgress(size: number): { onLine(bytes: number): void; stop(): void } {
  let lines = 0;
  let bytes = 0;
  const startedAt = performance.now();
  const rate = (): number => Math.round(lines / Math.max(0.001, (performance.now() - startedAt) / 1_000));
  if (process.stderr.isTTY) {
    const format = `${text('import.running')} {bar} {percentage}% | {lines} | {rate}/s | ETA {eta_formatted}`;
    const bar = new SingleBar(
      { format, stream: process.stderr, hideCursor: true, etaBuffer: 2_000 },
      Presets.shades_classic,
    );
    bar.start(size, 0, { lines: 0, rate: 0 });
    return {
      onLine: (done) => {
        lines += 1;
        bytes += done;
        bar.update(Math.min(bytes, size), { lines, rate: rate() });
      },
      stop: () => bar.stop(),
    };
  }
  const timer = setInterval(() => {
    const left = Math.round(
      ((size - bytes) / Math.max(1, bytes)) * ((performance.now() - startedAt) / 1_000),
    );
    process.stderr.write(
      `${text('import.running')} ${Math.floor((bytes / size) * 100)}% | ${lines} | ${rate()}/s | ETA ${left}s\n`,
    );
  }, PLAIN_PROGRESS_EVERY_MS).unref();
  return {
    onLine: (done) => {
      lines += 1;
      bytes += done;
    },
    stop: () => clearInterval(timer),
  };
}
