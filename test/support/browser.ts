import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const ENTRY = require.resolve('@sparticuz/chromium');
const MANIFEST = join(dirname(ENTRY), '..', 'package.json');
const UNPACK = `import chromium from '${pathToFileURL(ENTRY)}'; await chromium.executablePath();`;
/** With this the package also unpacks the libraries that a bare machine lacks. */
const BARE = { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' };

/** Where the browser is that npm brought, unpacked once for each version: all of it or nothing. */
async function unpackedBrowser(): Promise<string> {
  const { version } = JSON.parse(readFileSync(MANIFEST, 'utf8'));
  const folder = join(tmpdir(), `membergraph-chromium-${version}-${process.getuid?.() ?? ''}`);
  if (existsSync(folder)) return folder;
  const draft = await mkdtemp(`${folder}-`);
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', UNPACK], {
    env: { ...process.env, ...BARE, TMPDIR: draft },
  });
  // Another run may have been quicker; its copy is as good.
  await rename(draft, folder).catch(() => rm(draft, { recursive: true, force: true }));
  return folder;
}

async function launch(executablePath: string, environment: Record<string, string>): Promise<Browser> {
  const env = { ...(process.env as Record<string, string>), ...environment };
  // Its own sandbox can't be had by root; the pages that it opens here are ours.
  return await chromium.launch({ executablePath, env, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/**
 * A real Chromium: the one that CHROMIUM_PATH names, or npm's.
 * @throws Error that says why there is none
 */
export async function openBrowser(): Promise<Browser> {
  const own = process.env.CHROMIUM_PATH;
  try {
    if (own !== undefined) return await launch(own, {});
    const folder = await unpackedBrowser();
    const file = join(folder, 'chromium');
    return await launch(file, {}).catch(() =>
      // A bare machine has neither its libraries nor fonts.
      launch(file, {
        LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
        FONTCONFIG_PATH: join(folder, 'fonts'),
      }),
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Chromium can't be started here, so the page could not be tried; name one in CHROMIUM_PATH. ${why}`,
    );
  }
}
