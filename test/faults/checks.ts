import { fromPublicId } from '../../src/kernel/ids.ts';
import { digestOf } from '../../src/persistence/idempotency.ts';
import { NODE_ANSWER } from './acts.ts';
import type { Client, Kept, Outcome } from './client.ts';
import type { System } from './system.ts';

const AT_ONCE = 16;
const NODES_A_QUERY = 10;
/** How often a request that finds the database away is sent again, once all is said to be well. */
const MOST_TRIES = 5;
const MOST_NAMED = 5;
const MOST_MEMORY_BYTES = 1_000_000_000;

/** What is in the books: what was there before, and what clients made since. */
export interface Books {
  readonly operations: Set<string>;
  /** Digests, as they are kept. */
  readonly keys: Set<string>;
}

/** What time does by itself belongs to no request. */
const findOperations = `select operation_id as id from operation
  where tenant_id = $1 and kind not in ('MATURE', 'EXPIRE')`;
/** Those that are kept, and those that are operations: of version 8, as digests are. */
const findKeys = `select key as id from idempotency where tenant_id = $1
  union all
  select operation_id from operation where tenant_id = $1 and substr(operation_id::text, 15, 1) = '8'`;

export async function readBooks(system: System): Promise<Books> {
  const ids = async (text: string): Promise<Set<string>> =>
    new Set((await system.query<{ id: string }>(text, [system.tenantKey])).map(({ id }) => id));
  return { operations: await ids(findOperations), keys: await ids(findKeys) };
}

/** Works on all of them, some at once. */
async function forAll<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function sendUntilKnown(client: Client, { act }: Kept): Promise<Outcome> {
  for (let tries = 1; ; tries += 1) {
    const outcome = await client.send(act);
    if (outcome.became !== 'UNKNOWN' || tries === MOST_TRIES) return outcome;
  }
}

/**
 * Sends everything again that was acknowledged or left open: what was acknowledged answers the same, and what
 * was left open answers, and then the same again. Answers with what came of those that were left open.
 */
export async function sendAgain(
  client: Client,
  kept: readonly Kept[],
): Promise<{ settled: Kept[]; violations: string[] }> {
  const violations: string[] = [];
  const settled: Kept[] = [];
  await forAll(kept, async (one) => {
    const { act, first } = one;
    if (first.became === 'REFUSED') return;
    const outcome = await sendUntilKnown(client, one);
    const known = first.became === 'DONE' ? first : outcome;
    // A refusal binds no key: sent once more, it may well be done, now that others have been.
    const isLeft = first.became === 'UNKNOWN' && outcome.became === 'DONE';
    const again = isLeft ? await sendUntilKnown(client, one) : outcome;
    const what = `${act.mutation} ${act.keys[0]}`;
    if (known.became === 'UNKNOWN') violations.push(`${what} still isn't answered: ${known.why}`);
    else if (known.became === 'DONE' && JSON.stringify(known) !== JSON.stringify(again))
      violations.push(
        `${what} answers its retry differently: ${JSON.stringify(known)} then ${JSON.stringify(again)}`,
      );
    if (first.became === 'UNKNOWN') settled.push({ act, first: known });
  });
  return { settled, violations };
}

/** The API shows each acknowledged operation as it was answered. */
export async function checkShown(client: Client, kept: readonly Kept[]): Promise<string[]> {
  const bodies = new Map(
    kept.flatMap(({ first }) =>
      first.became === 'DONE' ? first.operations.map((id) => [id, first.body]) : [],
    ),
  );
  const ids = [...bodies.keys()];
  const pages = Array.from({ length: Math.ceil(ids.length / NODES_A_QUERY) }, (_, page) =>
    ids.slice(page * NODES_A_QUERY, (page + 1) * NODES_A_QUERY),
  );
  const violations: string[] = [];
  await forAll(pages, async (page) => {
    const fields = page.map((id, index) => `n${index}: node(id: "${id}") { ${NODE_ANSWER} }`);
    const [, { data, errors }] = await client.ask(`{ ${fields.join(' ')} }`, {});
    page.forEach((id, index) => {
      const shown = JSON.stringify(data?.[`n${index}`] ?? null);
      if (bodies.get(id)?.includes(shown) !== true)
        violations.push(`operation ${id} is shown as ${shown} ${JSON.stringify(errors ?? '')}`);
    });
  });
  return violations;
}

function difference(one: ReadonlySet<string>, other: ReadonlySet<string>): string[] {
  return [...one].filter((id) => !other.has(id));
}

function told(what: string, ids: readonly string[]): string[] {
  if (ids.length === 0) return [];
  return [`${ids.length} ${what}: ${ids.slice(0, MOST_NAMED).join(', ')}`];
}

/** The books have exactly what is known to be done: each once, and nothing of what was refused. */
export async function checkBooks(system: System, before: Books, kept: readonly Kept[]): Promise<string[]> {
  const operations = new Set(before.operations);
  const keys = new Set(before.keys);
  const seen = new Set<string>();
  const violations: string[] = [];
  for (const { act, first } of kept) {
    if (first.became !== 'DONE') continue;
    for (const key of act.keys) keys.add(digestOf(key));
    for (const id of first.operations) {
      if (seen.has(id)) violations.push(`operation ${id} was answered to two requests`);
      seen.add(id);
      operations.add(fromPublicId('operation', id) ?? id);
    }
  }
  const after = await readBooks(system);
  return [
    ...violations,
    ...told('acknowledged operations are gone', difference(operations, after.operations)),
    ...told('operations are there that nobody was told of', difference(after.operations, operations)),
    ...told('acknowledged keys are not bound', difference(keys, after.keys)),
    ...told('keys are bound of what was not done', difference(after.keys, keys)).map(
      (line) => `${line} (${answersTo(kept, difference(after.keys, keys))})`,
    ),
  ];
}

/** What the client was told about keys. */
function answersTo(kept: readonly Kept[], keys: readonly string[]): string {
  return kept
    .filter(({ act }) => act.keys.some((key) => keys.includes(digestOf(key))))
    .map(({ act, first }) => `${act.mutation}: ${JSON.stringify(first)}`)
    .join('; ');
}

export async function checkHealth(system: System): Promise<string[]> {
  const bytes = await system.memoryBytes();
  // NaN too is a violation: then nobody knows.
  return bytes < MOST_MEMORY_BYTES ? [] : [`the gateway takes ${bytes} bytes of memory`];
}
