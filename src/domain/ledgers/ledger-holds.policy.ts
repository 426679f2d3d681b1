import { refuse } from '../../kernel/errors.ts';
import { HoldStatus } from './ledger.enums.types.ts';
import type { HoldState, LotState } from './posting.ts';

/** What an operation gives to a hold of one lot, or takes from it (below zero). */
export interface HoldMove {
  readonly operationKey: string;
  readonly holdKey: string;
  readonly ledgerKey: string;
  readonly lotKey: string;
  readonly amount: bigint;
}

/** What becomes of a hold's part of one lot. */
export interface PartPlan {
  readonly lot: LotState;
  readonly captured: bigint;
  readonly released: bigint;
  /** What of the released part is lost, because its lot has expired. */
  readonly lost: bigint;
}

/** What becomes of a hold in one operation. */
export interface HoldPlan {
  readonly captured: bigint;
  readonly released: bigint;
  readonly lost: bigint;
  readonly parts: readonly PartPlan[];
}

/** The active holds of a ledger, put together from what they have of its lots. */
export function holdsOf(tenantKey: string, lots: readonly LotState[]): HoldState[] {
  const holds = new Map<string, HoldState>();
  for (const { ledgerKey, lotKey, heldBy } of lots) {
    for (const one of heldBy ?? []) {
      const hold = holds.get(one.holdKey) ?? {
        ...{ tenantKey, ledgerKey, holdKey: one.holdKey, operationKey: one.operationKey },
        amount: BigInt(one.amount),
        captured: BigInt(one.captured),
        released: BigInt(one.released),
        status: HoldStatus.ACTIVE,
        expiresAt: one.expiresAt === null ? null : new Date(one.expiresAt),
        createdAt: new Date(one.createdAt),
        parts: [],
      };
      hold.parts.push({ lotKey, amount: BigInt(one.part) });
      holds.set(one.holdKey, hold);
    }
  }
  return [...holds.values()];
}

export function restOf({
  amount,
  captured,
  released,
}: Pick<HoldState, 'amount' | 'captured' | 'released'>): bigint {
  return amount - captured - released;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/**
 * Chooses what a hold reserves: free parts of lots that are due, in spending order.
 * @param lots in spending order
 */
export function planHold(lots: readonly LotState[], amount: bigint): { lot: LotState; amount: bigint }[] {
  const parts: { lot: LotState; amount: bigint }[] = [];
  let missing = amount;
  for (const lot of lots) {
    const part = smaller(lot.pending ? 0n : lot.remaining - lot.held, missing);
    if (part > 0n) parts.push({ lot, amount: part });
    missing -= part;
  }
  return parts;
}

/**
 * How much a capture takes: what was asked for, or the rest.
 * @throws Refusal CAPTURE_EXCEEDS_HOLD
 */
export function capturedOf(hold: HoldState, wanted: bigint | null): bigint {
  const rest = restOf(hold);
  if (wanted !== null && wanted > rest) {
    throw refuse('CAPTURE_EXCEEDS_HOLD', ['amount'], { rest: String(rest), required: String(wanted) });
  }
  return wanted ?? rest;
}

/**
 * Works out what becomes of a hold's lots: what is captured comes from those that are spent first, what is
 * released from the others; what is released after its lot's expiry is lost.
 * @param lots in spending order
 * @param at when it is released
 */
export function planSettlement(
  hold: HoldState,
  lots: readonly LotState[],
  { captured, released, at }: { captured: bigint; released: bigint; at: Date },
): HoldPlan {
  const heldOf = new Map(hold.parts.map(({ lotKey, amount }) => [lotKey, amount]));
  let [toCapture, toRelease] = [captured, released];
  const parts = lots.flatMap((lot): PartPlan[] => {
    const held = heldOf.get(lot.lotKey) ?? 0n;
    const spent = smaller(held, toCapture);
    const freed = smaller(held - spent, toRelease);
    toCapture -= spent;
    toRelease -= freed;
    if (spent + freed === 0n) return [];
    const isOver = lot.expiresAt !== null && lot.expiresAt <= at;
    return [{ lot, captured: spent, released: freed, lost: isOver ? freed : 0n }];
  });
  if (toCapture + toRelease > 0n) throw new Error(`Hold ${hold.holdKey} has less than it says.`);
  return { captured, released, lost: parts.reduce((sum, part) => sum + part.lost, 0n), parts };
}

/** Changes a hold as planned; answers what moved. */
export function settleHold(
  hold: HoldState,
  { captured, released, parts }: HoldPlan,
  operationKey: string,
  ended: HoldStatus,
): HoldMove[] {
  hold.captured += captured;
  hold.released += released;
  if (restOf(hold) === 0n) hold.status = ended;
  const { holdKey, ledgerKey } = hold;
  return parts.map(({ lot, ...part }) => {
    const own = hold.parts.find(({ lotKey }) => lotKey === lot.lotKey);
    const amount = part.captured + part.released;
    if (own !== undefined) own.amount -= amount;
    return { operationKey, holdKey, ledgerKey, lotKey: lot.lotKey, amount: -amount };
  });
}

/** The holds whose end has come, in the order in which it came. */
export function lapsedHolds(holds: readonly HoldState[], now: Date): HoldState[] {
  const lapsed = holds.flatMap((hold) =>
    hold.status === HoldStatus.ACTIVE && hold.expiresAt !== null && hold.expiresAt <= now
      ? [{ hold, end: hold.expiresAt.getTime() }]
      : [],
  );
  lapsed.sort((a, b) => a.end - b.end || (a.hold.holdKey < b.hold.holdKey ? -1 : 1));
  return lapsed.map(({ hold }) => hold);
}

/** When time does something to a lot next: it falls due, or what nobody holds of it expires. */
function lotMoment({ pending, remaining, held, availableAt, expiresAt }: LotState): Date | null {
  if (pending) return remaining > 0n ? availableAt : null;
  return remaining > held ? expiresAt : null;
}

/** The earliest moment at which time alone changes a ledger with these lots and holds. */
export function earliestSettlement(lots: readonly LotState[], holds: readonly HoldState[]): Date | null {
  let earliest: Date | null = null;
  const look = (moment: Date | null): void => {
    if (moment !== null && (earliest === null || moment < earliest)) earliest = moment;
  };
  for (const lot of lots) look(lotMoment(lot));
  for (const { status, expiresAt } of holds) if (status === HoldStatus.ACTIVE) look(expiresAt);
  return earliest;
}
