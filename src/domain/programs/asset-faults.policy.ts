import { currencyExponent, toMinorUnits } from '../../kernel/money.ts';
import { type AssetDefinition, isExternal } from './asset.schema.ts';
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
    ...externalFaults(asset, path),
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

/** What bounds lots and balances is said where the record is kept. */
function externalFaults(asset: AssetDefinition, path: Path): ProgramFault[] {
  if (!isExternal(asset)) {
    const unfit = { path: [...path, 'onDifference'], message: 'only of an asset with "recordOf: EXTERNAL"' };
    return asset.onDifference === undefined ? [] : [unfit];
  }
  const message = 'leave it out: the system that keeps the record of an EXTERNAL asset decides on it';
  const said = (['maturity', 'expiry', 'limits', 'reversal'] as const).filter(
    (key) => asset[key] !== undefined,
  );
  const faults = [...said, ...(asset.floor === '0' ? [] : ['floor'])].map((key) => {
    return { path: [...path, key], message };
  });
  if (asset.transferable) {
    const found = 'false: no commit holds for two members of an EXTERNAL asset';
    faults.push({ path: [...path, 'transferable'], message: found });
  }
  if (asset.kind === 'STORED_VALUE') {
    faults.push({ path: [...path, 'recordOf'], message: 'INTERNAL: stored value is kept in our ledgers' });
  }
  return faults;
}

/** What a rule gives in an asset falls due when the system that keeps its record says so. */
export function dueElsewhereFaults(
  { assets }: ProgramDefinition,
  { postings }: RuleDefinition,
  path: Path,
): ProgramFault[] {
  const external = new Set(assets.filter(isExternal).map(({ code }) => code));
  const message = 'leave it out: the record of this asset is EXTERNAL';
  return postings.flatMap((posting, index) =>
    (['availableAfter', 'availableOn'] as const).flatMap((key) =>
      external.has(posting.asset) && posting[key] !== undefined
        ? [{ path: [...path, 'postings', index, key], message }]
        : [],
    ),
  );
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
