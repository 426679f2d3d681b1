import type { RequestListener, ServerResponse } from 'node:http';
import { serve, serveBytes } from '../../../../test/support/receivers.ts';
import { untilHolds } from '../../../../test/support/until-holds.ts';
import { startRuntime } from '../../../../test/support/webhooks.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

function keep<One extends { close(): Promise<void> }>(one: One): One {
  opened.push(one);
  return one;
}

function runtimeWith(options: Parameters<typeof startRuntime>[0] = {}) {
  const started = startRuntime(options);
  opened.unshift(started.runtime);
  return started;
}

const JSON_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
/** Sends the same again and again, as fast as the reader takes it; tells how much went out. */
function flood(response: ServerResponse, chunk: Buffer, most: number): () => number {
  let sent = 0;
  const pour = (): void => {
    while (!response.destroyed && sent < most) {
      sent += chunk.length;
      if (!response.write(chunk)) {
        response.once('drain', pour);
        return;
      }
    }
  };
  pour();
  return () => sent;
}

describe('answers without an end', () => {
  const answerBytes = 64 * 1024;

  it.each([
    ['1 GB, as announced', { 'content-length': String(2 ** 30) }],
    ['endless, in chunks', {}],
  ])('%s: cut off at the cap', async (_what, headers) => {
    let sent = (): number => 0;
    const receiver = keep(
      await serve((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', ...headers });
        sent = flood(response, Buffer.alloc(64 * 1024, 32), 2 ** 30);
      }),
    );
    const { ask } = runtimeWith({ limits: { answerBytes } });
    const before = process.memoryUsage().rss;
    const told = await ask(receiver.url, {}, 5_000);
    expect(told).toMatchObject({
      ...{ outcome: 'INVALID_OUTPUT', output: null, status: 200 },
      why: { code: 'WEBHOOK_TOO_LARGE', details: { bytes: answerBytes } },
    });
    await untilHolds(() => receiver.open() === 0);
    // What the kernel's buffers held at that moment, no more.
    expect(sent()).toBeLessThan(32 * 2 ** 20);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 2 ** 20);
    expect(told.durationMs).toBeLessThan(5_000);
  });

  it('a byte now and then: ended by the deadline, and so is its connection', async () => {
    const receiver = keep(
      await serveBytes((socket) => {
        socket.write(`${JSON_HEAD}content-length: 100000\r\n\r\n{"output":"`);
        const timer = setInterval(() => socket.write('x'), 10);
        socket.on('close', () => clearInterval(timer));
      }),
    );
    const told = await runtimeWith().ask(receiver.url, {}, 150);
    expect(told).toMatchObject({ outcome: 'TIMEOUT', why: { details: { deadlineMs: 150 } } });
    expect(told.durationMs).toBeLessThan(10_000);
    await untilHolds(() => receiver.open() === 0);
  });

  it('headers that never end: ended by the deadline or by their size', async () => {
    const slow = keep(
      await serveBytes((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const timer = setInterval(() => socket.write('x-a: b\r\n'), 10);
        socket.on('close', () => clearInterval(timer));
      }),
    );
    const large = keep(
      await serveBytes((socket) => void socket.write(`HTTP/1.1 200 OK\r\nx-a: ${'b'.repeat(100_000)}\r\n`)),
    );
    const endlessly = keep(
      await serveBytes((socket) => {
        const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 5);
        socket.on('close', () => clearInterval(timer));
      }),
    );
    const { ask } = runtimeWith();
    expect(await ask(slow.url, {}, 150)).toMatchObject({ outcome: 'TIMEOUT' });
    expect(await ask(large.url)).toMatchObject({ outcome: 'ERROR', why: { code: 'WEBHOOK_NOT_HTTP' } });
    expect(await ask(endlessly.url, {}, 150)).toMatchObject({ outcome: 'TIMEOUT' });
    await untilHolds(() => [slow, large, endlessly].every(({ open }) => open() === 0));
  });

  it('silence: ended by the deadline, and the breaker opens', async () => {
    const receiver = keep(await serveBytes((socket) => void socket.resume()));
    const { ask } = runtimeWith({ limits: { failures: 2 } });
    const outcomes: string[] = [];
    for (let index = 0; index < 3; index += 1) outcomes.push((await ask(receiver.url, {}, 50)).outcome);
    expect(outcomes).toEqual(['TIMEOUT', 'TIMEOUT', 'BREAKER_OPEN']);
    await untilHolds(() => receiver.open() === 0);
  });

  it('a bad status with an endless body: told at once, and its connection ended', async () => {
    const receiver = keep(
      await serve((_request, response) => {
        response.writeHead(503);
        flood(response, Buffer.alloc(64 * 1024, 32), 2 ** 30);
      }),
    );
    const told = await runtimeWith().ask(receiver.url);
    expect(told).toMatchObject({ outcome: 'ERROR', status: 503, why: { code: 'WEBHOOK_STATUS' } });
    await untilHolds(() => receiver.open() === 0);
  });
});

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])('%d is not followed', async (status) => {
    const inside = keep(await serve((_request, response) => response.end('{"output":"secret"}')));
    const receiver = keep(
      await serve((_request, response) => response.writeHead(status, { location: inside.url }).end()),
    );
    const told = await runtimeWith().ask(receiver.url);
    expect(told).toMatchObject({ outcome: 'ERROR', status, why: { code: 'WEBHOOK_REDIRECT' } });
    expect(inside.connections()).toBe(0);
  });
});

describe('answers that lie', () => {
  const answering = async (body: string | Buffer, headers: Record<string, string> = {}, status = 200) => {
    const handler: RequestListener = (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    };
    const { outcome, why } = await runtimeWith().ask(keep(await serve(handler)).url);
    return [outcome, why?.code];
  };
  const deep = (depth: number): string => `{"output":${'['.repeat(depth)}${']'.repeat(depth)}}`;

  it.each([
    ['nothing', '', 'WEBHOOK_NOT_JSON'],
    ['half', '{"output":', 'WEBHOOK_NOT_JSON'],
    ['a page', '<html></html>', 'WEBHOOK_NOT_JSON'],
    ['bytes that are no UTF-8', Buffer.from('{"output":"\xff"}', 'latin1'), 'WEBHOOK_NOT_JSON'],
    ['5,000 deep', deep(5_000), 'WEBHOOK_TOO_DEEP'],
    ['100,000 deep', deep(100_000), 'WEBHOOK_TOO_DEEP'],
    ['deep without an end', '{"output":'.repeat(5_000), 'WEBHOOK_TOO_DEEP'],
    ['33 deep', deep(32), 'WEBHOOK_TOO_DEEP'],
    ['null', 'null', 'WEBHOOK_WRONG_SHAPE'],
    ['a list', '[{"output":1}]', 'WEBHOOK_WRONG_SHAPE'],
    ['an empty object', '{}', 'WEBHOOK_WRONG_SHAPE'],
    ['the bare output', '{"postings":[]}', 'WEBHOOK_WRONG_SHAPE'],
    ['more than the output', '{"output":1,"tenant":"other"}', 'WEBHOOK_WRONG_SHAPE'],
    ['a prototype', '{"__proto__":{"output":1}}', 'WEBHOOK_WRONG_SHAPE'],
  ])('%s', async (_what, body, code) => {
    expect(await answering(body)).toEqual(['INVALID_OUTPUT', code]);
  });

  it('counts no brackets within strings, and takes 32 levels', async () => {
    expect(await answering(JSON.stringify({ output: '[{"\\'.repeat(1_000) }))).toEqual(['OK', undefined]);
    expect(await answering(deep(31))).toEqual(['OK', undefined]);
  });

  it('is read as JSON only where it says so, and never unpacked', async () => {
    const good = '{"output":1}';
    const refused = ['INVALID_OUTPUT', 'WEBHOOK_CONTENT_TYPE'];
    expect(await answering(good, { 'content-type': 'text/html' })).toEqual(refused);
    expect(await answering(good, { 'content-type': 'application/jsonx' })).toEqual(refused);
    expect(await answering(good, { 'content-encoding': 'gzip' })).toEqual(refused);
    expect(await answering('', {}, 204)).toEqual(['INVALID_OUTPUT', 'WEBHOOK_NOT_JSON']);
  });

  it.each([400, 401, 404, 410, 429, 500, 503])('has status %d', async (status) => {
    expect(await answering('{"output":1}', {}, status)).toEqual(['ERROR', 'WEBHOOK_STATUS']);
  });

  it('is no HTTP, or ends in the middle', async () => {
    const saying = (text: string) =>
      serveBytes((socket) => {
        socket.once('data', () => socket.end(text));
      });
    const { ask } = runtimeWith();
    const codeOf = async (text: string) => {
      const { outcome, why } = await ask(keep(await saying(text)).url);
      return [outcome, why?.code];
    };
    expect(await codeOf('220 mail.example.com ESMTP\r\n')).toEqual(['ERROR', 'WEBHOOK_NOT_HTTP']);
    expect(await codeOf(`${JSON_HEAD}content-length: 50\r\n\r\n{"output":1}`)).toEqual([
      'ERROR',
      'WEBHOOK_CUT_OFF',
    ]);
    expect(await codeOf('')).toEqual(['UNREACHABLE', 'WEBHOOK_UNREACHABLE']);
  });

  it('comes twice: the second one answers nobody', async () => {
    const one = (text: string): string => `${JSON_HEAD}content-length: ${text.length}\r\n\r\n${text}`;
    const receiver = keep(
      await serveBytes((socket) => {
        socket.on('data', () => socket.write(one('{"output":"mine"}') + one('{"output":"next"}')));
      }),
    );
    const { ask } = runtimeWith();
    const first = await ask(receiver.url);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await ask(receiver.url);
    for (const told of [first, second]) {
      if (told.outcome === 'OK') expect(told.output).toBe('mine');
    }
    expect([first, second].some(({ outcome }) => outcome === 'OK')).toBe(true);
  });
});
