import type * as Audit from '../../../src/domain/audit/index.ts';
import { readBenchFile } from '../folders.ts';
import { type OpenedProduct, productModule } from '../product.ts';

/** Above it, the product's own audit takes minutes: the sums alone are checked. */
const MOST_FOR_ALL_LAWS = 2_000_000n;

/**
 * The books must add up, whoever wrote them: by the bench's own sums, and by every law of `membergraph audit`
 * where there aren't too many entries for a bench.
 */
export async function auditBooks(
  { owner, application, tenantKey }: OpenedProduct,
  what: string,
): Promise<void> {
  const startedAt = performance.now();
  const { rows } = await owner.query<{ wrong_ledgers: number; feed_has_gap: boolean }>(
    await readBenchFile('sql', 'audit.sql'),
  );
  const [found] = rows;
  if (found?.wrong_ledgers !== 0 || found.feed_has_gap) {
    throw new Error(`The books don't add up (${what}): ${JSON.stringify(found)}.`);
  }
  const entries = await application.services.audit.countEntries(tenantKey);
  const { LAWS } = (await productModule('domain/audit/index.js')) as typeof Audit;
  const laws = entries > MOST_FOR_ALL_LAWS ? [] : LAWS;
  for (const law of laws) {
    const { count, named } = await application.services.audit.check(tenantKey, law);
    if (count > 0n) throw new Error(`${what} breaks "${law.says.en}" ${count} times: ${named[0]}`);
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const checked = laws.length === 0 ? 'sums and feed' : `sums, feed and ${laws.length} laws`;
  process.stderr.write(
    `audited ${entries} entries (${what}; ${checked}) in ${seconds} s: the books add up\n`,
  );
}
