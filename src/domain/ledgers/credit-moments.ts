import { endOfDay, localDate, maturesAt, parseDuration, startOfDay } from '../../kernel/calendar.ts';
import type { AssetDefinition } from '../programs/index.ts';
import { expiryOf, maturityOf } from './asset.policy.ts';

/** When a credit falls due, and when it expires; null: at once, never. */
export interface CreditMoments {
  readonly dueAt: Date | null;
  readonly endsAt: Date | null;
}

/** How a credit is made, as far as its moments hang on that. */
interface Credited {
  /** What a rule says of its maturity; null: what the asset says, if it is earned. */
  readonly after: string | null;
  readonly isEarned: boolean;
}

/** What holds for all that is earned of an asset in a span of time. */
interface Remembered {
  /** Milliseconds since 1970; up to, and without, the last. */
  readonly from: number;
  readonly to: number;
  readonly moments: CreditMoments;
}

/** The calendar is dear, and postings of one day are many; an import's lines mix the days of years. */
const remembered = new WeakMap<AssetDefinition, Map<string, Remembered>>();
const MOST_REMEMBERED = 10_000;
const HOUR_MS = 3_600_000;
const PLAIN: CreditMoments = { dueAt: null, endsAt: null };

/** When a credit of an asset falls due, and when it expires, as rule and asset say. */
export function creditMoments(
  asset: AssetDefinition,
  { after, isEarned }: Credited,
  occurredAt: Date,
  zone: string,
): CreditMoments {
  if (after === null && asset.maturity === undefined && asset.expiry === undefined) return PLAIN;
  const at = occurredAt.getTime();
  const known = rememberedOf(asset);
  // By the hour, as which local day it is has to be asked of the calendar.
  const place = `${zone} ${after} ${isEarned} ${Math.floor(at / HOUR_MS)}`;
  const found = known.get(place);
  if (found !== undefined && at >= found.from && at < found.to) return found.moments;
  const own = parseDuration(after ?? '');
  const byAsset = isEarned ? maturityOf(asset, occurredAt, zone) : null;
  const dueAt = own === null ? byAsset : maturesAt(occurredAt, own, zone);
  const moments = { dueAt, endsAt: expiryOf(asset, occurredAt, zone) };
  const [from, to] = isOfDay(asset, after) ? dayAround(occurredAt, zone) : [at, at + 1];
  if (known.size >= MOST_REMEMBERED) known.clear();
  known.set(place, { from, to, moments });
  return moments;
}

function rememberedOf(asset: AssetDefinition): Map<string, Remembered> {
  const known = remembered.get(asset) ?? new Map<string, Remembered>();
  remembered.set(asset, known);
  return known;
}

/** Whether the moments are the same for the whole local day: nothing counts in hours, or to the moment. */
function isOfDay({ maturity, expiry }: AssetDefinition, after: string | null): boolean {
  const lasts = expiry !== undefined && 'inactive' in expiry ? expiry.inactive : expiry?.after;
  const spans = [after, maturity?.after, lasts];
  const isExact = expiry !== undefined && 'until' in expiry && expiry.until === 'MOMENT';
  return !isExact && !spans.some((span) => span?.includes('T') === true);
}

function dayAround(moment: Date, zone: string): [number, number] {
  const day = localDate(moment, zone);
  return [startOfDay(day, zone).getTime(), endOfDay(day, zone).getTime()];
}
