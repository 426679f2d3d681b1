import type pg from 'pg';
import { withCleanup } from './cleanup.ts';
import { readBenchFile } from './folders.ts';
import type { Options } from './options.ts';
import { openProduct } from './product.ts';
import { machineLine, print } from './report.ts';

/** Measures the daily review of many members, with a year of what they did. */
export async function benchReview({ members }: Options): Promise<void> {
  await withCleanup(async (cleanup) => {
    const { application, owner, tenantKey, version } = await openProduct(cleanup);
    process.stderr.write(`filling in ${members} members…\n`);
    await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
    await owner.query(`select set_config('bench.members', $1, false)`, [String(members)]);
    await owner.query(await readBenchFile('sql', 'review.sql'));
    await owner.query('vacuum (analyze)');
    await owner.query('checkpoint').catch(() => undefined);
    process.stderr.write('reviewing…\n');
    const lines: string[] = [];
    for (const what of ['of a day', 'once more', 'two years later']) {
      if (what === 'two years later') await owner.query(`update tenant set clock_offset = '2 years'`);
      const startedAt = performance.now();
      const { reviewed, changed } = await application.jobs.tiers.review(tenantKey);
      const seconds = (performance.now() - startedAt) / 1_000;
      const rate = (reviewed / seconds).toFixed(0);
      lines.push(
        `review ${what}: ${reviewed} members in ${seconds.toFixed(1)} s, ${rate}/s, ${changed} changed`,
      );
    }
    print([...lines, '', `${await sizeOf(owner)}; ${machineLine(version)}`]);
  });
}

async function sizeOf(owner: pg.Client): Promise<string> {
  const { rows } = await owner.query<{ days: string; tiers: string }>(
    `select (select count(*) from metric_day) as days,
            (select string_agg(coalesce(tier, 'none') || ' ' || members, ', ' order by members desc)
               from (select tier, count(*) as members from member_tier group by tier) t) as tiers`,
  );
  return `${rows[0]?.days ?? '?'} rows of days; ${rows[0]?.tiers ?? '?'}`;
}
