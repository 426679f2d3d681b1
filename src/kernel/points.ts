/** Amounts of an asset are signed 64-bit integers in its smallest unit. */
export const MAX_POINTS = 2n ** 63n - 1n;
export const MIN_POINTS = -(2n ** 63n);

const INTEGER = /^-?\d{1,19}$/;

/** The amount that a string of ASCII digits says, or null when it is none of 64 bits. */
export function parsePoints(text: string): bigint | null {
  if (!INTEGER.test(text)) return null;
  const value = BigInt(text);
  return value >= MIN_POINTS && value <= MAX_POINTS ? value : null;
}

/** True when a value fits into 64 bits: checked after every sum. */
export function isInRange(value: bigint): boolean {
  return value >= MIN_POINTS && value <= MAX_POINTS;
}
