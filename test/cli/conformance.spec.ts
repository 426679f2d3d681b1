import { spawnSync } from 'node:child_process';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import {
  type ExtensionPoint,
  extensionPoints,
  memberCreate,
  pointsRead,
  pointsRule,
} from '../../src/extension/index.ts';
import { checkReceiver, newWebhookSecret } from '../../src/plugin-host/index.ts';
import { exampleFile, startExample } from '../support/examples.ts';
import type { Json } from '../support/gateway.ts';
import { runInProcess } from '../support/in-process.ts';
import { bodyOf, serve, verify } from '../support/receivers.ts';

const SECRET = newWebhookSecret();
const GENEROUS_MS = 10_000;
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function started(...given: Parameters<typeof startExample>): Promise<string> {
  const example = await startExample(...given);
  stops.push(() => example.stop());
  return example.url;
}

const hasPython = spawnSync('python3', ['--version']).status === 0;
const conformance = (url: string, point: string, more: string[] = [], environment = {}) =>
  runInProcess(
    ['extension', 'conformance', url, '--point', point, '--deadline', String(GENEROUS_MS), ...more],
    environment,
  );

describe('the receivers of the documentation', () => {
  const files = ['receiver.mjs', ...(hasPython ? ['receiver.py'] : [])];
  it.each(files)('webhook-receiver/%s passes every check, live ones too', async (file) => {
    const url = await started(`webhook-receiver/${file}`, [], { SIGNING_SECRET: SECRET });
    const { code, stdout, stderr } = await conformance(url, 'points.rule', ['--secret', SECRET, '--live']);
    expect([stdout.match(/^✗.*/gm), stderr, code]).toEqual([null, '', 0]);
    expect(stdout).toMatch(/^✓ answers a signed call .*\n(.*\n)*All 22 checks hold\.\n$/);
  });

  it('crm-sync/receiver.mjs passes every check, and acts once where it may', async () => {
    const crm = await started('crm-sync/crm.mjs', [exampleFile('crm-sync/people.json')]);
    const url = await started('crm-sync/receiver.mjs', [], { SIGNING_SECRET: SECRET, CRM_URL: crm });
    const enrolled = async () => (await (await fetch(`${crm}/enrolments`)).json()) as Json[];
    const secret = { SIGNING_SECRET: SECRET };
    const tried = await conformance(url, 'member.create', [], secret);
    expect([tried.stdout.match(/^✗.*/gm), tried.code, await enrolled()]).toEqual([null, 0, []]);
    const acted = await conformance(url, 'member.create', ['--live'], secret);
    expect([acted.stdout.match(/^✗.*/gm), acted.code]).toEqual([null, 0]);
    // One LIVE request that was asked twice, and one as CANARY.
    expect(await enrolled()).toHaveLength(2);
  });
});

describe('record-keeper/receiver.mjs', () => {
  const points = extensionPoints.map(({ name }) => name);
  const kept = ['points.change', 'points.read', 'growth.read'].filter((name) => points.includes(name));
  it.each(kept)('passes every check of %s, live ones too', async (point) => {
    const url = await started('record-keeper/receiver.mjs', [], { SIGNING_SECRET: SECRET });
    const sample = point === 'points.change' ? ['--sample', '{ "amount": "120" }'] : [];
    const args = ['--secret', SECRET, '--live', ...sample];
    const { code, stdout, stderr } = await conformance(url, point, args);
    expect([stdout.match(/^✗.*/gm), stderr, code]).toEqual([null, '', 0]);
    expect(stdout).toContain('All 24 checks hold.');
  });
});

/** What a receiver of a test does, each part to be done wrongly. */
const PARTS = {
  isSigned: (request: IncomingMessage, body: string): boolean => {
    try {
      verify(SECRET, body, request.headers);
      return true;
    } catch (error) {
      // It parses what it has verified.
      return (error as Error).name === 'SyntaxError';
    }
  },
  seen: (id: string, ids: Set<string>): boolean => ids.has(id) || ids.add(id).size < 0,
  parse: (body: string): Json => {
    try {
      return JSON.parse(body);
    } catch {
      return {};
    }
  },
  knows: (point: string): boolean => point === 'points.rule' || point === 'challenge',
  answer: ({ point, input }: Json): Json => (point === 'challenge' ? input : { postings: [] }),
  end: (response: ServerResponse, output: Json): void => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ output }));
  },
  mostBytes: 1_000_000,
};

function receiverOf(wrong: Partial<typeof PARTS>): RequestListener {
  const { isSigned, seen, parse, knows, answer, end, mostBytes } = { ...PARTS, ...wrong };
  const ids = new Set<string>();
  return async (request, response) => {
    try {
      const body = await bodyOf(request);
      if (body.length > mostBytes) return void response.writeHead(413).end();
      if (!isSigned(request, body)) return void response.writeHead(401).end();
      if (seen(String(request.headers['webhook-id']), ids)) return void response.writeHead(401).end();
      const call = parse(body);
      if (!knows(call.point)) return void response.writeHead(400).end();
      end(response, answer(call));
    } catch {
      response.writeHead(500).end();
    }
  };
}

async function failedOf(
  wrong: Partial<typeof PARTS>,
  live = false,
  deadlineMs = GENEROUS_MS,
  point: ExtensionPoint = pointsRule,
) {
  const { url, close } = await serve(receiverOf(wrong));
  stops.push(close);
  const failed: string[] = [];
  const { input } = point.example;
  await checkReceiver({ url, secret: SECRET, point, input, deadlineMs, live }, (checked) => {
    if (checked.seen !== null) failed.push(checked.name);
  });
  return failed;
}

const GOOD = ['answered', 'rotation', 'modes', 'unknownFields', 'large', 'idempotent', 'together', 'healthy'];
const first = (request: IncomingMessage): Json => ({
  'webhook-id': request.headers['webhook-id'],
  'webhook-timestamp': request.headers['webhook-timestamp'],
  'webhook-signature': String(request.headers['webhook-signature']).split(' ')[0],
});
let answers = 0;

it.each<[how: string, wrong: Partial<typeof PARTS>, failed: string[]]>([
  ['does nothing wrong', {}, []],
  [
    'verifies nothing',
    { isSigned: () => true },
    ['unsigned', 'wrongSecret', 'otherBody', 'otherId', 'old', 'future'],
  ],
  [
    'looks for a signature alone',
    { isSigned: ({ headers }) => headers['webhook-signature'] !== '' },
    ['wrongSecret', 'otherBody', 'otherId', 'old', 'future'],
  ],
  [
    'looks at the first signature alone',
    { isSigned: (request, body) => PARTS.isSigned({ headers: first(request) } as IncomingMessage, body) },
    ['rotation'],
  ],
  ['remembers no ids', { seen: () => false }, ['replayed']],
  ['falls over what is no JSON', { parse: JSON.parse }, ['noJson']],
  ['answers whatever is asked', { knows: () => true }, ['noJson', 'otherPoint']],
  ['knows no challenge', { answer: () => ({ postings: [] }) }, ['challenge']],
  [
    'gives more back than the challenge',
    { answer: ({ point, input }) => (point === 'challenge' ? { ...input, ok: 1 } : { postings: [] }) },
    ['challenge'],
  ],
  [
    'answers another shape',
    { answer: ({ point, input }) => (point === 'challenge' ? input : { points: 5 }) },
    GOOD,
  ],
  [
    'answers beside { output }',
    { end: (response, output) => void response.end(JSON.stringify(output)) },
    ['answered', 'challenge', ...GOOD.slice(1)],
  ],
  [
    'answers by another type',
    {
      end: (response, output) =>
        void response.setHeader('content-type', 'text/html').end(JSON.stringify({ output })),
    },
    ['answered', 'challenge', ...GOOD.slice(1)],
  ],
  [
    'fails when it is only tried',
    {
      answer: ({ point, input, mode }) => {
        if (mode === 'SHADOW') throw new Error('what is a shadow?');
        return point === 'challenge' ? input : { postings: [] };
      },
    },
    ['modes'],
  ],
  [
    'refuses fields that it doesn’t know',
    {
      answer: ({ point, input, laterField }) => {
        if (laterField) throw new Error('unknown field');
        return point === 'challenge' ? input : { postings: [] };
      },
    },
    ['unknownFields'],
  ],
  ['takes little', { mostBytes: 100_000 }, ['large']],
  ['takes anything', { mostBytes: 10_000_000 }, ['tooLarge']],
  [
    'answers each time anew',
    {
      answer: ({ point, input }) => {
        answers += 1;
        const posting = { asset: 'points', amount: String(answers), reason: 'again' };
        return point === 'challenge' ? input : { postings: [posting] };
      },
    },
    ['idempotent'],
  ],
  [
    'falls over an input that is none',
    {
      answer: ({ point, input }) => {
        if (input === null) throw new Error('null');
        return point === 'challenge' ? input : { postings: [] };
      },
    },
    ['badInput'],
  ],
])('a receiver that %s', async (_how, wrong, failed) => {
  expect(await failedOf(wrong)).toEqual(failed);
});

it('a receiver that is slow with many calls', async () => {
  let underWay = 0;
  const slow: typeof PARTS.end = (response, output) => {
    underWay += 1;
    response.once('close', () => {
      underWay -= 1;
    });
    // A few at once are answered after a while, and those beyond them never.
    if (underWay <= 4) setTimeout(() => PARTS.end(response, output), 120);
  };
  expect(await failedOf({ end: slow }, false, 4_000)).toEqual(['together']);
});

it('a keeper of records that knows only the last request again', async () => {
  /** Points are added for each key that isn’t the last one. */
  const keeper = (remembered: number) => {
    const answers = new Map<string, Json>();
    let total = 0;
    return ({ point, input, idempotencyKey }: Json): Json => {
      if (point === 'challenge') return input;
      const known = answers.get(idempotencyKey);
      if (known !== undefined) return known;
      total += 1;
      answers.set(idempotencyKey, { available: String(total) });
      const [oldest] = answers.keys();
      if (answers.size > remembered) answers.delete(oldest ?? '');
      return { available: String(total) };
    };
  };
  const reads = { knows: (point: string) => point === 'points.read' || point === 'challenge' };
  const failed = (remembered: number, live: boolean) =>
    failedOf({ ...reads, answer: keeper(remembered) }, live, GENEROUS_MS, pointsRead);
  expect(await failed(1, false)).toEqual(['knownAgain']);
  expect(await failed(1, true)).toEqual(['knownAgain', 'liveKnownAgain']);
  expect(await failed(1_000, true)).toEqual([]);
});

it('asks as LIVE and CANARY only when told to', async () => {
  const modes = new Set<string>();
  const answer: typeof PARTS.answer = (call) => {
    modes.add(call.mode);
    return PARTS.answer(call);
  };
  expect(await failedOf({ answer })).toEqual([]);
  expect([...modes].sort()).toEqual(['DRY_RUN', 'SHADOW', 'TEST']);
  expect(await failedOf({ answer }, true)).toEqual([]);
  expect([...modes].sort()).toEqual(['CANARY', 'DRY_RUN', 'LIVE', 'SHADOW', 'TEST']);
});

it('asks with the example of each point there is, or with a sample laid over it', async () => {
  const asked: Json[] = [];
  const { url, close } = await serve(async (request, response) => {
    const call = JSON.parse(await bodyOf(request).then((body) => (body.endsWith(' ') ? '{}' : body)));
    asked.push(call);
    response.writeHead(500).end();
  });
  stops.push(close);
  for (const point of extensionPoints) {
    const { example, name } = point;
    await checkReceiver(
      { url, secret: SECRET, point, input: example.input, deadlineMs: GENEROUS_MS },
      () => undefined,
    );
    expect(asked[0]).toMatchObject({ point: name, version: point.version, input: example.input });
    asked.length = 0;
  }
  const sample = JSON.stringify({ profile: { displayName: '王' } });
  await conformance(url, 'member.create', ['--secret', SECRET, '--sample', sample]);
  const { profile } = memberCreate.example.input;
  expect(asked[0]?.input.profile).toEqual({ ...profile, displayName: '王' });
});

describe('what the author reads', () => {
  it('is each failed check in a sentence with its mend, and an exit code', async () => {
    const { url, close } = await serve(receiverOf({ seen: () => false }));
    stops.push(close);
    const args = ['--secret', SECRET];
    const english = await conformance(url, 'points.rule', args);
    expect(english.stdout).toContain(
      '✗ The same call is taken twice (it answered with status 200): remember each webhook-id for ten ' +
        'minutes, and refuse it the second time.\n',
    );
    expect([english.stderr, english.code]).toEqual(['1 of 20 checks don’t hold.\n', 1]);
    const chinese = await conformance(url, 'points.rule', args, { LANG: 'zh_CN.UTF-8' });
    expect(chinese.stdout).toContain('✗ 同一调用被接受了两次（响应状态为 200）：请记住每个');
    expect(chinese.stderr).toBe('20 项检查中有 1 项未通过。\n');
  });

  it('is one check where nobody answers', async () => {
    const { code, stdout } = await conformance('http://127.0.0.1:9/', 'points.rule', ['--secret', SECRET]);
    expect([code, stdout.match(/^[✓✗].*/gm)]).toEqual([1, [expect.stringContaining('ECONNREFUSED')]]);
  });

  it.each([
    ['nobody.asks', ['--secret', SECRET], /^Nothing asks "nobody\.asks": name one of member\.create, /],
    ['points.rule', [], /SIGNING_SECRET=whsec_\S{43}=,/],
    ['points.rule', ['--secret', 'tea'], /^The secret is none/],
    [
      'points.rule',
      ['--secret', SECRET, '--sample', '{"member":{"tags":5}}'],
      /^The sample doesn’t fit points\.rule at "member\.tags": /,
    ],
  ])('is what is wrong with the command: %s %j', async (point, more, says) => {
    const { code, stderr } = await conformance('127.0.0.1:9', point, more);
    expect([code, stderr]).toEqual([1, expect.stringMatching(says)]);
  });
});
