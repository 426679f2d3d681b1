import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the bench told this server, by environment. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing: this server is started by the bench.`);
  return value;
}

/** Listens on a free port, says which, and ends when it is told to. */
export async function listen(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  announce((server.address() as AddressInfo).port);
}

export function announce(port: number): void {
  process.stdout.write(`ready: http://127.0.0.1:${port}/graphql\n`);
  // An orderly exit, so that a CPU profile is written.
  process.once('SIGTERM', () => process.exit(0));
}
