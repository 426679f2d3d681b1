import { deepStrictEqual } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  type CardFacts,
  factsOfPostgraphile,
  factsOfProduct,
  type PostgraphileCard,
  type ProductCard,
} from './card-facts.ts';
import type { Contender } from './contenders/contenders.ts';
import type { BenchDatabase } from './database.ts';
import { readBenchFile } from './folders.ts';
import {
  type ListFacts,
  listFactsOfPostgraphile,
  listFactsOfProduct,
  type PostgraphileList,
  type ProductList,
} from './list-facts.ts';
import type { DocumentName } from './options.ts';

const MEMBERS_COMPARED = 3;
/** A compiling server answers its first request of a document in another way than the later ones. */
const TIMES_ASKED = 3;
const ENTRIES_OF_A_CARD = 20;
const PAGES_COMPARED = 3;
const MEMBERS_OF_A_PAGE = 20;
const ENTRIES_OF_A_MEMBER = 5;

/**
 * Whoever answers with less, or writes less, wins every race. So before anything is measured, all contenders
 * have to say the same facts about the same members, and to write the same rows for the same credit.
 * @throws Error that shows the difference
 */
export async function checkContenders(
  document: DocumentName,
  contenders: readonly Contender[],
  database: BenchDatabase,
): Promise<void> {
  if (document === '04') await checkCards(contenders);
  else if (document === '05') await checkLists(contenders);
  else await checkEarnings(contenders, database);
}

async function checkCards(contenders: readonly Contender[]): Promise<void> {
  for (let member = 0; member < MEMBERS_COMPARED; member += 1) {
    let expected: CardFacts | undefined;
    let expectedAnswer: unknown;
    for (const contender of contenders) {
      let data: unknown;
      for (let times = 0; times < TIMES_ASKED; times += 1) data = await ask(contender, '04', { member });
      const facts = factsOf(contender, data);
      expected ??= facts;
      same(facts, expected, `${contender.name} tells another member card`);
      if (facts.entries.length !== ENTRIES_OF_A_CARD)
        throw new Error('A member card has not its 20 entries.');
      if (contender.name === 'postgraphile') continue;
      const answer = withoutOwn(data);
      expectedAnswer ??= answer;
      same(answer, expectedAnswer, `${contender.name} answers document 04 with another JSON`);
    }
  }
}

function factsOf({ name }: Contender, data: unknown): CardFacts {
  return name === 'postgraphile'
    ? factsOfPostgraphile(data as PostgraphileCard)
    : factsOfProduct(data as ProductCard);
}

/** Page by page, each going on by its own cursor. */
async function checkLists(contenders: readonly Contender[]): Promise<void> {
  const cursors = new Map<Contender, string | null>();
  for (let page = 0; page < PAGES_COMPARED; page += 1) {
    let expected: unknown;
    let expectedAnswer: unknown;
    for (const contender of contenders) {
      const after = cursors.get(contender) ?? null;
      let data: unknown;
      for (let times = 0; times < TIMES_ASKED; times += 1) data = await ask(contender, '05', { after });
      const { endCursor, ...facts } = listFactsOf(contender, data);
      cursors.set(contender, endCursor);
      expected ??= facts;
      same(facts, expected, `${contender.name} tells another list of members`);
      const isWhole = facts.members.every(({ entries }) => entries.length === ENTRIES_OF_A_MEMBER);
      if (facts.members.length !== MEMBERS_OF_A_PAGE || !isWhole)
        throw new Error('A page has not its 20 members with 5 entries each.');
      if (contender.name === 'postgraphile') continue;
      const answer = withoutOwn(data);
      expectedAnswer ??= answer;
      same(answer, expectedAnswer, `${contender.name} answers document 05 with another JSON`);
    }
  }
}

function listFactsOf({ name }: Contender, data: unknown): ListFacts {
  return name === 'postgraphile'
    ? listFactsOfPostgraphile(data as PostgraphileList)
    : listFactsOfProduct(data as ProductList);
}

/** Without cursors, which each may make up for itself. */
function withoutOwn(data: unknown): unknown {
  const own = new Set(['cursor', 'endCursor', 'eventCursor']);
  return JSON.parse(JSON.stringify(data, (key, value) => (own.has(key) ? '' : value)));
}

/** Each credits members who have the same history, and what is then in the tables is compared. */
async function checkEarnings(contenders: readonly Contender[], { owner, memberKeys }: BenchDatabase) {
  const readWritten = await readBenchFile('sql', 'written.sql');
  let expected: unknown;
  for (const [index, contender] of contenders.entries()) {
    for (let times = 0; times < TIMES_ASKED; times += 1) await ask(contender, '03', { member: index });
    const { rows } = await owner.query(readWritten, [memberKeys[index]]);
    expected ??= rows;
    same(rows, expected, `${contender.name} writes other rows for document 03`);
  }
}

async function ask(
  { name, server, headers, members, exchanges }: Contender,
  document: DocumentName,
  { member = 0, after }: { readonly member?: number; readonly after?: string | null },
): Promise<unknown> {
  const filled = exchanges[document].body
    .replace('{{member}}', members[member] ?? '')
    .replace('{{key}}', randomUUID());
  const body = after === undefined ? filled : withVariable(filled, { after });
  const response = await fetch(server.url, { method: 'POST', headers, body });
  const answer = (await response.json()) as { data?: unknown; errors?: unknown };
  if (response.status === 200 && answer.errors === undefined) return answer.data;
  throw new Error(`${name} can't answer document ${document}: ${JSON.stringify(answer, null, 2)}`);
}

function withVariable(body: string, added: object): string {
  const { query, variables } = JSON.parse(body) as { query: string; variables: object };
  return JSON.stringify({ query, variables: { ...variables, ...added } });
}

function same(actual: unknown, expected: unknown, what: string): void {
  try {
    deepStrictEqual(actual, expected);
  } catch (error) {
    throw new Error(`${what}:\n${(error as Error).message}`);
  }
}
