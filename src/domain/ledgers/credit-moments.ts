import { endOfDay, localDate, maturesAt, parseDuration, startOfDay } from '../../kernel/calendar.ts';
import type { AssetDefinition } from '../programs/index.ts';
import { expiryOf, maturityOf } from './asset.policy.ts';

/** When a credit falls due, and when it expires; null: at once, never. */
export interface CreditMoments {
  readonly dueAt: Date | null;
  readonly endsAt: Date | null;
}

/** What holds for all that is earned of an asset in a span of time. */
interface Remembered {
  readonly asset: AssetDefinition;
  /** What a rule says of its maturity; null: what the asset says, if it is earned. */
  readonly after: string | null;
  readonly isEarned: boolean;
  readonly zone: string;
  /** Milliseconds since 1970; up to, and without, the last. */
  readonly from: number;
  readonly to: number;
  readonly moments: CreditMoments;
}

/** The calendar is dear, and postings of one time are many: these few are remembered, in turns. */
const remembered: Remembered[] = [];
const MOST_REMEMBERED = 8;
let turn = 0;

/** When a credit of an asset falls due, and when it expires, as rule and asset say. */
export function creditMoments(
  asset: AssetDefinition,
  { after, isEarned }: Pick<Remembered, 'after' | 'isEarned'>,
  occurredAt: Date,
  zone: string,
): CreditMoments {
  const at = occurredAt.getTime();
  for (const one of remembered) {
    const isSame =
      one.asset === asset && one.after === after && one.isEarned === isEarned && one.zone === zone;
    if (isSame && at >= one.from && at < one.to) return one.moments;
  }
  const own = parseDuration(after ?? '');
  const byAsset = isEarned ? maturityOf(asset, occurredAt, zone) : null;
  const dueAt = own === null ? byAsset : maturesAt(occurredAt, own, zone);
  const moments = { dueAt, endsAt: expiryOf(asset, occurredAt, zone) };
  const [from, to] = isOfDay(asset, after) ? dayAround(occurredAt, zone) : [at, at + 1];
  remembered[turn] = { asset, after, isEarned, zone, from, to, moments };
  turn = (turn + 1) % MOST_REMEMBERED;
  return moments;
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
