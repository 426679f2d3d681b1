import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { backToNow, letPass } from '../../../../test/support/later.ts';
import { bodyOf, type Receiver, serve, verify } from '../../../../test/support/receivers.ts';
import { untilHolds } from '../../../../test/support/until-holds.ts';
import { newEnvelope, startRuntime } from '../../../../test/support/webhooks.ts';
import { LANGUAGES, renderMessage } from '../../../kernel/errors.ts';
import { newWebhookSecret, rotateWebhookSecret, webhookErrors } from './index.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  backToNow();
  for (const one of opened.splice(0)) await one.close();
});

function runtimeWith(options: Parameters<typeof startRuntime>[0] = {}) {
  const started = startRuntime(options);
  opened.unshift(started.runtime);
  return started;
}

async function receiverOf(handler: RequestListener): Promise<Receiver> {
  const receiver = await serve(handler);
  opened.push(receiver);
  return receiver;
}

/** Answers everything with the same output. */
const saying = (output: unknown): RequestListener => {
  return (_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ output }));
  };
};

describe('a webhook', () => {
  it('is asked with the envelope alone, and what it says is the output', async () => {
    const seen: { body: string; headers: IncomingHttpHeaders; method: string | undefined }[] = [];
    const { url } = await receiverOf(async (request, response) => {
      seen.push({ body: await bodyOf(request), headers: request.headers, method: request.method });
      saying({ postings: [] })(request, response);
    });
    const { ask } = runtimeWith();
    const envelope = newEnvelope({ mode: 'SHADOW', input: { text: '积分 ✓' } });
    const told = await ask(url, { ...envelope, secret: 'no' } as typeof envelope);
    const { durationMs, ...rest } = told;
    expect(rest).toEqual({ outcome: 'OK', output: { postings: [] }, status: 200, why: null });
    expect(durationMs).toBeGreaterThan(0);
    const [{ body, headers, method } = { body: '', headers: {}, method: '' }] = seen;
    expect(method).toBe('POST');
    expect(JSON.parse(body)).toEqual(envelope);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': envelope.callId });
  });

  it('may answer null, and with 201', async () => {
    const { url } = await receiverOf((_request, response) => {
      response.writeHead(201, { 'content-type': 'application/json; charset=utf-8' }).end('{"output":null}');
    });
    expect(await runtimeWith().ask(url)).toMatchObject({
      outcome: 'OK',
      output: null,
      status: 201,
      why: null,
    });
  });

  it('is asked over the same connections again and again', async () => {
    const receiver = await receiverOf(saying(1));
    const { ask } = runtimeWith();
    for (let index = 0; index < 20; index += 1) await ask(receiver.url);
    // A second one where the next call comes before undici has put the first one back.
    expect(receiver.connections()).toBeLessThanOrEqual(2);
  });

  it('is not sent what is no JSON, or too large', async () => {
    const receiver = await receiverOf(saying(1));
    const { ask } = runtimeWith({ limits: { inputBytes: 1_000 } });
    let deep: unknown = 1;
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    for (const input of [deep, 10n, 'x'.repeat(1_000)]) {
      expect(await ask(receiver.url, { input })).toMatchObject({
        outcome: 'INVALID_INPUT',
        why: { code: 'WEBHOOK_INPUT', details: { bytes: 1_000 } },
      });
    }
    expect(receiver.connections()).toBe(0);
  });
});

describe('signatures', () => {
  it('are of both live secrets while they rotate, and of the new one afterwards', async () => {
    const seen: { body: string; headers: IncomingHttpHeaders }[] = [];
    const { url } = await receiverOf(async (request, response) => {
      seen.push({ body: await bodyOf(request), headers: request.headers });
      saying(1)(request, response);
    });
    const first = newWebhookSecret();
    const two = rotateWebhookSecret([first]);
    const three = rotateWebhookSecret(two);
    expect(first).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect([two[1], three[1]]).toEqual([first, two[0]]);
    const { ask } = runtimeWith();
    for (const secrets of [[first], two, [two[0]]] as const) await ask({ id: 'a', url, secrets });
    const verifies = (index: number, secret: string): boolean => {
      const { body, headers } = seen[index] ?? { body: '', headers: {} };
      try {
        verify(secret, body, headers);
        return true;
      } catch {
        return false;
      }
    };
    const table = [0, 1, 2].map((index) =>
      [first, two[0], three[0]].map((secret) => verifies(index, secret)),
    );
    expect(table).toEqual([
      [true, false, false],
      [true, true, false],
      [false, true, false],
    ]);
    const signatures = seen.map(({ headers }) => String(headers['webhook-signature']).split(' ').length);
    expect(signatures).toEqual([1, 2, 1]);
  });
});

describe('the challenge', () => {
  it('is passed by giving back what came', async () => {
    const { url } = await receiverOf(async (request, response) => {
      const { point, mode, input } = JSON.parse(await bodyOf(request)) as Record<string, unknown>;
      expect([point, mode]).toEqual(['challenge', 'TEST']);
      saying(input)(request, response);
    });
    const { runtime, registrationOf } = runtimeWith();
    const facts = { tenant: 'tea', callId: 'call_c' };
    const passed = await runtime.challenge(registrationOf(url), facts, { deadlineMs: 10_000 });
    expect(passed).toMatchObject({ outcome: 'OK', why: null });
  });

  it.each([null, {}, { challenge: 'mine' }, 'challenge', []])('is not passed by %j', async (output) => {
    const { url } = await receiverOf(saying(output));
    const { runtime, registrationOf } = runtimeWith();
    const facts = { tenant: 'tea', callId: 'call_c' };
    const told = await runtime.challenge(registrationOf(url), facts, { deadlineMs: 10_000 });
    expect(told).toMatchObject({
      ...{ outcome: 'INVALID_OUTPUT', output: null, status: 200 },
      why: { code: 'WEBHOOK_CHALLENGE' },
    });
  });
});

describe('the breaker', () => {
  const limits = { failures: 3, breakMs: 10_000 };

  it('opens after failures in a row, lets one try, and closes when that one is answered', async () => {
    let asked = 0;
    let isWell = false;
    const isTried = Promise.withResolvers<void>();
    const { url } = await receiverOf(async (request, response) => {
      asked += 1;
      if (asked > 3) await isTried.promise;
      if (isWell) saying('well')(request, response);
      else response.writeHead(500).end();
    });
    const { runtime, ask, registrationOf } = runtimeWith({ limits });
    const outcomes = async (times: number): Promise<string[]> => {
      const told: string[] = [];
      for (let index = 0; index < times; index += 1) told.push((await ask(url)).outcome);
      return told;
    };
    expect(await outcomes(5)).toEqual(['ERROR', 'ERROR', 'ERROR', 'BREAKER_OPEN', 'BREAKER_OPEN']);
    expect(asked).toBe(3);
    expect(runtime.isBroken(registrationOf(url))).toBe(true);
    letPass(limits.breakMs);
    // Of many at once, one is let through to try; the others don't wait for it.
    const told: string[] = [];
    const tried = Array.from({ length: 5 }, () => ask(url).then(({ outcome }) => told.push(outcome)));
    await untilHolds(() => told.length === 4);
    isTried.resolve();
    await Promise.all(tried);
    expect(told).toEqual([...Array.from({ length: 4 }, () => 'BREAKER_OPEN'), 'ERROR']);
    expect(asked).toBe(4);
    isWell = true;
    letPass(limits.breakMs);
    expect(await outcomes(3)).toEqual(['OK', 'OK', 'OK']);
    expect(runtime.isBroken(registrationOf(url))).toBe(false);
  });

  it('counts failures in a row, not failures', async () => {
    let asked = 0;
    const { url } = await receiverOf((request, response) => {
      asked += 1;
      if (asked % 3 === 0) saying(1)(request, response);
      else response.writeHead(500).end();
    });
    const { ask } = runtimeWith({ limits });
    for (let index = 0; index < 9; index += 1) await ask(url);
    expect(asked).toBe(9);
  });

  it('is of one registration: another one at the same address is still asked', async () => {
    let asked = 0;
    const { url } = await receiverOf((_request, response) => {
      asked += 1;
      response.writeHead(500).end();
    });
    const { ask, registrationOf } = runtimeWith({ limits });
    for (let index = 0; index < 5; index += 1) await ask(url);
    const told = await ask({ ...registrationOf(url), id: 'ext_2' });
    expect([told.outcome, asked]).toEqual(['ERROR', 4]);
  });

  it('lets a challenge pass', async () => {
    let asked = 0;
    const { url } = await receiverOf((_request, response) => {
      asked += 1;
      response.writeHead(500).end();
    });
    const { ask, runtime, registrationOf } = runtimeWith({ limits });
    for (let index = 0; index < 4; index += 1) await ask(url);
    const facts = { tenant: 'tea', callId: 'call_c' };
    const told = await runtime.challenge(registrationOf(url), facts, { deadlineMs: 10_000 });
    expect([told.outcome, asked]).toEqual(['ERROR', 4]);
  });
});

describe('many calls at once', () => {
  it('take so many connections, so many wait, and the rest are told at once', async () => {
    let underWay = 0;
    let most = 0;
    const isTold = Promise.withResolvers<void>();
    const receiver = await receiverOf(async (request, response) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await isTold.promise;
      underWay -= 1;
      saying(1)(request, response);
    });
    const { ask } = runtimeWith({ limits: { connections: 3, waiting: 4 } });
    const told: string[] = [];
    const asking = Array.from({ length: 10 }, () =>
      ask(receiver.url).then(({ outcome, why }) => told.push(why?.code ?? outcome)),
    );
    await untilHolds(() => told.length === 3 && underWay === 3);
    isTold.resolve();
    await Promise.all(asking);
    expect(told).toEqual([
      ...Array.from({ length: 3 }, () => 'WEBHOOK_BUSY'),
      ...Array.from({ length: 7 }, () => 'OK'),
    ]);
    expect([most, receiver.connections()]).toEqual([3, 3]);
    expect((await ask(receiver.url)).outcome).toBe('OK');
  });

  it('are late also while they wait, and what was late is not sent', async () => {
    let asked = 0;
    const isLate = Promise.withResolvers<void>();
    const receiver = await receiverOf(async (request, response) => {
      asked += 1;
      await isLate.promise;
      saying(1)(request, response);
    });
    const { ask } = runtimeWith({ limits: { connections: 1, waiting: 10 } });
    const first = ask(receiver.url);
    const waiting = await Promise.all([1, 2, 3].map(() => ask(receiver.url, {}, 40)));
    expect(waiting.map(({ outcome }) => outcome)).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT']);
    isLate.resolve();
    expect((await first).outcome).toBe('OK');
    expect((await ask(receiver.url)).outcome).toBe('OK');
    expect(asked).toBe(2);
  });
});

describe('connections', () => {
  it('are closed when nobody asked for long', async () => {
    const receiver = await receiverOf(saying(1));
    const { ask } = runtimeWith({ limits: { idleMs: 60 } });
    await ask(receiver.url);
    expect(receiver.open()).toBe(1);
    await untilHolds(() => receiver.open() === 0);
    expect((await ask(receiver.url)).outcome).toBe('OK');
    expect(receiver.connections()).toBe(2);
  });

  it('are all gone after close, and what was under way is told', async () => {
    const receiver = await receiverOf((request, response) => {
      if (request.url === '/hook') saying(1)(request, response);
    });
    const { runtime, ask } = runtimeWith();
    await ask(receiver.url);
    const hanging = [ask(`${receiver.url}/1`), ask(`${receiver.url}/2`)];
    await untilHolds(() => receiver.open() === 3);
    await runtime.close();
    const told = [...(await Promise.all(hanging)), await ask(receiver.url)];
    expect(told.map(({ outcome }) => outcome)).toEqual(['UNREACHABLE', 'UNREACHABLE', 'UNREACHABLE']);
    await untilHolds(() => receiver.open() === 0);
    expect(receiver.connections()).toBe(3);
  });
});

describe('the messages', () => {
  it.each(LANGUAGES)('are whole sentences in %s', (language) => {
    const END = language === 'en' ? /^[A-Z].*\.$/ : /\p{Script=Han}.*。$/u;
    const texts = Object.values(webhookErrors).map((template) => renderMessage(template, language));
    expect(texts.filter((text) => !END.test(text))).toEqual([]);
  });
});
