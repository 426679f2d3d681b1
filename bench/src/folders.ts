import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BENCH_FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The product, built. */
export const PRODUCT_FOLDER = join(BENCH_FOLDER, '..', 'dist', 'src');

export async function readBenchFile(...parts: string[]): Promise<string> {
  return await readFile(join(BENCH_FOLDER, ...parts), 'utf8');
}
