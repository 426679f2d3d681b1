import {
  day,
  ledgerOf,
  newLedger,
  newLot,
  newPosting,
  reasonsOf,
  refusalOf,
} from '../../../test/ledger/drafts.ts';
import { MAX_POINTS, MIN_POINTS } from '../../kernel/points.ts';
import { EntryStatus } from './ledger.enums.types.ts';
import { LedgerDraft, needsLots } from './ledger.policy.ts';
import { compareLots } from './lot-order.ts';

const entriesOf = (draft: LedgerDraft) => draft.operations.flatMap(({ entries }) => entries);
const taken = (draft: LedgerDraft) => draft.allocations.map(({ lotKey, amount }) => [lotKey, amount]);

describe('a credit', () => {
  it('that is due at once is posted, with a lot of its own', () => {
    const draft = new LedgerDraft(newLedger(), null, day(1));
    draft.apply(newPosting('EARN', 20n, { occurredAt: day(1), availableAt: day(1), expiresAt: day(30) }));
    expect(draft.state).toMatchObject({ posted: 20n, pending: 0n, version: 1n, settleAt: day(30) });
    expect(entriesOf(draft)).toMatchObject([
      {
        ...{ version: 1n, kind: 'EARN', amount: 20n, postedDelta: 20n, pendingDelta: 0n, heldDelta: 0n },
        ...{
          balanceAfter: 20n,
          pendingAfter: 0n,
          status: EntryStatus.POSTED,
          occurredAt: day(1),
          recordedAt: day(1),
        },
        ...{ availableAt: day(1), expiresAt: day(30) },
      },
    ]);
    expect(draft.newLots).toMatchObject([
      { amount: 20n, remaining: 20n, held: 0n, pending: false, maturedAt: day(1), createdAt: day(1) },
    ]);
    expect(draft.allocations).toEqual([]);
  });

  it('that is not due yet is pending until then', () => {
    const draft = new LedgerDraft(newLedger(), null, day(1));
    draft.apply(newPosting('EARN', 20n, { availableAt: day(2), expiresAt: day(30) }));
    expect(draft.state).toMatchObject({ posted: 0n, pending: 20n, version: 1n, settleAt: day(2) });
    expect(entriesOf(draft)).toMatchObject([
      {
        amount: 20n,
        postedDelta: 0n,
        pendingDelta: 20n,
        balanceAfter: 0n,
        pendingAfter: 20n,
        status: EntryStatus.PENDING,
      },
    ]);
    expect(draft.newLots).toMatchObject([{ pending: true, maturedAt: null }]);
  });

  it.each([
    ['after it is available', day(2), null],
    ['as it becomes available', day(1), 'EXPIRY_NOT_AFTER_AVAILABILITY'],
    ['before it is available', day(0), 'EXPIRY_NOT_AFTER_AVAILABILITY'],
  ])('may expire only later than it becomes available: %s', (_when, expiresAt, code) => {
    const draft = new LedgerDraft(newLedger(), null, day(0));
    const act = () => draft.apply(newPosting('EARN', 1n, { availableAt: day(1), expiresAt }));
    expect(refusalOf(act)).toBe(code);
  });
});

describe('amounts', () => {
  it.each([
    ['EARN', 0n, 'AMOUNT_NOT_POSITIVE'],
    ['EARN', -1n, 'AMOUNT_NOT_POSITIVE'],
    ['REDEEM', 0n, 'AMOUNT_NOT_POSITIVE'],
    ['REDEEM', -5n, 'AMOUNT_NOT_POSITIVE'],
    ['ADJUST', 0n, 'AMOUNT_ZERO'],
    ['ADJUST', 5n, null],
    ['ADJUST', -5n, null],
  ] as const)('%s of %s meets %s', (kind, amount, code) => {
    const lots = [newLot(5n)];
    const draft = new LedgerDraft(ledgerOf(lots), lots, day(1));
    expect(refusalOf(() => draft.apply(newPosting(kind, amount)))).toBe(code);
    expect(draft.operations).toHaveLength(code === null ? 1 : 0);
  });
});

describe('a spend', () => {
  const soon = newLot(10n, { expiresAt: day(5) });
  const old = newLot(20n, { expiresAt: day(9) });
  const young = newLot(30n, { expiresAt: day(9) });
  const oldForEver = newLot(40n);
  const youngForEver = newLot(50n);
  const inOrder = [soon, old, young, oldForEver, youngForEver];
  const drafted = () => {
    const lots = inOrder.map((lot) => ({ ...lot }));
    return new LedgerDraft(ledgerOf(lots), lots, day(1));
  };

  it('goes by expiry, what never expires last, then by age', () => {
    const shuffled = [youngForEver, young, oldForEver, soon, old];
    expect(shuffled.sort(compareLots)).toEqual(inOrder);
  });

  it.each([
    [1n, [1n]],
    [10n, [10n]],
    [11n, [10n, 1n]],
    [60n, [10n, 20n, 30n]],
    [61n, [10n, 20n, 30n, 1n]],
    [150n, [10n, 20n, 30n, 40n, 50n]],
  ])('of %s takes %p of the lots in that order', (amount, parts) => {
    const draft = drafted();
    draft.apply(newPosting('REDEEM', amount));
    expect(taken(draft)).toEqual(parts.map((part, index) => [inOrder[index]?.lotKey, part]));
    expect([...draft.changedLots].map(({ remaining }) => remaining)).toEqual(
      parts.map((part, index) => (inOrder[index]?.remaining ?? 0n) - part),
    );
    expect(draft.state).toMatchObject({ posted: 150n - amount, debt: 0n, version: 6n });
    expect(entriesOf(draft)).toMatchObject([{ amount: -amount, postedDelta: -amount, pendingDelta: 0n }]);
  });

  it('goes on where the one before it stopped', () => {
    const draft = drafted();
    draft.apply(newPosting('REDEEM', 15n));
    draft.apply(newPosting('REDEEM', 20n));
    expect(taken(draft)).toEqual([
      [soon.lotKey, 10n],
      [old.lotKey, 5n],
      [old.lotKey, 15n],
      [young.lotKey, 5n],
    ]);
  });

  it('takes from a lot that was earned just before, in its place', () => {
    const draft = drafted();
    const earn = newPosting('EARN', 5n, { availableAt: day(1), expiresAt: day(2) });
    draft.apply(earn);
    draft.apply(newPosting('REDEEM', 6n));
    expect(taken(draft)).toEqual([
      [draft.newLots[0]?.lotKey, 5n],
      [soon.lotKey, 1n],
    ]);
    expect(draft.newLots).toMatchObject([{ operationKey: earn.operationKey, amount: 5n, remaining: 0n }]);
    expect([...draft.changedLots].map(({ lotKey }) => lotKey)).toEqual([soon.lotKey]);
  });

  it('needs what is posted and not held: neither pending nor held parts count', () => {
    const lots = [newLot(30n, { held: 20n }), newLot(50n, { pending: true, availableAt: day(7) })];
    const refused = new LedgerDraft(ledgerOf(lots), lots, day(1));
    expect(refusalOf(() => refused.apply(newPosting('REDEEM', 11n)))).toBe('INSUFFICIENT_BALANCE');
    const done = new LedgerDraft(ledgerOf(lots), lots, day(1));
    done.apply(newPosting('REDEEM', 10n));
    expect(taken(done)).toEqual([[lots[0]?.lotKey, 10n]]);
    expect(done.state).toMatchObject({ posted: 20n, held: 20n, pending: 50n });
  });

  it('that is refused tells what there is and what was asked for', () => {
    const lots = [newLot(5n)];
    const draft = new LedgerDraft(ledgerOf(lots), lots, day(1));
    expect(reasonsOf(() => draft.apply(newPosting('REDEEM', 6n)))).toEqual([
      { code: 'INSUFFICIENT_BALANCE', field: ['amount'], details: { available: '5', required: '6' } },
    ]);
  });

  it('may not use what an asset allows below zero', () => {
    const draft = new LedgerDraft(newLedger({ floor: null }), [], day(1));
    expect(refusalOf(() => draft.apply(newPosting('REDEEM', 1n)))).toBe('INSUFFICIENT_BALANCE');
  });
});

describe('a correction', () => {
  it('below the floor is refused, to the floor it is not', () => {
    const lots = [newLot(5n)];
    expect(
      refusalOf(() => new LedgerDraft(ledgerOf(lots), lots, day(1)).apply(newPosting('ADJUST', -6n))),
    ).toBe('INSUFFICIENT_BALANCE');
    const draft = new LedgerDraft(ledgerOf(lots), lots, day(1));
    draft.apply(newPosting('ADJUST', -5n));
    expect(draft.state).toMatchObject({ posted: 0n, debt: 0n });
  });

  it('where the asset may go negative becomes a debt, which the next credits pay', () => {
    const lots = [newLot(5n)];
    const draft = new LedgerDraft(ledgerOf(lots, { floor: null }), lots, day(1));
    draft.apply(newPosting('ADJUST', -12n));
    expect(draft.state).toMatchObject({ posted: -7n, debt: 7n });
    expect(taken(draft)).toEqual([[lots[0]?.lotKey, 5n]]);
    draft.apply(newPosting('EARN', 3n, { availableAt: day(1) }));
    expect(draft.state).toMatchObject({ posted: -4n, debt: 4n });
    draft.apply(newPosting('EARN', 6n, { availableAt: day(1) }));
    expect(draft.state).toMatchObject({ posted: 2n, debt: 0n });
    expect(draft.newLots.map(({ remaining }) => remaining)).toEqual([0n, 2n]);
    expect(draft.allocations.slice(1).map(({ amount }) => amount)).toEqual([3n, 4n]);
  });

  it('is not paid by what is pending, until that falls due', () => {
    const draft = new LedgerDraft(newLedger({ posted: -7n, debt: 7n, floor: null }), null, day(1));
    draft.apply(newPosting('EARN', 10n, { availableAt: day(2) }));
    expect(draft.state).toMatchObject({ posted: -7n, pending: 10n, debt: 7n });
    const later = new LedgerDraft(draft.state, draft.newLots, day(2));
    later.settle();
    expect(later.state).toMatchObject({ posted: 3n, pending: 0n, debt: 0n });
    expect(later.allocations).toMatchObject([
      { amount: 7n, operationKey: later.operations[0]?.operationKey },
    ]);
  });
});

describe('what time has done', () => {
  it('matures first, then expires', () => {
    const lots = [
      newLot(10n, { pending: true, availableAt: day(2), expiresAt: day(4) }),
      newLot(20n, { expiresAt: day(4) }),
      newLot(40n, { pending: true, availableAt: day(3), expiresAt: day(9) }),
      newLot(80n, { pending: true, availableAt: day(8) }),
    ];
    const draft = new LedgerDraft(ledgerOf(lots), lots, day(5));
    draft.settle();
    expect(entriesOf(draft)).toMatchObject([
      { version: 5n, kind: 'MATURE', amount: 50n, postedDelta: 50n, pendingDelta: -50n, balanceAfter: 70n },
      { version: 6n, kind: 'EXPIRE', amount: -30n, postedDelta: -30n, pendingDelta: 0n, balanceAfter: 40n },
    ]);
    expect(draft.state).toMatchObject({ posted: 40n, pending: 80n, settleAt: day(8) });
    expect(lots.map(({ remaining, pending }) => [remaining, pending])).toEqual([
      [0n, false],
      [0n, false],
      [40n, false],
      [80n, true],
    ]);
    expect(lots.map(({ maturedAt }) => maturedAt)).toEqual([day(5), day(0), day(5), null]);
  });

  it.each([
    ['a moment before', -1, 0],
    ['in the same moment', 0, 1],
  ])('comes exactly on time: %s', (_when, offsetMs, operations) => {
    const now = new Date(day(4).getTime() + offsetMs);
    for (const lot of [
      newLot(1n, { pending: true, availableAt: day(4) }),
      newLot(1n, { expiresAt: day(4) }),
    ]) {
      const draft = new LedgerDraft(ledgerOf([lot]), [lot], now);
      draft.settle();
      expect(draft.operations).toHaveLength(operations);
    }
  });

  it('leaves what is held', () => {
    const lots = [newLot(10n, { held: 4n, expiresAt: day(4) }), newLot(3n, { held: 3n, expiresAt: day(3) })];
    const draft = new LedgerDraft(ledgerOf(lots), lots, day(5));
    draft.settle();
    expect(entriesOf(draft)).toMatchObject([
      { kind: 'EXPIRE', amount: -6n, balanceAfter: 7n, heldAfter: 7n },
    ]);
    expect(lots.map(({ remaining }) => remaining)).toEqual([4n, 3n]);
    const again = new LedgerDraft(draft.state, lots, day(6));
    again.settle();
    expect(again.operations).toEqual([]);
  });

  it('is told once', () => {
    const lots = [newLot(10n, { pending: true, availableAt: day(2), expiresAt: day(4) })];
    const draft = new LedgerDraft(ledgerOf(lots), lots, day(5));
    draft.settle();
    draft.settle();
    expect(draft.operations.map(({ kind }) => kind)).toEqual(['MATURE', 'EXPIRE']);
  });

  it('pays a debt with what fell due first, however late it is told', () => {
    const lots = [
      newLot(10n, { pending: true, availableAt: day(3), expiresAt: day(4) }),
      newLot(10n, { pending: true, availableAt: day(2) }),
    ];
    const owing = { posted: -10n, debt: 10n, floor: null };
    const late = new LedgerDraft(ledgerOf(lots, owing), lots, day(5));
    late.settle();
    expect(late.state).toMatchObject({ posted: 0n, debt: 0n });
    expect(entriesOf(late).map(({ kind, amount }) => [kind, amount])).toEqual([
      ['MATURE', 20n],
      ['EXPIRE', -10n],
    ]);
  });
});

describe('the range of 64 bits', () => {
  it('is left by no entry', () => {
    const draft = new LedgerDraft(newLedger(), null, day(1));
    draft.apply(newPosting('EARN', MAX_POINTS));
    expect(draft.state.posted).toBe(MAX_POINTS);
    const more = newPosting('EARN', 1n);
    expect(refusalOf(() => draft.apply(more))).toBe('BALANCE_OUT_OF_RANGE');
    const later = newPosting('EARN', 1n, { availableAt: day(2) });
    expect(refusalOf(() => draft.apply(later))).toBe('BALANCE_OUT_OF_RANGE');
    expect(draft.state).toMatchObject({ posted: MAX_POINTS, pending: 0n, version: 1n });
    expect(draft.operations).toHaveLength(1);
  });

  it('is left by no sum of what is posted and what is pending', () => {
    const draft = new LedgerDraft(newLedger(), null, day(1));
    draft.apply(newPosting('EARN', MAX_POINTS - 10n, { availableAt: day(2) }));
    draft.apply(newPosting('EARN', 10n));
    expect(refusalOf(() => draft.apply(newPosting('EARN', 1n)))).toBe('BALANCE_OUT_OF_RANGE');
  });

  it('holds the debt as well', () => {
    const owing = () => new LedgerDraft(newLedger({ floor: null }), [], day(1));
    expect(refusalOf(() => owing().apply(newPosting('ADJUST', MIN_POINTS)))).toBe('BALANCE_OUT_OF_RANGE');
    const draft = owing();
    draft.apply(newPosting('ADJUST', -MAX_POINTS));
    expect(draft.state).toMatchObject({ posted: -MAX_POINTS, debt: MAX_POINTS });
    expect(refusalOf(() => draft.apply(newPosting('ADJUST', -1n)))).toBe('BALANCE_OUT_OF_RANGE');
  });
});

describe('a draft', () => {
  it('counts its entries on from the ledger’s version, without a gap', () => {
    const lots = [newLot(10n, { pending: true, availableAt: day(1) })];
    const draft = new LedgerDraft(ledgerOf(lots, { version: 41n }), lots, day(2));
    draft.settle();
    draft.apply(newPosting('EARN', 1n));
    expect(refusalOf(() => draft.apply(newPosting('REDEEM', 99n)))).toBe('INSUFFICIENT_BALANCE');
    draft.apply(newPosting('REDEEM', 1n));
    expect(entriesOf(draft).map(({ version }) => version)).toEqual([42n, 43n, 44n]);
    expect(draft.state.version).toBe(44n);
  });

  it('never records earlier than the ledger’s last entry', () => {
    const draft = new LedgerDraft(newLedger({ recordedAt: day(3) }), null, day(2));
    draft.apply(newPosting('EARN', 1n));
    expect(draft.recordedAt).toEqual(day(3));
    expect(draft.state.recordedAt).toEqual(day(3));
    expect(entriesOf(draft)).toMatchObject([{ recordedAt: day(3) }]);
    expect(draft.newLots).toMatchObject([{ createdAt: day(3), maturedAt: day(3) }]);
    const later = new LedgerDraft(draft.state, null, day(4));
    later.apply(newPosting('EARN', 1n));
    expect(later.state.recordedAt).toEqual(day(4));
  });

  it.each([
    ['a credit', [newPosting('EARN', 1n)], null, false],
    ['a credit before anything is due', [newPosting('EARN', 1n)], day(3), false],
    ['a credit when something is due', [newPosting('EARN', 1n)], day(2), true],
    ['nothing, when something is due', [], day(1), true],
    ['a spend', [newPosting('REDEEM', 1n)], null, true],
    ['a correction down', [newPosting('ADJUST', -1n)], null, true],
    ['a correction up', [newPosting('ADJUST', 1n)], null, false],
    ['a credit and a spend', [newPosting('EARN', 1n), newPosting('REDEEM', 1n)], null, true],
  ])('needs the lots for %s', (_what, postings, settleAt, needed) => {
    expect(needsLots(newLedger({ settleAt }), postings, day(2))).toBe(needed);
  });
});
