/**
 * A sample laid over an example: objects key by key; each item of a list over the example's item of the same
 * place, or its last one; anything else takes the example's place.
 */
export function layOver(example: unknown, sample: unknown): unknown {
  if (Array.isArray(sample)) {
    const items: readonly unknown[] = Array.isArray(example) ? example : [];
    return sample.map((item, index) => layOver(items[index] ?? items.at(-1), item));
  }
  if (!isObject(sample)) return sample;
  const under = isObject(example) ? example : {};
  const laid = Object.entries(sample).map(([key, value]) => [
    key,
    layOver(Object.hasOwn(under, key) ? under[key] : undefined, value),
  ]);
  return { ...under, ...Object.fromEntries(laid) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
