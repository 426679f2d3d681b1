import { currencyExponent, fromMinorUnits, isDecimal, toMinorUnits } from './money.ts';

describe('money', () => {
  it.each([
    ['CNY', 2],
    ['USD', 2],
    ['JPY', 0],
    ['KRW', 0],
    ['KWD', 3],
    ['CLF', 4],
  ])('%s has %i digits behind the point', (currency, exponent) => {
    expect(currencyExponent(currency)).toBe(exponent);
  });

  it.each([
    ['238.00', 'CNY', 23_800n],
    ['238', 'CNY', 23_800n],
    ['238.5', 'CNY', 23_850n],
    ['0.01', 'CNY', 1n],
    ['0.00', 'CNY', 0n],
    ['-0.50', 'CNY', -50n],
    ['-12.34', 'CNY', -1_234n],
    ['007.10', 'CNY', 710n],
    ['1.230000', 'CNY', 123n],
    ['1000', 'JPY', 1_000n],
    ['1000.000', 'JPY', 1_000n],
    ['1.234', 'KWD', 1_234n],
    ['92233720368547758.07', 'CNY', null],
    ['9999999999999999.99', 'CNY', 999_999_999_999_999_999n],
    ['9999999999999999', 'JPY', 9_999_999_999_999_999n],
    ['9999999999999999.999', 'KWD', null],
    ['9223372036854775.807', 'KWD', 2n ** 63n - 1n],
    ['9223372036854775.808', 'KWD', null],
    ['0.005', 'CNY', null],
    ['0.5', 'JPY', null],
    ['1.2345', 'KWD', null],
  ])('%s %s are %s minor units', (text, currency, minor) => {
    expect(toMinorUnits(text, currency)).toBe(minor);
  });

  it.each([
    [23_800n, 'CNY', '238.00'],
    [1n, 'CNY', '0.01'],
    [0n, 'CNY', '0.00'],
    [-1n, 'CNY', '-0.01'],
    [-12_345n, 'CNY', '-123.45'],
    [1_000n, 'JPY', '1000'],
    [-5n, 'JPY', '-5'],
    [1_234n, 'KWD', '1.234'],
    [5n, 'KWD', '0.005'],
    [2n ** 63n - 1n, 'CNY', '92233720368547758.07'],
  ])('%s minor units of %s are written %s', (minor, currency, text) => {
    expect(fromMinorUnits(minor, currency)).toBe(text);
  });

  it.each(['CNY', 'JPY', 'KWD'])('goes from minor units of %s to a text and back', (currency) => {
    for (const minor of [0n, 1n, -1n, 99n, 100n, 101n, -12_345_678n, 10n ** 15n]) {
      expect(toMinorUnits(fromMinorUnits(minor, currency), currency)).toBe(minor);
    }
  });

  it.each([
    ['an exponent', '1e3'],
    ['no number', 'NaN'],
    ['full-width digits', '１２'],
    ['a comma', '1,50'],
    ['a point alone', '.'],
    ['nothing before the point', '.5'],
    ['nothing behind the point', '5.'],
    ['a plus sign', '+5'],
    ['a blank', ' 5'],
    ['a line feed', '5\n'],
    ['seventeen digits', '12345678901234567'],
    ['seven digits behind the point', '1.0000000'],
    ['nothing', ''],
  ])('refuses %s', (_what, text) => {
    expect(isDecimal(text)).toBe(false);
    expect(toMinorUnits(text, 'CNY')).toBeNull();
  });
});
