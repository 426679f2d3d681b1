import type { Options } from '../options.ts';
export async function benchFeed(_options: Options): Promise<void> {}
