import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Webhook } from 'standardwebhooks';
import { newWebhookSecret, rotateWebhookSecret } from '../../src/plugin-host/runtimes/webhook/index.ts';
import { ROOT } from '../architecture/sources.ts';
import { newEnvelope, startRuntime } from '../support/webhooks.ts';

const FOLDER = join(ROOT, 'docs', 'examples', 'webhook-receiver');
const FIVE_MINUTES = 5 * 60_000;
/** Longer than a request takes to arrive. */
const A_WHILE = 30_000;
const SECRET = newWebhookSecret();
const ROTATED = rotateWebhookSecret([SECRET]);
const hasPython = spawnSync('python3', ['--version']).status === 0;

const RECEIVERS: [file: string, command: string][] = [['receiver.mjs', process.execPath]];
if (hasPython) RECEIVERS.push(['receiver.py', 'python3']);
else it.skip('receiver.py is not tested: python3 is not on the path', () => undefined);

async function start(file: string, command: string, secrets: string): Promise<[ChildProcess, string]> {
  const env = { ...process.env, SIGNING_SECRET: secrets, PORT: '0' };
  const child = spawn(command, [join(FOLDER, file)], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return [child, `http://127.0.0.1:${/\d+$/.exec(line)?.[0]}/hook`];
}

describe.each(RECEIVERS)('the receiver %s', (file, command) => {
  const { runtime, ask } = startRuntime();
  let child: ChildProcess;
  let url: string;
  beforeAll(async () => {
    [child, url] = await start(file, command, SECRET);
  });
  afterAll(async () => {
    await runtime.close();
    child.kill();
    await once(child, 'exit');
  });

  const OUTPUT = { postings: [{ asset: 'points', amount: '10', reason: 'Thank you' }] };
  const BODY = JSON.stringify(newEnvelope({ input: { name: '小满' } }));
  let calls = 0;
  const signed = (
    secret: string,
    at: number,
    id = `msg_${++calls}`,
    body = BODY,
  ): Record<string, string> => ({
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, new Date(at), body),
  });
  const post = async (headers: Record<string, string>, body = BODY): Promise<number> =>
    (await fetch(url, { method: 'POST', headers, body })).status;

  it('answers us, again and again', async () => {
    for (let index = 0; index < 5; index += 1) {
      const told = await ask({ id: 'a', url, secrets: [SECRET] }, { input: { name: '小满' } });
      expect(told).toMatchObject({ outcome: 'OK', output: OUTPUT, why: null });
    }
  });

  it('passes the challenge', async () => {
    const registration = { id: 'a', url, secrets: [SECRET] } as const;
    const facts = { tenant: 'tea', callId: 'call_challenge' };
    expect(await runtime.challenge(registration, facts, { deadlineMs: 10_000 })).toMatchObject({
      outcome: 'OK',
    });
  });

  it('answers while the secret rotates, whichever of the two it knows', async () => {
    expect(await ask({ id: 'a', url, secrets: ROTATED })).toMatchObject({ outcome: 'OK' });
    const [newer, newUrl] = await start(file, command, ROTATED[0]);
    const [both, bothUrl] = await start(file, command, ROTATED.join(' '));
    try {
      expect(await ask({ id: 'a', url: newUrl, secrets: ROTATED })).toMatchObject({ outcome: 'OK' });
      for (const secret of ROTATED) {
        expect(await ask({ id: 'a', url: bothUrl, secrets: [secret] })).toMatchObject({ outcome: 'OK' });
      }
    } finally {
      newer.kill();
      both.kill();
    }
    expect(await ask({ id: 'a', url, secrets: [ROTATED[0]] })).toMatchObject({
      outcome: 'ERROR',
      status: 401,
    });
  });

  it('takes what is signed well and within five minutes', async () => {
    expect(await post(signed(SECRET, Date.now()))).toBe(200);
    expect(await post(signed(SECRET, Date.now() - FIVE_MINUTES + A_WHILE))).toBe(200);
    expect(await post(signed(SECRET, Date.now() + FIVE_MINUTES - A_WHILE))).toBe(200);
  });

  it('refuses wrong signatures', async () => {
    const good = signed(SECRET, Date.now());
    const { 'webhook-signature': signature = '', ...unsigned } = good;
    expect(await post(unsigned)).toBe(401);
    for (const wrong of [
      '',
      'v1,',
      'v1,AAAA',
      signature.slice(3),
      signature.replace('v1,', 'v2,'),
      `${signature}A`,
    ]) {
      expect([wrong, await post({ ...unsigned, 'webhook-signature': wrong })]).toEqual([wrong, 401]);
    }
    expect(await post(signed(newWebhookSecret(), Date.now()))).toBe(401);
    expect(await post(good, `${BODY} `)).toBe(401);
    expect(await post({ ...good, 'webhook-id': 'another' })).toBe(401);
    expect(await post({ ...good, 'webhook-timestamp': String(Number(good['webhook-timestamp']) + 1) })).toBe(
      401,
    );
    // None of these used the good one up.
    expect(await post(good)).toBe(200);
  });

  it('refuses old ones, those of the future, and times that are none', async () => {
    expect(await post(signed(SECRET, Date.now() - FIVE_MINUTES - A_WHILE))).toBe(401);
    expect(await post(signed(SECRET, Date.now() + FIVE_MINUTES + A_WHILE))).toBe(401);
    for (const timestamp of ['', 'NaN', '1e99', '-1']) {
      expect(await post({ ...signed(SECRET, Date.now()), 'webhook-timestamp': timestamp })).toBe(401);
    }
  });

  it('refuses what it has seen', async () => {
    const same = signed(SECRET, Date.now());
    expect([await post(same), await post(same)]).toEqual([200, 401]);
    const many = signed(SECRET, Date.now());
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(many)));
    expect(answers.filter((status) => status === 200)).toHaveLength(1);
  });

  it('stands what ends in the middle, and what is too large', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.write('POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{', () =>
        socket.resetAndDestroy(),
      );
    });
    await once(socket, 'close');
    const large = 'x'.repeat(2_000_000);
    const status = await post(signed(SECRET, Date.now(), 'large', large), large).catch(() => 413);
    expect(status).toBe(413);
    expect(await post(signed(SECRET, Date.now()))).toBe(200);
  });
});
