import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { type ExtensionPoint, extensionPoints, type Plugin } from '../../src/extension/index.ts';
import { pointPage } from '../../src/gateway/extension-pages.ts';
import { SandboxPool } from '../../src/plugin-host/runtimes/sandbox/index.ts';
import { ROOT } from '../architecture/sources.ts';
import { bodyOf, serve } from '../support/receivers.ts';
import { startRuntime } from '../support/webhooks.ts';

const EXAMPLES = 'docs/examples/extension-points';
/** What signs the requests of the pages: the one that Standard Webhooks itself shows. */
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SENT_AT = new Date('2026-11-20T08:30:00Z');
const NOW = new Date('2026-11-20T08:30:00Z');
const points = extensionPoints.map((point): [string, ExtensionPoint] => [point.name, point]);

function read(point: string, file: string): string {
  return readFileSync(join(ROOT, EXAMPLES, point, file), 'utf8');
}

function envelopeOf({ name, version, example: { input } }: ExtensionPoint) {
  return {
    ...({
      point: name,
      version,
      callId: 'call_01jdb2zq7fe3psh0m2x1c9v4td',
      mode: 'LIVE',
      attempt: 1,
    } as const),
    ...{ tenant: 'demo', idempotencyKey: '0f4c7f6e-order-0007', input },
  };
}

/** What a webhook is sent, and answers; headers as `headers` has them. */
function httpOf(point: ExtensionPoint, headers: readonly string[]): string {
  const envelope = envelopeOf(point);
  const body = JSON.stringify(envelope);
  const values: Record<string, string> = {
    host: 'extensions.example.com',
    'content-type': 'application/json',
    accept: 'application/json',
    'user-agent': 'membergraph',
    'webhook-id': envelope.callId,
    'webhook-timestamp': String(SENT_AT.getTime() / 1_000),
    'webhook-signature': new Webhook(SECRET).sign(envelope.callId, SENT_AT, body),
    'content-length': String(Buffer.byteLength(body)),
  };
  const output = { output: point.example.output };
  return [
    'POST /membergraph HTTP/1.1',
    ...headers.map((name) => `${name}: ${values[name]}`),
    '',
    JSON.stringify(envelope, null, 2),
    '',
    'HTTP/1.1 200 OK',
    'content-type: application/json',
    '',
    JSON.stringify(output, null, 2),
    '',
  ].join('\n');
}

let pool: SandboxPool;
beforeAll(async () => {
  pool = await SandboxPool.open({ workers: 1 });
});
afterAll(() => pool.close());

describe.each(points)('the page of %s', (name, point) => {
  const { input, output } = point.example;

  it('has an example that fits its schemas, and so does the neutral answer', () => {
    expect(point.input.parse(input)).toEqual(input);
    expect(point.output.parse(output)).toEqual(output);
    expect(point.output.parse(point.neutral)).toEqual(point.neutral);
  });

  it('shows a plugin that answers the example', async () => {
    const { plugin } = (await import(join(ROOT, EXAMPLES, name, 'plugin.ts'))) as { plugin: Plugin };
    const answer = plugin.answers[0]?.answer as (given: unknown, context: unknown) => unknown;
    expect(plugin.answers.map((answerer) => answerer.point.name)).toEqual([name]);
    expect(point.output.parse(await answer(point.input.parse(input), {}))).toEqual(output);
  });

  it('shows uploaded code that answers the example', async () => {
    const source = read(name, 'sandbox.js');
    const { compiled, findings } = await pool.compile({ tenantKey: 'demo', source, language: 'JAVASCRIPT' });
    expect(findings).toEqual([]);
    if (compiled === null) return;
    const call = { tenantKey: 'demo', input: JSON.stringify(input), deadlineMs: 1_000, now: NOW, seed: 1 };
    const { outcome, output: text } = await pool.call({ ...compiled, ...call });
    expect(outcome).toBe('OK');
    expect(point.output.parse(JSON.parse(text ?? ''))).toEqual(output);
  });

  it('shows the request as it is sent, and an answer that is taken (UPDATE_DOCS=1 writes it)', async () => {
    const { runtime, registrationOf } = startRuntime();
    let names: string[] = [];
    let sent = '';
    const receiver = await serve(async (request, response) => {
      names = request.rawHeaders.filter((_text, index) => index % 2 === 0).map((text) => text.toLowerCase());
      sent = await bodyOf(request);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ output }));
    });
    try {
      const result = await runtime.call(registrationOf(receiver.url), envelopeOf(point), {
        deadlineMs: 10_000,
      });
      const shown = httpOf(
        point,
        names.filter((header) => header !== 'connection'),
      );
      if (process.env.UPDATE_DOCS === '1') writeFileSync(join(ROOT, EXAMPLES, name, 'http.txt'), shown);
      expect(read(name, 'http.txt')).toBe(shown);
      expect(sent).toBe(JSON.stringify(envelopeOf(point)));
      expect(result).toMatchObject({ outcome: 'OK', output });
    } finally {
      await runtime.close();
      await receiver.close();
    }
  });

  it('says of every field what it means', () => {
    const page = pointPage(point, { plugin: '', http: '', sandbox: '' });
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.filter((row) => !/\| .{8,} \|$/.test(row))).toEqual([]);
    const personal = (schema: z.ZodType) =>
      JSON.stringify(z.toJSONSchema(schema, { io: 'input' })).split('"pii":true').length - 1;
    expect(page.split('Personal data.').length - 1).toBe(personal(point.input) + personal(point.output));
  });
});
