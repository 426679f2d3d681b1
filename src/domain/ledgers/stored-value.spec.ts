import fc from 'fast-check';
import { day, ledgerOf, newLedger, newLot, newPosting, reasonsOf } from '../../../test/ledger/drafts.ts';
import type { Portion, StoredValueDefinition } from '../programs/index.ts';
import { PLAIN_POLICY } from './asset.policy.ts';
import { LedgerDraft } from './ledger.policy.ts';
import { compareLots } from './lot-order.ts';
import type { LedgerState, LotState, ScheduledPosting } from './posting.ts';
import { planRestore } from './reversal.policy.ts';
import {
  inSpendingOrder,
  type Portions,
  planPayBack,
  portionsOf,
  refundableOf,
} from './stored-value.policy.ts';

type Terms = StoredValueDefinition;
const termsOf = (given: Partial<Terms> = {}): Terms => ({
  ...{ spendFirst: 'BONUS', payBack: 'PAID', forfeitBonus: false },
  ...given,
});
const paid = (amount: bigint, given: Partial<LotState> = {}) => newLot(amount, { portion: 'PAID', ...given });
const bonus = (amount: bigint, given: Partial<LotState> = {}) =>
  newLot(amount, { portion: 'BONUS', ...given });

describe('the order of spending', () => {
  const lots = [
    bonus(1n, { expiresAt: day(9) }),
    paid(2n, { expiresAt: day(1) }),
    newLot(4n, { expiresAt: day(5) }),
    bonus(8n),
    paid(16n),
  ].sort(compareLots);
  const amounts = (terms: Terms | null) => inSpendingOrder(lots, terms).map(({ amount }) => Number(amount));

  it('is the asset’s portion first, then what expires first, then the oldest', () => {
    expect(amounts(termsOf({ spendFirst: 'PAID' }))).toEqual([2, 16, 4, 1, 8]);
    expect(amounts(termsOf({ spendFirst: 'BONUS' }))).toEqual([4, 1, 8, 2, 16]);
  });

  it('is what expires first where it is no stored value', () => {
    expect(amounts(null)).toEqual([2, 4, 1, 8, 16]);
  });

  it('comes back as it was taken, whatever the order is now', () => {
    const [first, second] = [paid(10n), bonus(10n)];
    const taken = [
      { lot: first, amount: 10n, place: 0 },
      { lot: second, amount: 10n, place: 1 },
    ];
    const base = { operationKey: 'o', ledgerKey: 'l', original: 20n, isSpend: true, expired: 0n, taken };
    const back = (reversed: bigint, amount: bigint) =>
      planRestore({ ...base, reversed }, amount, day(1)).lots.map((part) => [part.lot.portion, part.amount]);
    expect(back(0n, 12n)).toEqual([
      ['BONUS', 10n],
      ['PAID', 2n],
    ]);
    expect(back(12n, 8n)).toEqual([['PAID', 8n]]);
    const swapped = taken.map((part, index) => ({ ...part, place: 1 - index }));
    const [last] = planRestore({ ...base, taken: swapped, reversed: 0n }, 1n, day(1)).lots;
    expect(last?.lot.portion).toBe('PAID');
  });
});

describe('what is paid back', () => {
  const plan = (lots: LotState[], terms: Terms, amount: bigint | null) =>
    planPayBack(inSpendingOrder(lots, terms), terms, { amount: amount ?? 0n, whole: amount === null });

  it('counts what is due and nobody holds', () => {
    const lots = [paid(10n, { held: 4n }), paid(5n, { pending: true }), bonus(3n)];
    expect(portionsOf(lots)).toEqual({ paid: 6n, bonus: 3n });
    expect(plan(lots, termsOf(), null)).toMatchObject({ amount: 6n, lost: 0n });
    expect(reasonsOf(() => plan(lots, termsOf(), 7n))).toEqual([
      { code: 'PAY_BACK_EXCEEDS_REFUNDABLE', field: ['amount'], details: { refundable: '6' } },
    ]);
  });

  it.each<[Terms['payBack'], bigint]>([
    ['PAID', 10n],
    ['ALL', 13n],
    ['NONE', 0n],
  ])('is of the portions that may be: %s', (payBack, refundable) => {
    const lots = [paid(10n), bonus(3n)];
    const terms = termsOf({ payBack });
    expect(refundableOf(portionsOf(lots), terms)).toBe(refundable);
    if (refundable > 0n) expect(plan(lots, terms, null).amount).toBe(refundable);
    else expect(reasonsOf(() => plan(lots, terms, null))).toHaveLength(1);
  });

  it.each([
    [1n, 1n],
    [3n, 1n],
    [4n, 2n],
    [10n, 3n],
  ])('takes with %s of ten a share of three as bonus, rounded up: %s', (amount, lost) => {
    const { parts } = plan([bonus(3n), paid(10n)], termsOf({ forfeitBonus: true }), amount);
    const taken = parts.map((part) => [part.lot.portion, part.amount, part.lost]);
    expect(taken).toEqual([
      ['BONUS', 0n, lost],
      ['PAID', amount, 0n],
    ]);
  });
});

/** One request: a top up, a credit, a spend, or money that is paid back. */
interface Step {
  readonly act: 'TOP_UP' | 'EARN' | 'REDEEM' | 'PAY_BACK';
  readonly amount: bigint;
  readonly bonus: bigint;
  readonly lastsFor: number | null;
  readonly days: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    act: fc.constantFrom('TOP_UP', 'EARN', 'REDEEM', 'REDEEM', 'PAY_BACK'),
    amount: fc.bigInt({ min: 1n, max: 40n }),
    bonus: fc.bigInt({ min: 0n, max: 20n }),
    lastsFor: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 3 }),
    days: fc.integer({ min: 0, max: 2 }),
  }),
  { minLength: 1, maxLength: 25 },
);
const allTerms: fc.Arbitrary<Terms> = fc
  .record({
    spendFirst: fc.constantFrom('PAID', 'BONUS'),
    payBack: fc.constantFrom('PAID', 'ALL', 'NONE'),
    forfeitBonus: fc.boolean(),
  })
  .map((terms) => ({ ...terms, forfeitBonus: terms.forfeitBonus && terms.payBack === 'PAID' }));

/** Two purses, in plain words: a bonus may expire, what was paid does not. */
class Purses {
  paid = 0n;
  readonly gifts: { left: bigint; readonly overAt: Date | null }[] = [];

  get bonus(): bigint {
    return this.gifts.reduce((sum, { left }) => sum + left, 0n);
  }

  age(now: Date): void {
    for (const gift of this.gifts) if (gift.overAt !== null && gift.overAt <= now) gift.left = 0n;
  }

  #give(amount: bigint): bigint {
    let missing = amount;
    const end = ({ overAt }: { overAt: Date | null }) => overAt?.getTime() ?? Number.MAX_SAFE_INTEGER;
    for (const gift of this.gifts.toSorted((a, b) => end(a) - end(b))) {
      const part = gift.left < missing ? gift.left : missing;
      gift.left -= part;
      missing -= part;
    }
    return missing;
  }

  take(portion: Portion, amount: bigint): bigint {
    if (portion === 'BONUS') return this.#give(amount);
    const part = this.paid < amount ? this.paid : amount;
    this.paid -= part;
    return amount - part;
  }
}

/** What a step takes of each purse, or that it is refused. */
function expected(step: Step, terms: Terms, purses: Purses): boolean {
  const { act, amount } = step;
  const second: Portion = terms.spendFirst === 'PAID' ? 'BONUS' : 'PAID';
  if (act === 'PAY_BACK' && terms.payBack === 'NONE') return false;
  if (act === 'REDEEM' || terms.payBack === 'ALL') {
    if (purses.paid + purses.bonus < amount) return false;
    purses.take(second, purses.take(terms.spendFirst, amount));
    return true;
  }
  if (purses.paid < amount) return false;
  const share = purses.bonus * amount;
  const lost = share / purses.paid + (share % purses.paid > 0n ? 1n : 0n);
  purses.take('PAID', amount);
  if (terms.forfeitBonus) purses.take('BONUS', lost);
  return true;
}

function postingOf({ act, amount, bonus: gift, lastsFor }: Step, today: number): ScheduledPosting {
  const expiresAt = lastsFor === null ? null : day(today + lastsFor);
  const given = { occurredAt: day(today), availableAt: day(today) };
  if (act === 'TOP_UP')
    return newPosting('EARN', amount + gift, { ...given, expiresAt, paid: { amount, expiresAt: null } });
  if (act === 'EARN') return newPosting('EARN', amount, { ...given, expiresAt });
  return newPosting('REDEEM', amount, act === 'PAY_BACK' ? { ...given, paysBack: true } : given);
}

function credit({ act, amount, bonus: gift, lastsFor }: Step, purses: Purses, today: number): void {
  const overAt = lastsFor === null ? null : day(today + lastsFor);
  if (act === 'TOP_UP') purses.paid += amount;
  purses.gifts.push({ left: act === 'TOP_UP' ? gift : amount, overAt });
}

function run(state: LedgerState, lots: LotState[], step: Step, purses: Purses, today: number): void {
  const { storedValue } = state.policy;
  if (storedValue === null) throw new Error('It is stored value.');
  const open = lots.filter(({ remaining }) => remaining > 0n).sort(compareLots);
  const draft = new LedgerDraft(state, open, day(today));
  draft.settle();
  purses.age(day(today));
  const codes = reasonsOf(() => draft.apply(postingOf(step, today))).map(({ code }) => code);
  const isCredit = step.act === 'TOP_UP' || step.act === 'EARN';
  const isDone = isCredit || expected(step, storedValue, purses);
  const refusal = step.act === 'PAY_BACK' ? 'PAY_BACK_EXCEEDS_REFUNDABLE' : 'INSUFFICIENT_BALANCE';
  expect(codes).toEqual(isDone ? [] : [refusal]);
  if (isCredit) credit(step, purses, today);
  lots.push(...draft.newLots);
  const portions: Portions = draft.portions();
  expect(portions).toEqual({ paid: purses.paid, bonus: purses.bonus });
  expect(state.posted).toBe(portions.paid + portions.bonus);
}

describe('any sequence of top ups, spends and pay backs', () => {
  it('leaves what two purses would have', () => {
    const property = fc.property(allTerms, steps, (storedValue, sequence) => {
      const state = newLedger({ policy: { ...PLAIN_POLICY, storedValue } });
      const lots: LotState[] = [];
      const purses = new Purses();
      let today = 1;
      for (const step of sequence) {
        today += step.days;
        run(state, lots, step, purses, today);
      }
    });
    void fc.assert(property, { seed: 20_261_122, numRuns: 500 });
  });

  it('spends on from where a ledger stands', () => {
    const lots = [paid(5n), bonus(5n)].sort(compareLots);
    const state = ledgerOf(lots, { policy: { ...PLAIN_POLICY, storedValue: termsOf() } });
    const draft = new LedgerDraft(state, lots, day(1));
    draft.apply(newPosting('REDEEM', 6n));
    expect(draft.portions()).toEqual({ paid: 4n, bonus: 0n });
  });
});
