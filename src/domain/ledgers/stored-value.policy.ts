import { refuse } from '../../kernel/errors.ts';
import type { Portion, StoredValueDefinition } from '../programs/index.ts';
import type { LotState, ScheduledPosting } from './posting.ts';

/** What a ledger has of each portion. */
export interface Portions {
  readonly paid: bigint;
  readonly bonus: bigint;
}

/** What a lot without a portion is where it stands among stored value: nobody knows that it was paid. */
function portionOf({ portion }: LotState): Portion {
  return portion ?? 'BONUS';
}

/**
 * Lots in the order in which they are spent.
 * @param lots by expiry, then by age
 */
export function inSpendingOrder(
  lots: readonly LotState[],
  storedValue: StoredValueDefinition | null,
): readonly LotState[] {
  if (storedValue === null) return lots;
  const isFirst = (lot: LotState): boolean => portionOf(lot) === storedValue.spendFirst;
  return [...lots.filter(isFirst), ...lots.filter((lot) => !isFirst(lot))];
}

/** What can be spent of each portion. */
export function portionsOf(lots: readonly LotState[]): Portions {
  const freeOf = (portion: Portion): bigint =>
    lots.reduce((sum, lot) => (portionOf(lot) === portion ? sum + freeIn(lot) : sum), 0n);
  return { paid: freeOf('PAID'), bonus: freeOf('BONUS') };
}

function freeIn({ pending, remaining, held }: LotState): bigint {
  return pending ? 0n : remaining - held;
}

/** How much of it may be paid back. */
export function refundableOf({ paid, bonus }: Portions, { payBack }: StoredValueDefinition): bigint {
  if (payBack === 'NONE') return 0n;
  return payBack === 'ALL' ? paid + bonus : paid;
}

/** What is paid back, and what of the bonus is lost with it. */
export interface PayBackPlan {
  readonly amount: bigint;
  readonly lost: bigint;
  readonly parts: readonly { readonly lot: LotState; readonly amount: bigint; readonly lost: bigint }[];
}

/**
 * Chooses what is paid back: the amount that is asked for, or all that may be.
 * @param lots in spending order
 * @throws Refusal PAY_BACK_EXCEEDS_REFUNDABLE
 */
export function planPayBack(
  lots: readonly LotState[],
  storedValue: StoredValueDefinition | null,
  posting: Pick<ScheduledPosting, 'amount' | 'whole'>,
): PayBackPlan {
  if (storedValue === null) throw new Error('Only stored value is paid back.');
  const portions = portionsOf(lots);
  const refundable = refundableOf(portions, storedValue);
  const amount = posting.whole === true ? refundable : posting.amount;
  if (amount === 0n || amount > refundable)
    throw refuse('PAY_BACK_EXCEEDS_REFUNDABLE', ['amount'], { refundable: String(refundable) });
  // Rounded up, so that many small pay backs don't leave more than one of the whole.
  const lost = storedValue.forfeitBonus ? (portions.bonus * amount + refundable - 1n) / refundable : 0n;
  let [toPay, toLose] = [amount, lost];
  const parts = lots.map((lot) => {
    const isPaid = storedValue.payBack === 'ALL' || portionOf(lot) === 'PAID';
    const part = smaller(freeIn(lot), isPaid ? toPay : toLose);
    if (isPaid) toPay -= part;
    else toLose -= part;
    return { lot, amount: isPaid ? part : 0n, lost: isPaid ? 0n : part };
  });
  return { amount, lost, parts };
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
