import { inspect } from 'node:util';
import type { ExtensionPoint } from '../../extension/index.ts';
import * as contract from '../../extension/index.ts';

const LINE_WIDTH = 110;

export const RUNTIMES = ['in-process', 'webhook', 'sandbox'] as const;
export type Runtime = (typeof RUNTIMES)[number];

/** What is to be written. */
export interface Plan {
  /** Kebab-case. */
  readonly name: string;
  readonly points: readonly ExtensionPoint[];
  readonly runtime: Runtime;
  /** Whether it becomes one of the product's own `plugins/`; else a package of its own. */
  readonly isOwn: boolean;
  /** Of the product that writes it. */
  readonly productVersion: string;
}

/** Files by name. */
export type Written = Readonly<Record<string, string>>;

export function filesOf(plan: Plan): Written {
  if (plan.runtime === 'webhook') return webhookFiles(plan);
  return plan.runtime === 'sandbox' ? sandboxFiles(plan) : inProcessFiles(plan);
}

/** As code has it: `{ decision: 'APPROVE' }`. */
const literal = (value: unknown): string =>
  inspect(value, { depth: null, breakLength: Number.POSITIVE_INFINITY, maxStringLength: null });

/** What a point is exported as: `memberCreate` is `member.create`. @throws Error when it isn't */
function nameInCode(point: ExtensionPoint): string {
  const [name] = Object.entries(contract).find(([, exported]) => exported === point) ?? [];
  if (name === undefined) throw new Error(`The extension point "${point.name}" isn't exported.`);
  return name;
}

const pointsIn = ({ points }: Plan): string => points.map(({ name }) => name).join(', ');

function inProcessFiles(plan: Plan): Written {
  const { name, points, isOwn, productVersion } = plan;
  const from = isOwn ? '../../src/extension/index.ts' : 'membergraph/plugin';
  const named = points.flatMap((point) => [nameInCode(point), outputOf(point)]);
  const answering = points.map(
    (point) => `    answers(${nameInCode(point)}, (_input, context): ${outputOf(point)} => {
      context.log(\`asked as \${context.mode}\`);
      return ${literal(point.neutral)};
    }),`,
  );
  const code = `${importOf(['answers', 'definePlugin', ...named], from)}

export const plugin = definePlugin({
  id: '${name}',
  version: 1,
  description: 'Answers ${pointsIn(plan)}.',
  answers: [
${answering.join('\n')}
  ],
});
`;
  if (isOwn) {
    return {
      'plugin.ts': code,
      'plugin.spec.ts': ownSpec(plan),
      'README.md': `${headOf(plan)}It is switched on by naming it: \`PLUGINS=${name}\`. Its test: \`npm test -- plugins/${name}\`.\n`,
    };
  }
  const manifest = {
    ...{ name, version: '1.0.0', private: true, type: 'module', exports: './plugin.ts' },
    scripts: { test: 'node --test' },
    peerDependencies: { membergraph: `^${productVersion}` },
  };
  return {
    'plugin.ts': code,
    'plugin.test.ts': packageTest(plan),
    'package.json': `${JSON.stringify(manifest, null, 2)}\n`,
    'README.md': `${headOf(plan)}    npm install membergraph && npm test

An operator installs it beside Membergraph, and names it: \`PLUGINS=${name}\`. Node runs no TypeScript within
node_modules: publish what \`tsc\` makes of it, or install the folder (\`npm install ../${name}\`).
`,
  };
}

function ownSpec(plan: Plan): string {
  const { points } = plan;
  const tests = points.map(
    (point) => `it('answers ${point.name}', async () => {
  expect(await askPlugin(plugin, ${nameInCode(point)})).toEqual(${literal(point.neutral)});
});`,
  );
  return `${importOf(points.map(nameInCode), '../../src/extension/index.ts')}
import { askPlugin } from '../../test/support/plugins.ts';
import { plugin } from './plugin.ts';

${tests.join('\n\n')}
`;
}

function packageTest(plan: Plan): string {
  const { points } = plan;
  const tests = points.map(
    (point) => `test('answers ${point.name}', async () => {
  assert.deepEqual(await askPlugin(plugin, ${nameInCode(point)}), ${literal(point.neutral)});
});`,
  );
  return `import assert from 'node:assert/strict';
import { test } from 'node:test';
${importOf(points.map(nameInCode), 'membergraph/plugin')}
import { askPlugin, startTestGateway } from 'membergraph/testing';
import { plugin } from './plugin.ts';

${tests.join('\n\n')}

test('is loaded by the product', async () => {
  const gateway = await startTestGateway({ plugins: [plugin] });
  try {
    await gateway.advanceClock('P1D');
    const { data, errors } = await gateway.ask('{ program { version } }');
    assert.deepEqual([data, errors], [{ program: { version: 1 } }, []]);
  } finally {
    await gateway.close();
  }
});
`;
}

function sandboxFiles(plan: Plan): Written {
  const { name, points } = plan;
  const [point] = points;
  if (point === undefined) return {};
  return {
    'rule.js': `// Answers ${point.name}. It is told no time and no chance but those of the call, and reaches nothing.
export default (input) => {
  console.log('asked with', Object.keys(input).join(', ')); // is kept with the call
  return ${literal(point.neutral)};
};
`,
    'rule.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import rule from './rule.js';

const input = ${JSON.stringify(point.example.input, null, 2)};

test('answers ${point.name}', () => {
  assert.deepEqual(rule(input), ${literal(point.neutral)});
});
`,
    'package.json': manifestOf(name),
    'README.md': `${headOf(plan)}    npm test
    membergraph plugin dev rule.js --point ${point.name}
    membergraph extension register rule.js --name ${name} --point ${point.name} --tenant <code>
`,
  };
}

function webhookFiles(plan: Plan): Written {
  const { name, points } = plan;
  const cases = points.map(({ name: asked, neutral }) => `  '${asked}': () => (${literal(neutral)}),`);
  return {
    'answers.js': `// What is answered, by extension point. Act on something only when mode is LIVE or CANARY; the same
// idempotencyKey is the same request, asked again: answer it as you did first.
export const answers = {
  challenge: ({ input }) => ({ challenge: input.challenge }),
${cases.join('\n')}
};
`,
    'receiver.js': RECEIVER,
    'receiver.test.js': WEBHOOK_TEST,
    'package.json': manifestOf(name),
    'README.md': `${headOf(plan)}    npm test
    SIGNING_SECRET=whsec_… PORT=8080 node receiver.js
${points.map((point) => `    membergraph extension conformance http://127.0.0.1:8080/ --point ${point.name} --secret whsec_…\n`).join('')}`,
  };
}

const manifestOf = (name: string): string =>
  `${JSON.stringify(
    { name, version: '1.0.0', private: true, type: 'module', scripts: { test: 'node --test' } },
    null,
    2,
  )}\n`;

const headOf = (plan: Plan): string =>
  `# ${plan.name}\n\nAnswers ${pointsIn(plan)} of Membergraph, and changes nothing yet.\n\n`;

/** The type of a point's answers. */
function outputOf(point: ExtensionPoint): string {
  const name = nameInCode(point);
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}Output`;
}

/** An import as the formatter writes it; what begins with a capital is a type. */
function importOf(names: readonly string[], from: string): string {
  const sorted = [...names].sort(byLetters).map((name) => (/^[A-Z]/.test(name) ? `type ${name}` : name));
  const line = `import { ${sorted.join(', ')} } from '${from}';`;
  if (line.length <= LINE_WIDTH) return line;
  return `import {\n${sorted.map((name) => `  ${name},\n`).join('')}} from '${from}';`;
}

/** Letter by letter, and of the same letter the capital first. */
function byLetters(a: string, b: string): number {
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    const [left = '', right = ''] = [a[index], b[index]];
    if (left === right) continue;
    const byLetter = left.toLowerCase().localeCompare(right.toLowerCase(), 'en');
    return byLetter === 0 ? (left < right ? -1 : 1) : byLetter;
  }
  return a.length - b.length;
}

const RECEIVER = `import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { answers } from './answers.js';

const MAX_BYTES = 1_000_000;
const TOLERANCE_SECONDS = 5 * 60;

/** Whether a call is signed by one of the secrets, now, and for the first time; see Standard Webhooks. */
export function verifier(secrets) {
  const keys = secrets.map((secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
  // webhook-id → until when it is remembered. Several processes share this in a database.
  const seen = new Map();
  return (headers, body) => {
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers;
    const now = Date.now() / 1000;
    if (!id || !(Math.abs(now - Number(timestamp)) <= TOLERANCE_SECONDS)) return false;
    const sign = (key) => createHmac('sha256', key).update(\`\${id}.\${timestamp}.\${body}\`).digest('base64');
    const wanted = keys.map((key) => Buffer.from(\`v1,\${sign(key)}\`));
    const given = signatures.split(' ').map((text) => Buffer.from(text));
    const same = (a, b) => a.length === b.length && timingSafeEqual(a, b);
    if (!given.some((one) => wanted.some((other) => same(one, other)))) return false;
    for (const [old, until] of seen) if (until < now) seen.delete(old);
    return !seen.has(id) && seen.set(id, now + 2 * TOLERANCE_SECONDS).has(id);
  };
}

/** What is asked; null when it is no JSON, or nothing that is answered here. */
function callOf(body) {
  try {
    const call = JSON.parse(body);
    return Object.hasOwn(answers, call.point) && call.input ? call : null;
  } catch {
    return null;
  }
}

async function handle(request, response, verify) {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk;
    if (body.length > MAX_BYTES) return response.writeHead(413).end();
  }
  if (!verify(request.headers, body)) return response.writeHead(401).end();
  const call = callOf(body);
  if (call === null) return response.writeHead(400).end();
  const output = await answers[call.point](call);
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ output }));
}

export function createReceiver(secrets) {
  const verify = verifier(secrets);
  return createServer((request, response) => {
    handle(request, response, verify).catch(() =>
      response.headersSent ? response.destroy() : response.writeHead(503).end(),
    );
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { SIGNING_SECRET = '', PORT = '8080' } = process.env;
  const server = createReceiver(SIGNING_SECRET.split(' ').filter(Boolean));
  server.listen(Number(PORT), '127.0.0.1', () => console.log(\`listening on \${server.address().port}\`));
}
`;

const WEBHOOK_TEST = `import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { answers } from './answers.js';
import { createReceiver } from './receiver.js';

const key = Buffer.from('a secret of this test alone, 32 b');
const server = createReceiver([\`whsec_\${key.toString('base64')}\`]);
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => server.close());

async function ask(call, signedBy = key) {
  const id = \`call_\${Math.random()}\`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const body = JSON.stringify({ version: 1, mode: 'TEST', attempt: 1, idempotencyKey: 'k', ...call });
  const signature = createHmac('sha256', signedBy).update(\`\${id}.\${timestamp}.\${body}\`).digest('base64');
  const headers = {
    ...{ 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp },
    ...{ 'webhook-signature': \`v1,\${signature}\` },
  };
  return await fetch(\`http://127.0.0.1:\${server.address().port}\`, { method: 'POST', headers, body });
}

test('gives the challenge back', async () => {
  const response = await ask({ point: 'challenge', input: { challenge: 'abc' } });
  assert.deepEqual(await response.json(), { output: { challenge: 'abc' } });
});

for (const point of Object.keys(answers).filter((name) => name !== 'challenge')) {
  test(\`answers \${point}\`, async () => {
    const response = await ask({ point, input: {} });
    assert.equal(response.status, 200);
    assert.deepEqual(Object.keys(await response.json()), ['output']);
  });
}

test('refuses what another secret signed, and what it doesn’t answer', async () => {
  assert.equal((await ask({ point: 'challenge', input: {} }, Buffer.from('another'))).status, 401);
  assert.equal((await ask({ point: 'nobody.asks', input: {} })).status, 400);
});
`;
