import { MAX_POINTS, MIN_POINTS } from './points.ts';

/** An amount of money in the currency's minor unit (cents, fen). */
export interface Money {
  readonly minor: bigint;
  readonly currency: string;
}

const DECIMAL = /^(-?)(\d{1,16})(?:\.(\d{1,6}))?$/;
const exponents = new Map<string, number>();

/** The number of decimal digits of a currency (ISO 4217, as ICU knows it): CNY 2, JPY 0, KWD 3. */
export function currencyExponent(currency: string): number {
  const known = exponents.get(currency);
  if (known !== undefined) return known;
  const { maximumFractionDigits } = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
  }).resolvedOptions();
  const exponent = maximumFractionDigits ?? 2;
  exponents.set(currency, exponent);
  return exponent;
}

/** True for a decimal string that the API accepts: at most 16 digits before the point and 6 after. */
export function isDecimal(text: string): boolean {
  return DECIMAL.test(text);
}

/** Minor units of a decimal string, or null when it is no decimal or finer than the minor unit. */
export function toMinorUnits(text: string, currency: string): bigint | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign = '', whole = '', fraction = ''] = match;
  const exponent = currencyExponent(currency);
  const digits = fraction.replace(/0+$/, '');
  if (digits.length > exponent) return null;
  const minor = BigInt(`${sign}${whole}${digits.padEnd(exponent, '0')}`);
  return minor >= MIN_POINTS && minor <= MAX_POINTS ? minor : null;
}

/** The decimal string of minor units, with the currency's own number of digits: 23800 CNY → "238.00". */
export function fromMinorUnits(minor: bigint, currency: string): string {
  const exponent = currencyExponent(currency);
  const digits = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, '0');
  const sign = minor < 0n ? '-' : '';
  if (exponent === 0) return `${sign}${digits}`;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
