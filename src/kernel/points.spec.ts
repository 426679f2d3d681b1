import { isInRange, MAX_POINTS, MIN_POINTS, parsePoints } from './points.ts';

describe('points', () => {
  it.each([
    ['0', 0n],
    ['-0', 0n],
    ['1', 1n],
    ['-1', -1n],
    ['0005', 5n],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['9223372036854775807', MAX_POINTS],
    ['-9223372036854775808', MIN_POINTS],
  ])('%s is %s', (text, value) => {
    expect(parsePoints(text)).toBe(value);
  });

  it.each([
    ['2^63', '9223372036854775808'],
    ['less than −2^63', '-9223372036854775809'],
    ['twenty digits', '00000000000000000005'],
    ['a fraction', '1.5'],
    ['a whole number with a point', '1.0'],
    ['an exponent', '1e308'],
    ['a small exponent', '1e2'],
    ['no number', 'NaN'],
    ['infinity', 'Infinity'],
    ['full-width digits', '１２３'],
    ['Arabic digits', '١٢٣'],
    ['a plus sign', '+5'],
    ['two minus signs', '--5'],
    ['a minus sign behind it', '5-'],
    ['a minus sign that is none of ASCII', '−5'],
    ['a blank before it', ' 5'],
    ['a blank behind it', '5 '],
    ['a line feed', '5\n'],
    ['hexadecimal', '0x10'],
    ['a BigInt literal', '5n'],
    ['separators', '1,000'],
    ['underscores', '1_000'],
    ['nothing', ''],
    ['a sign alone', '-'],
    ['a very long text', '1'.repeat(100_000)],
  ])('refuse %s', (_what, text) => {
    expect(parsePoints(text)).toBeNull();
  });

  it.each([
    [0n, true],
    [MAX_POINTS, true],
    [MIN_POINTS, true],
    [MAX_POINTS + 1n, false],
    [MIN_POINTS - 1n, false],
  ])('%s is in range: %s', (value, inRange) => {
    expect(isInRange(value)).toBe(inRange);
  });
});
