import fc from 'fast-check';
import { day, ledgerOf, newLot, newPosting, refusalOf } from '../../../test/ledger/drafts.ts';
import { newKey } from '../../kernel/ids.ts';
import { OperationKind } from './ledger.enums.types.ts';
import { LedgerDraft } from './ledger.policy.ts';
import type { LotState } from './posting.ts';
import type { ReversalOrigin } from './reversal.policy.ts';

function originOf({ operationKey, ledgerKey, amount }: LotState, expired = 0n): ReversalOrigin {
  return { operationKey, ledgerKey, original: amount, reversed: 0n, isSpend: false, expired, taken: [] };
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

describe('what is given back of a spend', () => {
  const restore = (
    taken: readonly (readonly [LotState, bigint])[],
    amount: bigint | null,
    given: { reversed?: bigint; original?: bigint; debt?: bigint; floor?: null } = {},
  ) => {
    const { reversed = 0n, debt = 0n, floor = 0n } = given;
    const lots = taken.map(([lot]) => lot);
    const ledger = ledgerOf(lots, { debt, floor });
    const origin: ReversalOrigin = {
      ...{ operationKey: newKey(), ledgerKey: ledger.ledgerKey, reversed, isSpend: true, expired: 0n },
      original: given.original ?? taken.reduce((sum, [, part]) => sum + part, 0n),
      taken: taken.map(([lot, part], place) => ({ lot, amount: part, place })),
    };
    const open = lots.filter(({ remaining }) => remaining > 0n);
    const draft = new LedgerDraft({ ...ledger, posted: ledger.posted - debt }, open, day(3), [origin]);
    const wish = {
      whole: amount === null,
      reverses: origin.operationKey,
      reversedKind: OperationKind.REDEEM,
    };
    draft.apply(newPosting('REVERSE', amount ?? 0n, wish));
    return { draft, back: lots.map(({ remaining }) => remaining) };
  };
  const soon = () => newLot(30n, { remaining: 0n, expiresAt: day(9) });
  const gone = () => newLot(30n, { remaining: 0n, expiresAt: day(2) });
  const late = () => newLot(40n, { remaining: 10n });

  it.each([
    ['a part, last taken first', 20n, 0n, [0n, 30n], [20n, 20n, 0n]],
    ['more than the last lot gave', 40n, 0n, [10n, 40n], [40n, 40n, 0n]],
    ['a part after another', 20n, 25n, [15n, 15n], [20n, 20n, 0n]],
    ['the rest', null, 25n, [30n, 15n], [35n, 35n, 0n]],
  ])('is %s', (_what, amount, reversed, back, entry) => {
    const restored = restore(
      [
        [soon(), 30n],
        [late(), 30n],
      ],
      amount,
      { reversed },
    );
    expect(restored.back).toEqual(back);
    expect(deltas(restored.draft)).toEqual([entry]);
  });

  it('is lost where its lot has expired', () => {
    const restored = restore(
      [
        [gone(), 30n],
        [late(), 30n],
      ],
      null,
    );
    expect(restored.back).toEqual([0n, 40n]);
    expect(deltas(restored.draft)).toEqual([[60n, 30n, 0n]]);
    const rows = restored.draft.allocations.map(({ amount, lost }) => [amount, lost]);
    expect(rows).toEqual([
      [-30n, 0n],
      [0n, 30n],
    ]);
  });

  it('pays what is owed meanwhile', () => {
    const { draft, back } = restore([[soon(), 30n]], null, { floor: null, debt: 12n });
    expect(back).toEqual([18n]);
    expect(draft.state).toMatchObject({ posted: 18n, debt: 0n });
  });

  it('lowers the debt where it was taken beyond the lots, and is a new lot where that is paid', () => {
    const { draft } = restore([[soon(), 30n]], null, { original: 50n, floor: null, debt: 5n });
    expect(draft.state).toMatchObject({ posted: 45n, debt: 0n });
    expect(draft.newLots.map(({ amount }) => amount)).toEqual([15n]);
  });

  it.each([
    ['more than there was', 61n, 0n],
    ['more than is left', 36n, 25n],
    ['anything after the whole', null, 60n],
  ])('is never %s', (_what, amount, reversed) => {
    expect(
      refusalOf(() =>
        restore(
          [
            [soon(), 30n],
            [late(), 30n],
          ],
          amount,
          { reversed },
        ),
      ),
    ).toBe('REVERSAL_EXCEEDS_ORIGINAL');
  });
});
