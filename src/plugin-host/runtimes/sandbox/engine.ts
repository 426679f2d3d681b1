import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** The engine, compiled once for all threads. */
export async function compileEngine(): Promise<WebAssembly.Module> {
  const path = createRequire(import.meta.url).resolve('@jitl/quickjs-wasmfile-release-sync/wasm');
  return await WebAssembly.compile(await readFile(path));
}
