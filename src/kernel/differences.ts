/** Where two values differ; a side without a value lacks it. */
export interface Change {
  /** E.g. `postings.0.amount`; empty for the whole. */
  readonly path: string;
  readonly before?: unknown;
  readonly now?: unknown;
}

/** More of them say no more. */
const MOST = 100;

/** In what two pieces of JSON differ, place by place; at most the first hundred places. */
export function differencesOf(before: unknown, now: unknown): Change[] {
  const found: Change[] = [];
  compare(before, now, [], found);
  return found;
}

function compare(before: unknown, now: unknown, path: readonly string[], found: Change[]): void {
  if (found.length >= MOST || before === now) return;
  const areBothNested = isNested(before) && isNested(now) && Array.isArray(before) === Array.isArray(now);
  if (!areBothNested) {
    const sides = { ...(before === undefined ? {} : { before }), ...(now === undefined ? {} : { now }) };
    found.push({ path: path.join('.'), ...sides });
    return;
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(now)]))
    compare(at(before, key), at(now, key), [...path, key], found);
}

function isNested(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function at(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
