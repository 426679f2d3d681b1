import fc from 'fast-check';
import { day, ledgerOf, newLot, newPosting } from '../../../test/ledger/drafts.ts';
import { LedgerDraft, type ReversalOrigin } from './ledger.policy.ts';
import type { LotState } from './posting.ts';

function originOf({ operationKey, ledgerKey, lotKey }: LotState, expired = 0n): ReversalOrigin {
  return { operationKey, ledgerKey, lotKey, expired };
}

/** Takes an amount back of what a lot's operation earned. */
function reverse(
  lots: readonly LotState[],
  own: LotState,
  amount: bigint,
  given: { expired?: bigint; floor?: bigint | null; debt?: bigint } = {},
): LedgerDraft {
  const { floor = 0n, debt = 0n, expired } = given;
  const ledger = ledgerOf(lots, { floor, debt });
  const open = lots.filter(({ remaining }) => remaining > 0n);
  const draft = new LedgerDraft({ ...ledger, posted: ledger.posted - debt }, open, day(1), [
    originOf(own, expired),
  ]);
  draft.settle();
  draft.apply(newPosting('REVERSE', amount, { reverses: own.operationKey }));
  return draft;
}

const deltas = (draft: LedgerDraft) =>
  draft.operations
    .filter(({ kind }) => kind === 'REVERSE')
    .flatMap(({ entries }) => entries.map((entry) => [entry.amount, entry.postedDelta, entry.pendingDelta]));
const taken = (draft: LedgerDraft) => draft.allocations.map(({ lotKey, amount }) => [lotKey, amount]);

describe('what is taken back of an earning', () => {
  it('comes from its own lot first, though another one expires sooner', () => {
    const [other, own] = [newLot(50n, { expiresAt: day(9) }), newLot(20n)];
    const draft = reverse([other, own], own, 15n);
    expect(deltas(draft)).toEqual([[-15n, -15n, 0n]]);
    expect(taken(draft)).toEqual([[own.lotKey, 15n]]);
    expect(draft.state).toMatchObject({ posted: 55n, pending: 0n });
  });

  it('comes from what is pending while its lot isn’t due', () => {
    const own = newLot(20n, { pending: true, availableAt: day(2) });
    const draft = reverse([newLot(50n), own], own, 20n);
    expect(deltas(draft)).toEqual([[-20n, 0n, -20n]]);
    expect(draft.state).toMatchObject({ posted: 50n, pending: 0n });
  });

  it('comes from what is due by now, even if no job has run', () => {
    const own = newLot(20n, { pending: true, availableAt: day(1) });
    const draft = reverse([own], { ...own }, 20n);
    expect(draft.operations.map(({ kind }) => kind)).toEqual(['MATURE', 'REVERSE']);
    expect(draft.state).toMatchObject({ posted: 0n, pending: 0n });
  });

  it('comes from the rest of the balance where its lot was spent, and ends at zero', () => {
    const own = newLot(20n, { remaining: 5n });
    const draft = reverse([newLot(8n), own], own, 20n);
    expect(deltas(draft)).toEqual([[-13n, -13n, 0n]]);
    expect(draft.state).toMatchObject({ posted: 0n, debt: 0n });
  });

  it('goes below zero where the asset may', () => {
    const own = newLot(20n, { remaining: 0n });
    const draft = reverse([newLot(8n), own], own, 20n, { floor: null });
    expect(deltas(draft)).toEqual([[-20n, -20n, 0n]]);
    expect(draft.state).toMatchObject({ posted: -12n, debt: 12n });
  });

  it('leaves what is held for something else', () => {
    const own = newLot(20n, { held: 15n });
    const draft = reverse([own, newLot(3n)], own, 20n);
    expect(deltas(draft)).toEqual([[-8n, -8n, 0n]]);
    expect(draft.state).toMatchObject({ posted: 15n, held: 15n });
  });

  it.each([
    ['before', newLot(20n, { remaining: 0n }), 20n, 0n],
    ['in part', newLot(20n, { remaining: 0n }), 12n, 8n],
    ['just now', newLot(20n, { expiresAt: day(1) }), 0n, 0n],
  ])('isn’t taken from others where it expired %s', (_when, own, expired, ofOthers) => {
    const draft = reverse([newLot(50n), own], own, 20n, { expired });
    expect(deltas(draft)).toEqual(ofOthers === 0n ? [] : [[-ofOthers, -ofOthers, 0n]]);
    expect(draft.state.posted).toBe(50n - ofOthers);
  });

  it('is no operation where there is nothing to take', () => {
    const own = newLot(20n, { remaining: 0n });
    const draft = reverse([own], own, 20n);
    expect(draft.operations).toEqual([]);
    expect(draft.state.version).toBe(1n);
  });

  it('never gives, never takes more than was asked for, and leaves lots and balance in step', () => {
    const lot = fc
      .record({
        amount: fc.bigInt({ min: 1n, max: 100n }),
        spent: fc.bigInt({ min: 0n, max: 100n }),
        pending: fc.boolean(),
      })
      .map(({ amount, spent, pending }) => {
        const remaining = pending || spent > amount ? amount : amount - spent;
        const due = pending ? { pending, availableAt: day(5) } : {};
        return newLot(remaining, { amount, ...due });
      });
    const cases = fc.record({
      lots: fc.array(lot, { minLength: 1, maxLength: 6 }),
      amount: fc.bigInt({ min: 1n, max: 150n }),
      floor: fc.constantFrom(0n, null),
    });
    void fc.assert(
      fc.property(cases, ({ lots, amount, floor }) => {
        const [own] = lots;
        if (own === undefined) return;
        const asked = amount < own.amount ? amount : own.amount;
        const before = lots.reduce((sum, { remaining }) => sum + remaining, 0n);
        const { state, operations } = reverse(lots, own, asked, { floor });
        const total = operations.flatMap(({ entries }) => entries).reduce((sum, one) => sum - one.amount, 0n);
        expect(total >= 0n && total <= asked).toBe(true);
        expect(state.posted + state.pending).toBe(before - total);
        const left = lots.reduce((sum, { remaining }) => sum + remaining, 0n);
        expect(left - state.debt).toBe(state.posted + state.pending);
      }),
    );
  });
});
