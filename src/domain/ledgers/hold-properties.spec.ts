import fc from 'fast-check';
import { day, newLedger, newPosting, refusalOf } from '../../../test/ledger/drafts.ts';
import { LedgerModel, type ModelAct, type ModelHold, type ModelWish } from '../../../test/ledger/model.ts';
import { newKey } from '../../kernel/ids.ts';
import { OperationKind } from './ledger.enums.types.ts';
import { LedgerDraft, needsLots } from './ledger.policy.ts';
import { compareLots } from './lot-order.ts';
import type { HeldPart, HoldState, LedgerState, LotState, ScheduledPosting } from './posting.ts';
import type { ReversalOrigin } from './reversal.policy.ts';

type Kind = ModelWish['kind'];

/** One request: time passes (a transaction that began earlier may come later), then something is posted. */
interface Step {
  readonly days: number;
  readonly kind: Kind;
  readonly amount: bigint;
  readonly whole: boolean;
  readonly final: boolean;
  /** Which hold, or which act, of those that there are. */
  readonly which: number;
  readonly dueIn: number;
  readonly lastsFor: number | null;
}

const KINDS: readonly Kind[] = ['EARN', 'REDEEM', 'ADJUST', 'HOLD', 'CAPTURE', 'RELEASE', 'REVERSE'];
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    days: fc.integer({ min: -1, max: 3 }),
    kind: fc.constantFrom(
      ...KINDS,
      'EARN' as const,
      'HOLD' as const,
      'CAPTURE' as const,
      'REVERSE' as const,
      'REVERSE' as const,
    ),
    amount: fc.oneof(
      { weight: 9, arbitrary: fc.bigInt({ min: 1n, max: 40n }) },
      { weight: 2, arbitrary: fc.bigInt({ min: -90n, max: 0n }) },
    ),
    whole: fc.boolean(),
    final: fc.boolean(),
    which: fc.nat({ max: 3 }),
    dueIn: fc.integer({ min: -2, max: 3 }),
    lastsFor: fc.option(fc.integer({ min: 0, max: 6 }), { freq: 3 }),
  }),
  { minLength: 1, maxLength: 40, size: 'max' },
);

/** What the database keeps between two requests. */
interface Stored {
  readonly state: LedgerState;
  readonly lots: LotState[];
  readonly holds: Map<string, HoldState>;
  /** What operations took from lots, without what was lost. */
  readonly taken: Map<string, { lot: LotState; amount: bigint; place: number }[]>;
  /** What of the lots that operations made was lost by time. */
  readonly expired: Map<string, bigint>;
}

/** One of the last few, so that the same is met again and again. */
const chosen = <Value>(values: readonly Value[], which: number): Value | undefined => values.at(-1 - which);

function heldParts({ holds }: Stored, { lotKey }: LotState): HeldPart[] {
  return [...holds.values()].flatMap((hold) => {
    const part = hold.parts.find((one) => one.lotKey === lotKey);
    if (hold.status !== 'ACTIVE' || part === undefined || part.amount === 0n) return [];
    return {
      part: String(part.amount),
      ...{ holdKey: hold.holdKey, operationKey: hold.operationKey },
      ...{ amount: String(hold.amount), captured: String(hold.captured), released: String(hold.released) },
      expiresAt: hold.expiresAt?.getTime() ?? null,
      createdAt: hold.createdAt.getTime(),
    };
  });
}

function originsOf({ taken, expired, state }: Stored, act: ModelAct | undefined): ReversalOrigin[] {
  if (act === undefined) return [];
  const { key: operationKey, amount, reversed } = act;
  const isSpend = amount < 0n;
  return [
    {
      ...{ operationKey, ledgerKey: state.ledgerKey, reversed, isSpend },
      original: isSpend ? -amount : amount,
      expired: expired.get(operationKey) ?? 0n,
      taken: taken.get(operationKey) ?? [],
    },
  ];
}

function toPosting(step: Step, today: number, on: { hold?: ModelHold; act?: ModelAct }): ScheduledPosting {
  const { kind, amount, whole, final, dueIn, lastsFor } = step;
  const earns = kind === 'EARN' || kind === 'ADJUST';
  const availableAt = day(earns ? today + dueIn : today);
  const ends = lastsFor === null ? null : day(today + lastsFor);
  const moments = { occurredAt: day(today), availableAt };
  const expiresAt = lastsFor === null ? null : day(today + dueIn + lastsFor);
  if (earns || kind === 'REDEEM')
    return newPosting(kind, amount, { ...moments, expiresAt: earns ? expiresAt : null });
  if (kind === 'HOLD') {
    return newPosting(kind, amount, { ...moments, hold: { holdKey: newKey(), expiresAt: ends } });
  }
  if (kind === 'REVERSE') {
    const reversedKind =
      on.act !== undefined && on.act.amount < 0n ? OperationKind.REDEEM : OperationKind.EARN;
    const reverses = on.act?.key ?? '';
    return newPosting(kind, whole ? 0n : amount, { ...moments, whole, reverses, reversedKind });
  }
  const holdKey = on.hold?.key ?? '';
  if (kind === 'RELEASE') return newPosting(kind, 0n, { ...moments, whole: true, hold: { holdKey } });
  return newPosting(kind, whole ? 0n : amount, { ...moments, whole, hold: { holdKey, final } });
}

/** The same, asked of plain arithmetic. */
function toWish(kind: Kind, posting: ScheduledPosting, on: { hold?: ModelHold; act?: ModelAct }): ModelWish {
  const { amount, whole = false, hold, availableAt: dueAt, expiresAt: overAt } = posting;
  const { final = false, expiresAt: endsAt = null } = hold ?? {};
  return { kind, amount, whole, final, dueAt, overAt, endsAt, hold: on.hold, act: on.act };
}

function run(stored: Stored, model: LedgerModel, step: Step, today: number): void {
  const now = day(today);
  const act = chosen(model.acts, step.which);
  if (step.kind === 'REVERSE' && act === undefined) return;
  model.age(now);
  const hold = chosen(model.holds, step.which);
  const on = { ...(hold && { hold }), ...(act && { act }) };
  const posting = toPosting(step, today, on);
  for (const lot of stored.lots) Object.assign(lot, { heldBy: heldParts(stored, lot) });
  const open = stored.lots.filter(({ remaining }) => remaining > 0n).sort(compareLots);
  const lots = needsLots(stored.state, [posting], now) ? open : null;
  const draft = new LedgerDraft(stored.state, lots, now, originsOf(stored, act));
  const before = structuredClone(stored.state);
  draft.settle();
  const wish = toWish(step.kind, posting, on);
  const expected = model.refusal(wish, now);
  const settled = structuredClone(draft.state);
  expect([step.kind, refusalOf(() => draft.apply(posting))]).toEqual([step.kind, expected]);
  if (expected !== null) expect(draft.state).toEqual(settled);
  else {
    const keys = { lot: draft.newLots[0]?.lotKey ?? '', hold: posting.hold?.holdKey ?? '' };
    model.follow(wish, { operation: posting.operationKey, ...keys }, now);
  }
  keep(stored, draft, before);
}

/** What the database would keep of a draft. */
function keep(stored: Stored, draft: LedgerDraft, before: LedgerState): void {
  stored.lots.push(...draft.newLots);
  for (const hold of [...draft.newHolds, ...draft.changedHolds]) stored.holds.set(hold.holdKey, hold);
  for (const { operationKey, lot, amount, lost } of draft.allocations) {
    const { operationKey: madeBy } = lot;
    stored.expired.set(madeBy, (stored.expired.get(madeBy) ?? 0n) + lost);
    if (amount <= lost) continue;
    const before = stored.taken.get(operationKey) ?? [];
    stored.taken.set(operationKey, [...before, { lot, amount: amount - lost, place: before.length }]);
  }
  const entries = draft.operations.flatMap((one) => one.entries);
  const sum = (pick: (entry: (typeof entries)[number]) => bigint, start: bigint): bigint =>
    entries.reduce((total, entry) => total + pick(entry), start);
  expect(sum(({ postedDelta }) => postedDelta, before.posted)).toBe(draft.state.posted);
  expect(sum(({ pendingDelta }) => pendingDelta, before.pending)).toBe(draft.state.pending);
  expect(sum(({ heldDelta }) => heldDelta, before.held)).toBe(draft.state.held);
  expect(before.version + BigInt(entries.length)).toBe(draft.state.version);
}

function expectSame({ state, lots, holds }: Stored, model: LedgerModel): void {
  const { posted, pending, held, debt } = model;
  expect(state).toMatchObject({ posted, pending, held, debt });
  if (!model.mayOwe) expect(state.posted - state.held).toBeGreaterThanOrEqual(0n);
  expect(new Map(lots.map((lot) => [lot.lotKey, [lot.remaining, lot.held]]))).toEqual(
    new Map(model.lots.map((lot) => [lot.key, [lot.left, model.heldOf(lot)]])),
  );
  const shown = [...holds.values()].map((one) => [one.holdKey, one.captured, one.released, one.status]);
  expect(shown).toEqual(
    model.holds.map((one) => [one.key, one.captured, one.released, one.ended ?? 'ACTIVE']),
  );
  for (const { captured, released, amount, parts } of holds.values()) {
    expect(parts.reduce((sum, part) => sum + part.amount, 0n)).toBe(amount - captured - released);
  }
}

describe('any sequence of postings, holds and reversals', () => {
  it.each([[false], [true]])('is what plain arithmetic says (may owe: %s)', (mayOwe) => {
    const property = fc.property(steps, (sequence) => {
      const state = newLedger({ floor: mayOwe ? null : 0n });
      const none = { lots: [], holds: new Map(), taken: new Map(), expired: new Map() };
      const stored: Stored = { state, ...none };
      const model = new LedgerModel(mayOwe);
      let today = 1;
      for (const step of sequence) {
        today += step.days;
        run(stored, model, step, today);
        expectSame(stored, model);
      }
    });
    void fc.assert(property, { seed: 20_261_121, numRuns: 200 });
  });
});
