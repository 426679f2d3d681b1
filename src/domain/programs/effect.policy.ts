import { toMinorUnits } from '../../kernel/money.ts';
import type { BenefitDefinition } from './program.schema.ts';

/** What a till applies: a benefit's kind, and the value that it has. */
export interface Effect {
  readonly kind: BenefitDefinition['kind'];
  readonly value: string;
}

const NUMBER = /^\d+(\.\d+)?$/;

/** What the value of an effect should be instead; null where it fits its kind. */
export function effectFault({ kind, value }: Effect, currency: string): string | null {
  if (kind === 'PERCENT_OFF' && !(NUMBER.test(value) && Number(value) > 0 && Number(value) <= 100)) {
    return 'a percentage above 0 and up to 100, as a string, e.g. "10"';
  }
  if (kind === 'MULTIPLIER' && !(NUMBER.test(value) && Number(value) > 0)) {
    return 'a factor above zero, as a string, e.g. "1.5"';
  }
  if (kind === 'AMOUNT_OFF' && (toMinorUnits(value, currency) ?? 0n) <= 0n) {
    return `an amount of ${currency} above zero, as a string`;
  }
  return null;
}
