import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BENCH_FOLDER } from './folders.ts';
import { HELP, type Options, readOptions } from './options.ts';

/**
 * Installs this package where its lockfile has changed since the last time, so that one command is enough.
 * Nothing above imports a package: this file runs before there are any.
 */
function ensureInstalled(): void {
  const wanted = createHash('sha256')
    .update(readFileSync(join(BENCH_FOLDER, 'package-lock.json')))
    .digest('hex');
  const stamp = join(BENCH_FOLDER, 'node_modules', '.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write('installing the peers (npm ci in bench)…\n');
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm === undefined ? ['npm'] : [process.execPath, npm];
  const { status } = spawnSync(command, [...first, 'ci', '--silent'], {
    cwd: BENCH_FOLDER,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('npm ci failed in bench: mend what it says above, then run again.');
  writeFileSync(stamp, wanted);
}

async function runExtensions(options: Options): Promise<void> {
  if (options.extensions.includes('sandbox')) {
    const { benchSandbox } = await import('./extensions/bench-sandbox.ts');
    await benchSandbox(options);
  }
  if (options.extensions.includes('webhook')) {
    const { benchWebhook } = await import('./extensions/webhook.ts');
    await benchWebhook(options);
  }
  if (options.extensions.includes('isolation')) {
    ensureInstalled();
    const { benchIsolation } = await import('./extensions/isolation.ts');
    await benchIsolation(options);
  }
}

async function run(options: Options): Promise<void> {
  if (options.what === 'rules') {
    const { benchRules } = await import('./rules/bench-rules.ts');
    await benchRules(options);
    return;
  }
  if (options.what === 'extensions') {
    await runExtensions(options);
    return;
  }
  ensureInstalled();
  if (options.what === 'tenancy') {
    const { benchTenancy } = await import('./tenancy.ts');
    await benchTenancy(options);
    return;
  }
  if (options.what === 'ledger') {
    const { benchLedger } = await import('./ledger/bench-ledger.ts');
    await benchLedger(options);
    return;
  }
  if (options.what === 'feed') {
    const { benchFeed } = await import('./feed/bench-feed.ts');
    await benchFeed(options);
    return;
  }
  if (options.what === 'live') {
    const { benchLive } = await import('./live/bench-live.ts');
    await benchLive(options);
    return;
  }
  if (options.what === 'review') {
    const { benchReview } = await import('./review.ts');
    await benchReview(options);
    return;
  }
  const { benchDocuments } = await import('./documents.ts');
  await benchDocuments(options);
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(HELP);
  else await run(options);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
