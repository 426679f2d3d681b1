import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parse, validate } from 'graphql';
import { signToken } from '../../src/boot/index.ts';
import { errorCatalogue } from '../../src/gateway/catalogue.ts';
import { buildGraphQLSchema } from '../../src/gateway/schema.ts';
import { projectPath } from '../../src/persistence/index.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { Tunnel } from '../support/tunnel.ts';
import { type Block, blocksOf, deadLinksIn, namesIn, tableOf } from './guide-blocks.ts';
import { filledIn } from './guide-placeholders.ts';
import { type LiveProgram, LivePrograms } from './live-programs.ts';

const FOLDER = projectPath('docs', 'guides');
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const english = read('live-balance.md');
const blocks = blocksOf(english);

let gateway: TestGateway;
let tunnel: Tunnel;
let programs: LivePrograms;
const logged: string[] = [];
beforeAll(async () => {
  gateway = await startTestGateway({ log: (line) => logged.push(line) });
  tunnel = await Tunnel.to(gateway.url);
  programs = await LivePrograms.of(blocks);
});
afterEach(() => tunnel.open());
afterAll(async () => {
  await programs.close();
  await tunnel.close();
  await gateway.close();
});

const EARN = `mutation Earn($input: EarnPointsInput!) {
  earnPoints(input: $input) { ledger { version } userErrors { code } } }`;

async function earn(memberId: string, amount: string): Promise<void> {
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount };
  const { data } = await gateway.ask(EARN, { input });
  expect(data.earnPoints.userErrors).toEqual([]);
}

async function tokenOf(memberId: string): Promise<string> {
  const { authorization = '' } = await gateway.asMember(memberId);
  return authorization.replace('Bearer ', '');
}

/** A reader of the guide, who does what each block says. */
class Reader {
  readonly #schema = buildGraphQLSchema();
  #program: LiveProgram | null = null;
  #query = '';
  #answer: Json = null;

  async run({ info, text }: Block): Promise<void> {
    const known = new Map([['member', gateway.demo.memberId]]);
    switch (info) {
      case 'console':
        return await this.#command(text.trimEnd().split('\n'));
      case 'text prints':
        return await this.#prints(text.trimEnd().split('\n'));
      case 'text cut':
        tunnel.cut();
        return await this.#prints(text.trimEnd().split('\n'));
      case 'text back':
        tunnel.open();
        return await this.#prints(text.trimEnd().split('\n'));
      case 'graphql request':
        this.#query = text;
        return expect(validate(this.#schema, parse(text))).toEqual([]);
      case 'json variables':
        this.#answer = await gateway.ask(this.#query, filledIn(JSON.parse(text), known) as Json);
        return expect(this.#answer.errors).toEqual([]);
      case 'json answer':
        return expect(this.#answer.data).toEqual(JSON.parse(text));
      default:
        // Files are there before the first block; pictures are GitHub's.
        return expect(info).toMatch(/^(js file \S+|mermaid)$/);
    }
  }

  async #command([command = '', ...lines]: readonly string[]): Promise<void> {
    const words = command.replace(/^\$ /, '').split(' ');
    if (words[0] === 'npm') {
      expect(words[1]).toBe('install');
      return expect(words.slice(2)).toEqual(words.slice(2).map(installed));
    }
    expect(words).toEqual([
      ...['SERVER=http://localhost:4000', 'MEMBER=<member>', 'TOKEN=<token>', 'node', 'watch.mjs'],
    ]);
    const { memberId: MEMBER, memberToken: TOKEN } = gateway.demo;
    this.#program = programs.start(['watch.mjs'], { SERVER: tunnel.url, MEMBER, TOKEN });
    await this.#prints(lines);
  }

  async #prints(lines: readonly string[]): Promise<void> {
    for (const line of lines) expect(await this.#program?.next()).toBe(line);
  }
}

/** The version of a package that is proven here. */
function installed(wanted: string): string {
  const name = wanted.slice(0, wanted.lastIndexOf('@'));
  const manifest = readFileSync(projectPath('node_modules', name, 'package.json'), 'utf8');
  return `${name}@${JSON.parse(manifest).version}`;
}

describe('the guide, step by step', () => {
  const reader = new Reader();
  let isBroken = false;
  it.each(blocks)('line $line: $info', async (block) => {
    if (isBroken) throw new Error('A block before this failed, so this one was not tried.');
    isBroken = true;
    await reader.run(block);
    isBroken = false;
  });
});

const CLIENTS = ['live-balance.mjs', 'apollo.mjs', 'urql.mjs', 'sse.mjs'];

it('tries every client that the guide shows', () => {
  const shown = blocks.flatMap(({ info, text }) =>
    text.includes('export async function liveBalance') ? [info.replace('js file ', '')] : [],
  );
  expect(shown).toEqual(CLIENTS);
});

describe.each(CLIENTS)('a balance by %s', (file) => {
  async function watch(memberId: string): Promise<LiveProgram> {
    const TOKEN = await tokenOf(memberId);
    const program = programs.start(['watch.mjs', `./${file}`], {
      SERVER: tunnel.url,
      MEMBER: memberId,
      TOKEN,
    });
    await program.until(/^live$/);
    return program;
  }

  /** What it showed: each version once, in order, and the last as the ledger stands. */
  async function expectWhole(program: LiveProgram, memberId: string): Promise<void> {
    const query = `{ member(id: "${memberId}") { ledger(asset: "points") { version balance { available } } } }`;
    const { data } = await gateway.ask(query);
    const { version, balance } = data.member.ledger;
    await program.until(new RegExp(`^${version}: `));
    const shown = program.lines.flatMap((line) => /^(\d+): (\d+) points/.exec(line)?.slice(1, 3) ?? []);
    const versions = shown.filter((_, index) => index % 2 === 0).map(Number);
    expect(versions).toEqual(Array.from({ length: Number(version) }, (_, index) => index + 1));
    expect(shown.at(-1)).toBe(balance.available);
  }

  it('survives tunnels while points are posted', async () => {
    const memberId = await enrol(gateway);
    const program = await watch(memberId);
    for (const amount of ['1', '2', '3']) {
      await earn(memberId, amount);
      tunnel.cut();
      await program.until(/^away$/);
      await Promise.all(['4', '5', '6'].map((one) => earn(memberId, one)));
      tunnel.open();
      const posted = earn(memberId, '7');
      await program.until(/^live$/);
      await posted;
    }
    await earn(memberId, '8');
    await expectWhole(program, memberId);
    await program.stop();
  });
});

/** As the guide's `watch.mjs`, for a backend that gives out tokens. */
const RENEWING = `import { liveBalance } from './live-balance.mjs';
const { SERVER: url, MEMBER: memberId, TOKENS } = process.env;
await liveBalance({
  ...{ url, memberId, token: async () => (await fetch(TOKENS)).text() },
  onBalance: ({ version }) => console.log(version + ':'),
  onState: (state) => console.log(state),
  onEnd: ({ code }) => process.exit(console.log('The end: ' + code)),
});
`;

describe('what the guide says of tokens', () => {
  /** Gives out tokens of eight seconds, renewed after four, at most so many different ones. */
  async function renewing(memberId: string, most: number) {
    const given: string[] = [];
    const { tenant } = gateway.demo;
    const backend = createServer(async (_, response) => {
      const claims = { subject: memberId, tenant, role: 'member', expiresIn: '8s' } as const;
      if (given.length < most) given.push(await signToken(gateway.config, claims));
      response.end(given.at(-1));
    }).listen(0, '127.0.0.1');
    await once(backend, 'listening');
    await programs.write('renewing.mjs', RENEWING);
    const { port } = backend.address() as AddressInfo;
    const environment = { SERVER: tunnel.url, MEMBER: memberId, TOKENS: `http://127.0.0.1:${port}` };
    return { given, backend, program: programs.start(['renewing.mjs'], environment) };
  }

  it('a fresh one goes on the open socket, and nothing is interrupted', async () => {
    const memberId = await enrol(gateway);
    const { given, backend, program } = await renewing(memberId, Number.POSITIVE_INFINITY);
    await program.until(/^live$/);
    // One for the card and one for the socket, which has ended when it is renewed for the third time.
    while (given.length < 5) await setTimeout(50);
    await earn(memberId, '1');
    await program.until(/^2:$/);
    expect(program.lines).toEqual(['1:', 'live', '2:']);
    await program.stop();
    backend.close();
  });

  it('one that has ended takes the socket along, and an old one isn’t let in again', async () => {
    const { backend, program } = await renewing(await enrol(gateway), 1);
    await program.until(/^The end: 4403$/);
    expect(program.lines).toEqual(['1:', 'live', 'away', 'away', 'The end: 4403']);
    backend.close();
  });
});

/** As `watch.mjs`, where the first card's cursor is none: as behind a database that was restored. */
const STALE = `const { fetch } = globalThis;
let isFirst = true;
globalThis.fetch = async (...asked) => {
  const answer = await fetch(...asked);
  if (!isFirst) return answer;
  isFirst = false;
  return new Response((await answer.text()).replace(/("eventCursor":")[^"]+/, '$1forged'), answer);
};
await import('./watch.mjs');
`;

describe('what the guide says of the end', () => {
  async function environmentOf(memberId: string, caller: string): Promise<Record<string, string>> {
    return { SERVER: tunnel.url, MEMBER: memberId, TOKEN: await tokenOf(caller) };
  }

  async function watch(memberId: string, caller: string, file = './live-balance.mjs'): Promise<LiveProgram> {
    return programs.start(['watch.mjs', file], await environmentOf(memberId, caller));
  }

  it.each(CLIENTS)('nobody follows another member by %s', async (file) => {
    const program = await watch(await enrol(gateway), await enrol(gateway), `./${file}`);
    expect(await program.next()).toBe('The end: There is no such member.');
  });

  it('a network that says nothing is given up, and gone on from', async () => {
    // The 10 s after which that is would be long here; elsewhere less would take a busy machine for silent.
    const impatient = await LivePrograms.of(blocks, (text) =>
      text.replace('SILENCE_MS = 10_000', 'SILENCE_MS = 600'),
    );
    const memberId = await enrol(gateway);
    const program = impatient.start(['watch.mjs'], await environmentOf(memberId, memberId));
    await program.until(/^live$/);
    tunnel.silence();
    await earn(memberId, '1');
    await program.until(/^away$/);
    tunnel.open();
    await program.until(/^2: 101 points/);
    await impatient.close();
  });

  it.each(CLIENTS)('a stream that breaks off is gone on from by %s', async (file) => {
    const memberId = await enrol(gateway);
    const program = await watch(memberId, memberId, `./${file}`);
    await program.until(/^live$/);
    const before = logged.length;
    await gateway.sql('alter table entry rename to entry_away');
    await gateway.sql('update tenant_feed set position = position + 1');
    try {
      while (!logged.slice(before).some((line) => line.includes('an operation failed'))) await setTimeout(20);
    } finally {
      await gateway.sql('update tenant_feed set position = position - 1');
      await gateway.sql('alter table entry_away rename to entry');
    }
    await earn(memberId, '1');
    await program.until(/^2: 101 points/);
    expect(program.lines.filter((line) => line.startsWith('2: '))).toHaveLength(1);
    await program.stop();
  });

  it.each(CLIENTS)('a cursor that leads nowhere isn’t listened to in silence by %s', async (file) => {
    const memberId = await enrol(gateway);
    await programs.write('stale.mjs', STALE);
    const environment = { SERVER: tunnel.url, MEMBER: memberId, TOKEN: await tokenOf(memberId) };
    const program = programs.start(['stale.mjs', `./${file}`], environment);
    if (file === 'live-balance.mjs') {
      await program.until(/^away$/);
      await earn(memberId, '1');
      await program.until(/^2: 101 points/);
    } else await program.until(/^The end: CURSOR_INVALID$/);
    await program.stop();
  });

  it('every code is one of the catalogue', () => {
    const codes = namesIn(tableOf(english, 'error codes'));
    expect(codes.filter((code) => !(code in errorCatalogue))).toEqual([]);
  });
});

it('has what each of its links leads to', () => {
  expect(deadLinksIn(english, FOLDER)).toEqual([]);
});
