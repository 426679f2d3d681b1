import { type Cleanup, withCleanup } from '../cleanup.ts';
import { readBenchFile } from '../folders.ts';
import { Load } from '../load/load.ts';
import type { LedgerPart, Options } from '../options.ts';
import type { ServerProcess } from '../processes.ts';
import { type OpenedProduct, openProduct } from '../product.ts';
import { machineLine, print } from '../report.ts';
import { auditBooks } from './audit.ts';
import { benchBatch } from './batch.ts';
import { type BenchMember, fill, PLENTY, startGateway } from './bed.ts';
import { benchBytes } from './bytes.ts';
import { benchGateway } from './gateway.ts';
import { benchImport } from './import.ts';
import { benchLarge } from './large.ts';
import { benchLots } from './lots.ts';
import { benchPosting } from './posting.ts';
import { linesOf, type Row } from './table.ts';

/** What the parts that share a database stand on. */
interface Bed {
  readonly product: OpenedProduct;
  readonly members: readonly BenchMember[];
  readonly load: Load;
  gateway(): Promise<ServerProcess>;
}

const SHARED: readonly LedgerPart[] = ['posting', 'gateway', 'batch', 'lots'];

/** Measures the ledger against floors of its own, part by part; prints one table of all that was measured. */
export async function benchLedger(options: Options): Promise<void> {
  const rows: Row[] = [];
  const below: string[] = [];
  let version: string | undefined;
  const has = (part: LedgerPart): boolean => options.parts.includes(part);
  if (SHARED.some(has)) {
    await withCleanup(async (cleanup) => {
      const bed = await openBed(cleanup, options);
      version = bed.product.version;
      rows.push(...(await benchShared(cleanup, bed, options, has)));
      await auditBooks(bed.product, 'what all posted');
    });
  }
  if (has('large')) {
    // Cleared up at once: it takes the most room.
    await withCleanup(async (cleanup) => {
      rows.push(...(await benchLarge(cleanup, new Load(cleanup), options)));
    });
  }
  if (has('bytes')) {
    await withCleanup(async (cleanup) => {
      const bytes = await benchBytes(cleanup, options);
      rows.push(...bytes.rows);
      below.push('', ...bytes.lines);
    });
  }
  if (has('import')) {
    const isWhole = options.large || options.parts.length === 1;
    rows.push(...(await benchImport({ isWhole, rounds: options.rounds })));
  }
  const { connections, rounds, seconds } = options;
  const how = `${connections} callers, medians of ${rounds} rounds of ${seconds} s`;
  print([...linesOf(rows), ...below, '', `${how}; ${machineLine(version)}`]);
}

async function openBed(cleanup: Cleanup, { members }: Options): Promise<Bed> {
  const product = await openProduct(cleanup);
  process.stderr.write(`filling ${members} ledgers…\n`);
  const filled = await fill(product, { members, first: PLENTY, lots: 1, pairs: 0 });
  await product.owner.query(await readBenchFile('sql', 'ledger-function.sql'));
  let gateway: Promise<ServerProcess> | undefined;
  return {
    product,
    members: filled,
    load: new Load(cleanup),
    gateway: () => {
      gateway ??= startGateway(cleanup, product);
      return gateway;
    },
  };
}

async function benchShared(
  cleanup: Cleanup,
  { product, members, load, gateway }: Bed,
  options: Options,
  has: (part: LedgerPart) => boolean,
): Promise<Row[]> {
  const rows: Row[] = [];
  // First: no gateway is there yet that would take its share.
  if (has('posting')) rows.push(...(await benchPosting(cleanup, product, members, options)));
  const doors = async () => ({ product, load, gateway: await gateway() });
  if (has('gateway')) rows.push(...(await benchGateway(cleanup, await doors(), members, options)));
  if (has('batch')) rows.push(...(await benchBatch(cleanup, await doors(), members, options)));
  if (has('lots')) rows.push(...(await benchLots(await doors(), options)));
  return rows;
}
