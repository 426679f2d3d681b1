/** What the guide calls `<Lin>`, and what it stands for here. */
export type Known = Map<string, string>;

const NAMED = /^<([^<>]+)>$/;

/** What is sent: each `<name>` is what it was found to stand for. */
export function filledIn(value: unknown, known: Known): unknown {
  if (typeof value === 'string') {
    const name = NAMED.exec(value)?.[1];
    if (name === undefined) return value;
    const found = known.get(name);
    if (found === undefined) throw new Error(`The guide has not shown yet what <${name}> is.`);
    return found;
  }
  return mapped(value, (one) => filledIn(one, known));
}

/** What an answer must be, for `toEqual`: `…` stands for any text, a new `<name>` for a text to keep. */
export function expected(value: unknown, known: Known): unknown {
  if (typeof value !== 'string') return mapped(value, (one) => expected(one, known));
  const name = NAMED.exec(value)?.[1];
  if (name !== undefined) return known.get(name) ?? expect.any(String);
  return value.includes('…') ? expect.stringMatching(patternOf(value)) : value;
}

/** A line with `…` for any text. */
export function patternOf(line: string): RegExp {
  const parts = line.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}

/** Keeps what each `<name>` of the guide's answer turned out to be. */
export function learn(shown: unknown, actual: unknown, known: Known): void {
  if (typeof shown === 'string' && typeof actual === 'string') {
    const name = NAMED.exec(shown)?.[1];
    if (name !== undefined) known.set(name, actual);
    return;
  }
  if (!isObject(shown) || !isObject(actual)) return;
  for (const [key, value] of Object.entries(shown)) learn(value, actual[key], known);
}

function mapped(value: unknown, change: (one: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, change(one)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
