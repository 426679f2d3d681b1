import { day, ledgerOf, newLot, newPosting, refusalOf } from '../../../test/ledger/drafts.ts';
import { newKey } from '../../kernel/ids.ts';
import { LedgerDraft } from './ledger.policy.ts';
import type { LotState } from './posting.ts';

/** What a hold has of each lot, oldest expiry first. */
type Parts = readonly [lot: LotState, held: bigint][];

const HOLD = newKey();

/** A draft of a ledger with one hold, which began on day 0. */
function draftOf(parts: Parts, given: { endsAt?: Date; now?: Date; floor?: null; debt?: bigint } = {}) {
  const amount = parts.reduce((sum, [, held]) => sum + held, 0n);
  const lots = parts.map(([lot, held]) => ({
    ...lot,
    held,
    heldBy: [
      {
        part: String(held),
        ...{ holdKey: HOLD, operationKey: HOLD, amount: String(amount), captured: '0', released: '0' },
        expiresAt: given.endsAt?.getTime() ?? null,
        createdAt: day(0).getTime(),
      },
    ].filter(() => held > 0n),
  }));
  const { debt = 0n, floor = 0n } = given;
  const ledger = ledgerOf(lots, { debt, floor });
  const draft = new LedgerDraft({ ...ledger, posted: ledger.posted - debt }, lots, given.now ?? day(1));
  draft.settle();
  return draft;
}

const capture = (amount: bigint | null, final = false) =>
  newPosting('CAPTURE', amount ?? 0n, { whole: amount === null, hold: { holdKey: HOLD, final } });
const release = () => newPosting('RELEASE', 0n, { whole: true, hold: { holdKey: HOLD } });

/** Each entry as kind, amount, and what it did to posted and held. */
const entriesOf = ({ operations }: LedgerDraft) =>
  operations.flatMap(({ entries }) =>
    entries.map((one) => [one.kind, one.amount, one.postedDelta, one.heldDelta]),
  );
const left = (draft: LedgerDraft) => [draft.state.posted, draft.state.held];

describe('what a hold takes', () => {
  it('is what expires first of what is free and due', () => {
    const soon = newLot(30n, { expiresAt: day(5) });
    const pending = newLot(50n, { pending: true, availableAt: day(3) });
    const lots = [soon, newLot(40n), pending];
    const draft = new LedgerDraft(ledgerOf(lots), lots, day(1));
    draft.apply(newPosting('HOLD', 50n, { hold: { holdKey: HOLD } }));
    expect(lots.map(({ held }) => held)).toEqual([30n, 20n, 0n]);
    expect(entriesOf(draft)).toEqual([['HOLD', -50n, 0n, 50n]]);
    expect(draft.allocations).toEqual([]);
    expect(draft.holdMoves.map(({ amount }) => amount)).toEqual([30n, 20n]);
    expect(refusalOf(() => draft.apply(newPosting('HOLD', 21n, { hold: { holdKey: newKey() } })))).toBe(
      'INSUFFICIENT_BALANCE',
    );
  });

  it('isn’t free for spends, and is settled when it ends', () => {
    const draft = draftOf([[newLot(40n, { expiresAt: day(9) }), 40n]], { endsAt: day(3) });
    expect(draft.state.settleAt).toEqual(day(3));
    expect(refusalOf(() => draft.apply(newPosting('REDEEM', 1n)))).toBe('INSUFFICIENT_BALANCE');
  });
});

describe.each([
  ['a part', capture(30n), [-30n, -30n, -30n], [90n, 40n], 'ACTIVE'],
  ['a part, finally', capture(30n, true), [-30n, -30n, -70n], [90n, 0n], 'CAPTURED'],
  ['the whole', capture(70n), [-70n, -70n, -70n], [50n, 0n], 'CAPTURED'],
  ['the rest', capture(null), [-70n, -70n, -70n], [50n, 0n], 'CAPTURED'],
  ['nothing but the release', release(), [70n, 0n, -70n], [120n, 0n], 'RELEASED'],
])('a hold of 70 beside 50 that are free: %s', (_what, posting, deltas, after, status) => {
  const parts = (): Parts => [
    [newLot(40n, { expiresAt: day(9) }), 40n],
    [newLot(80n), 30n],
  ];

  it('leaves what it should', () => {
    const draft = draftOf(parts());
    draft.apply(posting);
    expect(entriesOf(draft)).toEqual([[posting.kind, ...deltas]]);
    expect(left(draft)).toEqual(after);
    expect(draft.hold(HOLD)?.status).toBe(status);
    const taken = draft.allocations.reduce((sum, { amount }) => sum + amount, 0n);
    expect(taken).toBe(-(deltas[1] ?? 0n));
  });
});

it.each([
  ['above it', capture(71n), 'CAPTURE_EXCEEDS_HOLD'],
  ['of nothing', capture(0n), 'AMOUNT_NOT_POSITIVE'],
  ['below zero', capture(-1n), 'AMOUNT_NOT_POSITIVE'],
  ['of another one', newPosting('CAPTURE', 1n, { hold: { holdKey: newKey() } }), 'HOLD_NOT_ACTIVE'],
])('a capture is refused %s, and changes nothing', (_what, posting, code) => {
  const draft = draftOf([[newLot(70n), 70n]]);
  const before = structuredClone(draft.state);
  expect(refusalOf(() => draft.apply(posting))).toBe(code);
  expect(draft.state).toEqual(before);
  expect(draft.operations).toEqual([]);
});

describe('held lots that expire', () => {
  const parts = (): Parts => [
    [newLot(40n, { expiresAt: day(2) }), 30n],
    [newLot(50n), 20n],
  ];

  it('lose what isn’t held', () => {
    expect(entriesOf(draftOf(parts(), { now: day(3) }))).toEqual([['EXPIRE', -10n, -10n, 0n]]);
  });

  it.each([
    ['captured in full', capture(null), ['CAPTURE', -50n, -50n, -50n]],
    ['captured in part', capture(10n), ['CAPTURE', -10n, -10n, -10n]],
    ['captured and released', capture(10n, true), ['CAPTURE', -10n, -30n, -50n]],
    ['released', release(), ['RELEASE', 50n, -30n, -50n]],
  ])('are %s', (_what, posting, entry) => {
    const draft = draftOf(parts(), { now: day(3) });
    draft.apply(posting);
    expect(entriesOf(draft).at(-1)).toEqual(entry);
  });

  it.each([
    [
      'after its end',
      day(1),
      [
        ['RELEASE', 50n, 0n, -50n],
        ['EXPIRE', -40n, -40n, 0n],
      ],
    ],
    [
      'at its end',
      day(2),
      [
        ['RELEASE', 50n, -30n, -50n],
        ['EXPIRE', -10n, -10n, 0n],
      ],
    ],
  ])('are released by time, where they expire %s', (_when, endsAt, entries) => {
    const draft = draftOf(parts(), { now: day(3), endsAt });
    expect(entriesOf(draft)).toEqual(entries);
    expect(draft.hold(HOLD)?.status).toBe('EXPIRED');
    expect(refusalOf(() => draft.apply(capture(1n)))).toBe('HOLD_NOT_ACTIVE');
    expect(left(draft)).toEqual([50n, 0n]);
  });
});

it('what is released pays what is owed', () => {
  const draft = draftOf([[newLot(50n), 50n]], { floor: null, debt: 30n });
  draft.apply(release());
  expect(draft.state).toMatchObject({ posted: 20n, held: 0n, debt: 0n });
  expect(draft.allocations.map(({ amount, lost }) => [amount, lost])).toEqual([[30n, 0n]]);
});
