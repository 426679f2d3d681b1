import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { TEST_CERTIFICATE, TEST_KEY } from '../../../../test/support/certificate.ts';
import { startNames } from '../../../../test/support/names.ts';
import { listen, type Receiver, serve, serveBytes } from '../../../../test/support/receivers.ts';
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

describe('connections that fail', () => {
  it('are reset before an answer', async () => {
    const receiver = keep(
      await serveBytes((socket) => {
        socket.once('data', () => socket.resetAndDestroy());
      }),
    );
    expect(await runtimeWith().ask(receiver.url)).toMatchObject({
      ...{ outcome: 'UNREACHABLE', status: null },
      why: { code: 'WEBHOOK_UNREACHABLE' },
    });
  });

  it('are reset in the middle of an answer', async () => {
    const receiver = keep(
      await serveBytes((socket) => {
        socket.once('data', () => {
          socket.write(
            'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"out',
          );
          setTimeout(() => socket.resetAndDestroy(), 20);
        });
      }),
    );
    expect(await runtimeWith().ask(receiver.url)).toMatchObject({
      ...{ outcome: 'ERROR', status: 200 },
      why: { code: 'WEBHOOK_CUT_OFF', details: { cause: 'ECONNRESET' } },
    });
  });

  it('are refused', async () => {
    const receiver = await serveBytes(() => undefined);
    await receiver.close();
    expect(await runtimeWith().ask(receiver.url)).toMatchObject({
      ...{ outcome: 'UNREACHABLE', status: null },
      why: { code: 'WEBHOOK_UNREACHABLE', details: { cause: 'ECONNREFUSED' } },
    });
  });

  it('are made again after the other side closed an idle one', async () => {
    const receiver = keep(
      await serve((_request, response) =>
        response.setHeader('content-type', 'application/json').end('{"output":1}'),
      ),
    );
    const { ask } = runtimeWith();
    expect((await ask(receiver.url)).outcome).toBe('OK');
    receiver.cutAll();
    await untilHolds(() => receiver.open() === 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await ask(receiver.url)).outcome).toBe('OK');
  });
});

describe('TLS', () => {
  const trusted = getCACertificates('default');
  afterEach(() => setDefaultCACertificates(trusted));

  async function startTls(): Promise<Receiver> {
    const server = createTlsServer({ key: TEST_KEY, cert: TEST_CERTIFICATE }, (_request, response) => {
      response.setHeader('content-type', 'application/json').end('{"output":"safe"}');
    });
    return keep(await listen(server));
  }
  const resolve = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);

  it('is demanded: who can’t show a certificate that is trusted for the name is not asked', async () => {
    const { port } = await startTls();
    const { ask } = runtimeWith({ resolve });
    const refused = { outcome: 'UNREACHABLE', status: null, why: { code: 'WEBHOOK_TLS' } };
    expect(await ask(`https://hooks.test:${port}/`)).toMatchObject(refused);
    setDefaultCACertificates([...trusted, TEST_CERTIFICATE]);
    expect(await ask(`https://other.test:${port}/`)).toMatchObject(refused);
    const told = await runtimeWith({ resolve }).ask(`https://hooks.test:${port}/`);
    expect(told).toMatchObject({ outcome: 'OK', output: 'safe' });
  });

  it('is not what the other side speaks', async () => {
    const { port } = keep(await serve((_request, response) => response.end()));
    expect(await runtimeWith({ resolve }).ask(`https://hooks.test:${port}/`)).toMatchObject({
      ...{ outcome: 'UNREACHABLE', why: { code: 'WEBHOOK_TLS' } },
    });
  });

  it('never gets done: ended by the deadline, by close, or by the time for connecting', async () => {
    const receiver = keep(await serveBytes((socket) => void socket.resume()));
    const url = `https://hooks.test:${receiver.port}/`;
    const { ask, runtime } = runtimeWith({ resolve });
    const told = await ask(url, {}, 60);
    expect(told).toMatchObject({ outcome: 'TIMEOUT', status: null });
    expect(told.durationMs).toBeLessThan(10_000);
    await runtime.close();
    await untilHolds(() => receiver.open() === 0);
    const quick = runtimeWith({ resolve, limits: { connectMs: 100 } });
    expect(await quick.ask(url, {}, 60)).toMatchObject({ outcome: 'TIMEOUT' });
    await untilHolds(() => receiver.open() === 0);
  });
});

describe('addresses', () => {
  const handler: RequestListener = (_request, response) => {
    response.setHeader('content-type', 'application/json').end('{"output":1}');
  };

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://[::ffff:10.0.0.1]/',
    'http://[::10.0.0.1]/',
    'http://2130706434/',
    'http://0177.0.0.2/',
    'https://168.63.129.16/',
  ])('%s is refused again at each call', async (url) => {
    expect(await runtimeWith().ask(url)).toMatchObject({
      ...{ outcome: 'UNREACHABLE', status: null },
      why: { code: 'WEBHOOK_ADDRESS_REFUSED' },
    });
  });

  it('http is refused for a public address, and credentials are at no address', async () => {
    const { ask } = runtimeWith({ resolve: () => Promise.resolve([{ address: '8.8.8.8', family: 4 }]) });
    expect(await ask('http://crm.example.com/')).toMatchObject({
      ...{ outcome: 'UNREACHABLE', why: { code: 'WEBHOOK_URL_SCHEME' } },
    });
    expect(await ask('https://a:b@crm.example.com/')).toMatchObject({
      ...{ outcome: 'UNREACHABLE', why: { code: 'WEBHOOK_URL_CREDENTIALS' } },
    });
  });

  it('of a name that changes between looking and connecting: only what was looked at is connected to', async () => {
    // 127.0.0.1 is allowed, and stands for a public address; 127.0.0.2 stands for what is inside.
    const outside = keep(await serve(handler));
    const inside = keep(await listen(createServer(), '127.0.0.2', outside.port));
    let turn = 0;
    const names = keep(
      await startNames(() => {
        turn += 1;
        return [turn % 2 === 1 ? '127.0.0.1' : '127.0.0.2'];
      }),
    );
    // The attack would work: the inside one can be reached from here.
    await new Promise<void>((resolve, reject) => {
      const socket = connect(inside.port, '127.0.0.2', () => {
        socket.destroy();
        resolve();
      }).on('error', reject);
    });
    const { ask } = runtimeWith({ resolve: names.resolve, limits: { failures: 100 } });
    const outcomes: string[] = [];
    for (let index = 0; index < 10; index += 1) {
      const { outcome, why } = await ask(`http://hooks.test:${outside.port}/`);
      outcomes.push(why?.code ?? outcome);
      outside.cutAll();
      await untilHolds(() => outside.open() === 0);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(outcomes.filter((outcome) => outcome === 'OK').length).toBeGreaterThan(0);
    expect(outcomes.filter((outcome) => outcome === 'WEBHOOK_ADDRESS_REFUSED').length).toBeGreaterThan(0);
    expect(new Set(outcomes).size).toBe(2);
    // One question a connection, and the one inside heard only of us.
    expect([names.asked(), inside.connections()]).toEqual([10, 1]);
  });

  it('of a name that was checked at registration and moved inside later', async () => {
    const outside = keep(await serve(handler));
    const inside = keep(await listen(createServer(), '127.0.0.2', outside.port));
    let answer = ['127.0.0.1'];
    const names = keep(await startNames(() => answer));
    const { ask, runtime } = runtimeWith({ resolve: names.resolve });
    const url = `http://hooks.test:${outside.port}/`;
    expect(await runtime.checkAddress(url)).toBeNull();
    for (const moved of [['127.0.0.2'], ['127.0.0.1', '127.0.0.2'], ['127.0.0.2', '127.0.0.1']]) {
      answer = moved;
      expect(await ask(url)).toMatchObject({
        ...{ outcome: 'UNREACHABLE', status: null },
        why: { code: 'WEBHOOK_ADDRESS_REFUSED', details: { host: 'hooks.test' } },
      });
    }
    answer = [];
    expect(await ask(url)).toMatchObject({
      ...{ outcome: 'UNREACHABLE', why: { code: 'WEBHOOK_NAME_UNKNOWN' } },
    });
    expect([inside.connections(), outside.connections()]).toEqual([0, 0]);
  });

  it('of a name that nobody resolves in time', async () => {
    const { ask } = runtimeWith({ resolve: () => new Promise(() => undefined) });
    expect(await ask('https://slow.test/', {}, 50)).toMatchObject({ outcome: 'TIMEOUT' });
  });
});
