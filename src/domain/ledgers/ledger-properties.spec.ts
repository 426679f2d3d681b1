import fc from 'fast-check';
import { day, ledgerOf, newLot, newPosting, refusalOf } from '../../../test/ledger/drafts.ts';
import { LedgerModel, type ModelLot, type ModelWish } from '../../../test/ledger/model.ts';
import { MAX_POINTS } from '../../kernel/points.ts';
import { LedgerDraft, needsLots } from './ledger.policy.ts';
import { compareLots } from './lot-order.ts';
import type { LedgerState, LotState, ScheduledPosting } from './posting.ts';

/** One request: time passes (a transaction that began earlier may come later), then something is posted. */
interface Step {
  readonly days: number;
  readonly kind: 'EARN' | 'REDEEM' | 'ADJUST';
  readonly amount: bigint;
  readonly dueIn: number;
  /** Days after it is due; 0 is refused. */
  readonly lastsFor: number | null;
}

interface Beginning {
  readonly mayOwe: boolean;
  readonly lots: readonly { amount: bigint; held: bigint; dueIn: number; lastsFor: number | null }[];
}

const small = fc.bigInt({ min: 1n, max: 40n });
const lastsFor = fc.option(fc.integer({ min: 0, max: 6 }), { freq: 3 });
const beginnings: fc.Arbitrary<Beginning> = fc.record({
  mayOwe: fc.boolean(),
  lots: fc.array(
    fc.record({
      amount: small,
      held: fc.bigInt({ min: 0n, max: 10n }),
      dueIn: fc.integer({ min: -2, max: 4 }),
      lastsFor: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 3 }),
    }),
    { maxLength: 4 },
  ),
});
const huge = fc.bigInt({ min: MAX_POINTS - 60n, max: MAX_POINTS });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    days: fc.integer({ min: -1, max: 3 }),
    kind: fc.constantFrom('EARN', 'EARN', 'REDEEM', 'REDEEM', 'ADJUST'),
    amount: fc.oneof(
      { weight: 12, arbitrary: small },
      { weight: 4, arbitrary: small.map((amount) => -amount) },
      { weight: 1, arbitrary: fc.constant(0n) },
      { weight: 1, arbitrary: huge },
      { weight: 1, arbitrary: huge.map((amount) => -amount) },
    ),
    dueIn: fc.integer({ min: -2, max: 4 }),
    lastsFor,
  }),
  { minLength: 1, maxLength: 20 },
);

/** The ledger and its lots as the database keeps them between two requests. */
interface Stored {
  state: LedgerState;
  lots: LotState[];
}

function begin({ mayOwe, lots }: Beginning): { stored: Stored; model: LedgerModel } {
  const model = new LedgerModel(mayOwe);
  const parts = new Map<ModelLot, bigint>();
  const made = lots.map(({ amount, held: wanted, dueIn, lastsFor: days }) => {
    const pending = dueIn > 0;
    const held = pending ? 0n : wanted < amount ? wanted : amount;
    const expiresAt = days === null ? null : day(Math.max(dueIn, 0) + days);
    const lot = newLot(amount, { pending, held, availableAt: day(dueIn), expiresAt });
    const { lotKey: key, operationKey: madeBy, availableAt: dueAt } = lot;
    const same = { key, madeBy, amount, left: amount, due: !pending, dueAt, overAt: expiresAt };
    model.lots.push(same);
    parts.set(same, held);
    return lot;
  });
  // Nobody captures or releases what is held here, and it never ends.
  model.holds.push({
    ...{ key: 'a hold', rest: ledgerOf(made).held, captured: 0n, released: 0n },
    ...{ ended: null, endsAt: null, parts },
  });
  const moments = made.flatMap(
    ({ pending, availableAt, expiresAt }) => (pending ? availableAt : expiresAt) ?? [],
  );
  const settleAt = moments.toSorted((a, b) => a.getTime() - b.getTime())[0] ?? null;
  const state = ledgerOf(made, { floor: mayOwe ? null : 0n, settleAt });
  return { stored: { state, lots: made }, model };
}

function toPosting({ kind, amount, dueIn, lastsFor: days }: Step, today: number): ScheduledPosting {
  const availableAt = day(today + dueIn);
  const expiresAt = days === null ? null : day(today + dueIn + days);
  return newPosting(kind, amount, { occurredAt: day(today), availableAt, expiresAt });
}

function toWish({ kind, amount }: Step, { availableAt, expiresAt }: ScheduledPosting): ModelWish {
  return {
    ...{ kind, amount, whole: false, final: false, dueAt: availableAt, overAt: expiresAt },
    ...{ endsAt: null, hold: undefined, act: undefined },
  };
}

/** Everything that a draft holds, as a value. */
function photo(draft: LedgerDraft, lots: readonly LotState[]) {
  const { state, operations, newLots, changedLots, allocations } = draft;
  return structuredClone({ state, operations, newLots, changedLots: [...changedLots], allocations, lots });
}

/** One request on the stored ledger, as the writer makes it, and the same on the model. */
function run(stored: Stored, model: LedgerModel, step: Step, today: number): LedgerDraft {
  const posting = toPosting(step, today);
  const now = day(today);
  const open = stored.lots.filter(({ remaining }) => remaining > 0n).sort(compareLots);
  const draft = new LedgerDraft(stored.state, needsLots(stored.state, [posting], now) ? open : null, now);
  draft.settle();
  model.age(now);
  const before = photo(draft, stored.lots);
  const wish = toWish(step, posting);
  const expected = model.refusal(wish, now);
  expect(refusalOf(() => draft.apply(posting))).toBe(expected);
  if (expected !== null) {
    expect(photo(draft, stored.lots)).toEqual(before);
    return draft;
  }
  const lot = draft.newLots[0]?.lotKey ?? '';
  model.follow(wish, { operation: posting.operationKey, lot, hold: '' }, now);
  stored.lots.push(...draft.newLots);
  return draft;
}

function expectSoundChain(draft: LedgerDraft, before: LedgerState): void {
  let { version, posted, pending, recordedAt } = before;
  for (const entry of draft.operations.flatMap(({ entries }) => entries)) {
    version += 1n;
    posted += entry.postedDelta;
    pending += entry.pendingDelta;
    expect(entry).toMatchObject({
      version,
      balanceAfter: posted,
      pendingAfter: pending,
      heldAfter: before.held,
    });
    expect(entry.recordedAt.getTime()).toBeGreaterThanOrEqual(recordedAt?.getTime() ?? 0);
    recordedAt = entry.recordedAt;
  }
  expect(draft.state).toMatchObject({ version, posted, pending });
}

function expectSoundLedger({ state, lots }: Stored, allocated: ReadonlyMap<string, bigint>): void {
  const sum = (pick: (lot: LotState) => bigint): bigint => lots.reduce((total, lot) => total + pick(lot), 0n);
  expect(sum(({ remaining }) => remaining) - state.debt).toBe(state.posted + state.pending);
  expect(sum(({ pending, remaining }) => (pending ? remaining : 0n))).toBe(state.pending);
  expect(sum(({ held }) => held)).toBe(state.held);
  const { floor } = state.policy;
  if (floor !== null) expect(state.posted - state.held).toBeGreaterThanOrEqual(floor);
  for (const lot of lots) {
    expect(lot.remaining).toBeGreaterThanOrEqual(lot.held);
    expect(lot.remaining).toBe(lot.amount - (allocated.get(lot.lotKey) ?? 0n));
    const next = lot.pending ? lot.availableAt : lot.expiresAt;
    if (next === null || lot.remaining === lot.held) continue;
    expect(state.settleAt?.getTime() ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(next.getTime());
  }
}

function expectSameAsModel({ state, lots }: Stored, model: LedgerModel): void {
  const { posted, pending, held, debt } = model;
  expect(state).toMatchObject({ posted, pending, held, debt });
  expect(new Map(lots.map(({ lotKey, remaining }) => [lotKey, remaining]))).toEqual(
    new Map(model.lots.map(({ key, left }) => [key, left])),
  );
}

describe('any sequence of postings', () => {
  it('leaves a ledger that adds up, and is what plain arithmetic says', () => {
    const property = fc.property(beginnings, steps, (beginning, sequence) => {
      const { stored, model } = begin(beginning);
      const allocated = new Map<string, bigint>();
      let today = 1;
      for (const step of sequence) {
        today += step.days;
        const before = structuredClone(stored.state);
        const draft = run(stored, model, step, today);
        for (const { lotKey, amount } of draft.allocations)
          allocated.set(lotKey, (allocated.get(lotKey) ?? 0n) + amount);
        expectSoundChain(draft, before);
        expectSoundLedger(stored, allocated);
        expectSameAsModel(stored, model);
      }
    });
    void fc.assert(property, { seed: 20_261_121, numRuns: 300 });
  });
});
