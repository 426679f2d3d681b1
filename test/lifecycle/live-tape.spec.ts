import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { removeEmbeddedPostgres } from '../../src/persistence/embedded/index.ts';
import { openBrowser } from '../support/browser.ts';
import type { Json } from '../support/gateway.ts';
import { freePort, type Running, run } from '../support/process.ts';

const READY = /Membergraph is ready: (http:\S+)\/graphql/;
const LINK = /live tape\s+(http:\S+)/;
/** A page that is away tries again within 15 s. */
const COMES_BACK_MS = 40_000;
const ROUNDS = 2;

let dataDir: string;
let environment: Record<string, string>;
let server: Running;
let url: string;
let link: string;
let key: string;
let browser: Browser;
/** What was begun: where there is no browser, that is all that is told. */
const undo: (() => Promise<void>)[] = [];

async function start(): Promise<void> {
  server = run('main', [], environment);
  [, url = ''] = await server.until(READY);
  [, link = ''] = await server.until(LINK);
}

beforeAll(async () => {
  browser = await openBrowser();
  undo.push(() => browser.close());
  dataDir = await mkdtemp(join(tmpdir(), 'membergraph-tape-'));
  undo.push(() => rm(dataDir, { recursive: true, force: true }));
  undo.push(() => removeEmbeddedPostgres(dataDir));
  environment = { DATA_DIR: dataDir, PORT: String(await freePort()) };
  undo.push(async () => {
    server.child.kill('SIGKILL');
    await server.ended;
  });
  await start();
  key = JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8')).adminApiKey;
}, 180_000);

afterAll(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function ask(query: string, variables: Record<string, unknown> = {}): Promise<Json> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, 'accept-language': 'en' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as Json;
  expect(errors).toBeUndefined();
  return data;
}

let requests = 0;

async function enrol(displayName: string): Promise<string> {
  requests += 1;
  const input = {
    idempotencyKey: `tape-${requests}`,
    identities: [{ kind: 'EXTERNAL', value: `tape-${requests}` }],
    profile: { displayName },
  };
  const create = `mutation($input: CreateMemberInput!) { createMember(input: $input) { member { id } } }`;
  return (await ask(create, { input })).createMember.member.id;
}

const EARN = `mutation($input: EarnPointsInput!) { earnPoints(input: $input) { userErrors { code } } }`;

/** Posts, however often the server dies meanwhile: the same key counts once. */
async function earn(memberId: string, amount: string): Promise<void> {
  requests += 1;
  const input = { idempotencyKey: `tape-${requests}`, memberId, asset: 'points', amount };
  for (;;) {
    try {
      const { earnPoints } = await ask(EARN, { input });
      return expect(earnPoints.userErrors).toEqual([]);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The ids of all entries of some members, as the ledgers have them. */
async function entriesOf(memberIds: readonly string[]): Promise<string[]> {
  const query = `query($id: ID!) { member(id: $id) { ledgers { entries(first: 100) { edges { node { id } } } } } }`;
  const members = await Promise.all(memberIds.map((id) => ask(query, { id })));
  return members.flatMap(({ member }) =>
    member.ledgers.flatMap(({ entries }: Json) => entries.edges.map(({ node }: Json) => node.id)),
  );
}

/** A tab that follows from now on, and what went wrong in it. */
async function openTape(options: Parameters<Browser['newPage']>[0] = {}) {
  const page = await browser.newPage({ locale: 'en', ...options });
  const mistakes: string[] = [];
  page.on('pageerror', (error) => mistakes.push(error.message));
  page.on('console', (said) => /policy/i.test(said.text()) && mistakes.push(said.text()));
  page.on('request', (request) => request.url().startsWith(url) || mistakes.push(request.url()));
  await page.goto(link);
  await stateOf(page, 'live');
  return { page, mistakes };
}

async function stateOf(page: Page, state: string): Promise<void> {
  await page.waitForSelector(`#state[data-state="${state}"]`, { timeout: COMES_BACK_MS });
}

async function countIs(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    (wanted) => document.getElementById('count')?.textContent === String(wanted),
    count,
    { timeout: COMES_BACK_MS },
  );
}

const shownIn = (page: Page): Promise<string[]> =>
  page.$$eval('#tape li', (lines) => lines.map((line) => line.getAttribute('data-entry') ?? ''));

it('shows what is posted without a reload, and keeps the key to itself', async () => {
  const { page, mistakes } = await openTape();
  expect(page.url()).toBe(`${url}/examples/live-tape`);
  expect(await page.content()).not.toContain(key);
  const name = `<img src=x onerror="window.stolen = true"> "Lin" & '林'`;
  const memberId = await enrol(name);
  await earn(memberId, '1234567');
  await countIs(page, 3);
  expect(await page.$$eval('.who b', (names) => names.map((one) => one.textContent))).toEqual([
    name,
    name,
    name,
  ]);
  expect(await page.$$('#tape img')).toEqual([]);
  expect(await page.textContent('#tape li:first-child .amount')).toMatch(/^\+1,234,567/);
  expect(await page.textContent('#types [data-type="EARNED"]')).toBe('Earned2 ×+1,234,667');
  expect((await shownIn(page)).sort()).toEqual((await entriesOf([memberId])).sort());
  expect(await page.evaluate('window.stolen')).toBeUndefined();
  expect(mistakes).toEqual([]);
  await page.close();
});

it('goes on when the server is killed and started again: nothing is missing, nothing twice', async () => {
  const { page, mistakes } = await openTape();
  const members = [await enrol('A'), await enrol('B')];
  const [first = '', second = ''] = members;
  for (let round = 0; round < ROUNDS; round += 1) {
    const posted = Array.from({ length: 10 }, (_, index) => earn(index % 2 === 0 ? first : second, '5'));
    server.child.kill('SIGKILL');
    await server.ended;
    await stateOf(page, 'away');
    await start();
    await Promise.all([...posted, earn(first, '7')]);
    await stateOf(page, 'live');
    await earn(second, '9');
    const ids = await entriesOf(members);
    await countIs(page, ids.length);
    expect((await shownIn(page)).sort()).toEqual(ids.sort());
  }
  expect(await page.textContent('#missing')).toBe('0');
  expect(await page.textContent('#repeated')).toBe('0');
  expect(await page.$$('#tape li.missed')).not.toEqual([]);
  expect(await page.getAttribute('#tape li:first-child', 'class')).toBe('');
  expect(mistakes).toEqual([]);

  // A reload shows the same, and goes on.
  const before = await page.textContent('#count');
  await page.reload();
  await stateOf(page, 'live');
  expect(await page.textContent('#count')).toBe(before);
  await earn(first, '1');
  await countIs(page, Number(before) + 1);
  expect((await shownIn(page)).sort()).toEqual((await entriesOf(members)).sort());
  await page.close();
}, 120_000);

it('is read on a phone, in the dark and in 中文', async () => {
  const { page } = await openTape({ viewport: { width: 360, height: 740 }, locale: 'zh-CN' });
  expect(await page.textContent('#state')).toBe('实时');
  await enrol('一个名字很长很长很长很长很长很长很长很长很长很长很长很长很长很长的会员'.repeat(2));
  await countIs(page, 2);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await ground()).not.toBe(light);
  await page.click('#language');
  await stateOf(page, 'live');
  expect(await page.textContent('#state')).toBe('Live');
  expect(await page.textContent('#count')).toBe('2');
  await page.close();
});

it('asks for a key where it has none or a wrong one, and forgets it when it is told to', async () => {
  const page = await browser.newPage({ locale: 'en' });
  await page.goto(`${url}/examples/live-tape#key=wrong`);
  await page.waitForSelector('#why:not([hidden])');
  expect(await page.textContent('#why')).toBe('This key isn’t known here.');
  await page.fill('#key', key);
  await page.press('#key', 'Enter');
  await stateOf(page, 'live');
  await page.click('#leave');
  await page.waitForSelector('#door:not([hidden])');
  expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain(key);
  await page.close();
});
