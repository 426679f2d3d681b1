import { currencyExponent, toMinorUnits } from '../../kernel/money.ts';
import type { AssetDefinition } from './asset.schema.ts';
import type { ProgramDefinition, RuleDefinition } from './program.schema.ts';
import type { ProgramFault } from './program-fault.ts';

type Path = (string | number)[];

/** What is wrong in an asset whose parts are right each by itself. */
export function assetFaults(asset: AssetDefinition, currency: string, path: Path): ProgramFault[] {
  return [
    ...maturityFaults(asset, path),
    ...expiryFaults(asset, path),
    ...moneyFaults(asset, currency, path),
    ...storedValueFaults(asset, currency, path),
  ];
}

function maturityFaults({ maturity }: AssetDefinition, path: Path): ProgramFault[] {
  if (maturity === undefined) return [];
  const isTimed = (maturity.after === undefined) !== (maturity.date === undefined);
  if (isTimed) return [];
  const message = '"after" or "date", one of them: an "event" only makes it sooner';
  return [{ path: [...path, 'maturity'], message }];
}

function expiryFaults({ expiry }: AssetDefinition, path: Path): ProgramFault[] {
  if (expiry === undefined || !('on' in expiry)) return [];
  if (expiry.after === undefined || expiry.on.length === 'MM-DD'.length) return [];
  return [{ path: [...path, 'expiry', 'after'], message: 'only with a day of every year, e.g. "03-31"' }];
}

function moneyFaults(
  { floor, rate, reversal }: AssetDefinition,
  currency: string,
  path: Path,
): ProgramFault[] {
  const faults: ProgramFault[] = [];
  if (reversal?.shortfall === 'GO_NEGATIVE' && floor === '0') {
    const message = 'GO_NEGATIVE wants a "floor" below zero, or NONE';
    faults.push({ path: [...path, 'reversal', 'shortfall'], message });
  }
  if (rate !== undefined && (toMinorUnits(rate.money, currency) ?? 0n) <= 0n) {
    const message = `an amount of ${currency} above zero, no finer than its minor unit`;
    faults.push({ path: [...path, 'rate', 'money'], message });
  }
  return faults;
}

/** Stored value is money: its unit and its worth are not the program's to say. */
function storedValueFaults(
  { kind, scale, rate, storedValue }: AssetDefinition,
  currency: string,
  path: Path,
): ProgramFault[] {
  const faults: ProgramFault[] = [];
  const add = (keys: string[], message: string) => faults.push({ path: [...path, ...keys], message });
  if (kind !== 'STORED_VALUE') {
    if (storedValue !== undefined) add(['storedValue'], 'only of an asset of kind STORED_VALUE');
    return faults;
  }
  const digits = currencyExponent(currency);
  if (scale !== undefined && scale !== digits)
    add(['scale'], `${digits}, the digits of ${currency}: it counts minor units (or leave it out)`);
  if (rate !== undefined) add(['rate'], `leave it out: stored value is ${currency} itself`);
  if (storedValue?.forfeitBonus === true && storedValue.payBack !== 'PAID')
    add(['storedValue', 'forfeitBonus'], 'only with "payBack: PAID"');
  return faults;
}

/** A posting that waits for an event says when it falls due without one. */
export function awaitingFaults(
  { assets }: ProgramDefinition,
  { trigger, postings }: RuleDefinition,
  path: Path,
): ProgramFault[] {
  return postings.flatMap((posting, index): ProgramFault[] => {
    const at = [...path, 'postings', index];
    const maturity = assets.find(({ code }) => code === posting.asset)?.maturity;
    const event = posting.availableOn ?? (posting.availableAfter === undefined ? maturity?.event : undefined);
    if (event === undefined) return [];
    if (event === trigger)
      return [{ path: [...at, 'availableOn'], message: 'another activity type than the rule’s trigger' }];
    const isTimed = posting.availableAfter !== undefined || maturity !== undefined;
    const message = 'with "availableAfter" too, for when nothing happens (or a "maturity" of the asset)';
    return isTimed ? [] : [{ path: [...at, 'availableOn'], message }];
  });
}
