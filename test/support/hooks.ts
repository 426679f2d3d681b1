import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { bodyOf, listen, type Receiver } from './receivers.ts';

/** What a webhook was asked. */
export interface HookCall {
  readonly point: string;
  readonly version: number;
  readonly callId: string;
  readonly mode: string;
  readonly attempt: number;
  readonly tenant: string;
  readonly idempotencyKey: string;
  // biome-ignore lint/suspicious/noExplicitAny: each extension point asks something else
  readonly input: any;
}

export interface Hook extends Receiver {
  /** Every call but challenges, in order. */
  readonly calls: HookCall[];
  /** From now on only what this secret signed is answered. */
  trust(secret: string): void;
}

/** An enterprise's own service: it answers challenges, and the rest as the test says. */
export async function serveHook(by: (call: HookCall) => unknown): Promise<Hook> {
  const calls: HookCall[] = [];
  let trusted: Webhook | null = null;
  const server = createServer((request, response) => {
    const handle = async (): Promise<void> => {
      const body = await bodyOf(request);
      if (trusted !== null) trusted.verify(body, request.headers as Record<string, string>);
      const call = JSON.parse(body) as HookCall;
      if (call.point !== 'challenge') calls.push(call);
      const output = call.point === 'challenge' ? call.input : await by(call);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ output }));
    };
    handle().catch(() => response.writeHead(401).end());
  });
  const receiver = await listen(server);
  return {
    ...receiver,
    calls,
    trust: (secret) => {
      trusted = new Webhook(secret);
    },
  };
}
