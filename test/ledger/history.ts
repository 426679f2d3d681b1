import type { Outcome } from './requests.ts';
import type { StoredEntry } from './stored.ts';
import type { TenantModel, Wish } from './tenant-model.ts';

/** A wish, and what came of it. */
export interface Told {
  readonly wish: Wish;
  readonly dryRun: boolean;
  readonly outcome: Outcome;
  /** When it was asked and when it was answered: places in one order of all such moments. */
  readonly asked: number;
  readonly answered: number;
  /** Business time of the day, before anything was asked. */
  readonly now: Date;
}

/** An operation that somebody asked for, with everybody who was told of it. */
interface Committed {
  readonly operation: string;
  readonly now: Date;
  readonly told: readonly Told[];
  readonly entries: readonly StoredEntry[];
}

/** What nobody asks for: what time does. RELEASE is both. */
const BY_TIME = ['MATURE', 'EXPIRE', 'RELEASE'];
const sizes = (model: TenantModel, place: string): string[] => {
  const { posted, pending, held } = model.ledger(place);
  return [String(posted), String(pending), String(held)];
};

/** The operations that were asked for, in the order in which they were committed. */
function committedOf(entries: readonly StoredEntry[], told: readonly Told[]): Committed[] {
  const askers = Map.groupBy(
    told.filter(({ dryRun, outcome }) => !dryRun && outcome.refused === null),
    ({ outcome }) => (outcome.refused === null ? outcome.operation.operationKey : ''),
  );
  const written = Map.groupBy(entries, ({ operation }) => operation);
  const lost = [...askers.keys()].filter((operation) => !written.has(operation));
  if (lost.length > 0) throw new Error(`Told, but not written: ${lost.join(', ')}`);
  return [...written.entries()].flatMap(([operation, own]) => {
    const asking = askers.get(operation) ?? [];
    const [first] = own;
    if (first === undefined) return [];
    if (asking.length > 0) return [{ operation, now: first.now, told: asking, entries: own }];
    if (!BY_TIME.includes(first.kind)) throw new Error(`Nobody was told of a ${first.kind}: ${operation}`);
    return [];
  });
}

/** Between how many of the operations a wish was decided: it saw a state after one of these counts. */
function windowOf({ asked, answered }: Told, committed: readonly Committed[]): [number, number] {
  let [from, to] = [0, 0];
  committed.forEach(({ told }, index) => {
    // Who was answered before it was asked is there; who was asked after it was answered is not.
    if (told.some((one) => one.answered < asked)) from = index + 1;
    if (told.some((one) => one.asked < answered)) to = index + 1;
  });
  return [from, to];
}

/** Whether the model answers a wish as it was answered, in the state in which it is. */
function isRight(model: TenantModel, { wish, outcome, now }: Told): boolean {
  return model.refusal(wish, now) === outcome.refused;
}

/**
 * Replays on the model what was committed, in the order in which it was. Every entry comes to the same, and
 * every refusal (and every success of a dry run) was right in a state that was there while it was decided.
 */
export function expectSerial(
  model: TenantModel,
  entries: readonly StoredEntry[],
  told: readonly Told[],
): void {
  const committed = committedOf(entries, told);
  let waiting = told
    .filter(({ dryRun, outcome }) => dryRun || outcome.refused !== null)
    .map((one) => ({ one, window: windowOf(one, committed) }));
  const judge = (count: number): void => {
    waiting = waiting.filter(({ one, window: [from, to] }) => {
      if (count < from) return true;
      if (isRight(model, one)) return false;
      if (count < to) return true;
      const { wish, outcome } = one;
      const meant = model.refusal(wish, one.now);
      throw new Error(
        `Answered ${outcome.refused}, and the model says ${meant} (after ${from} to ${to} operations): ` +
          `${wish.kind} ${wish.says}`,
      );
    });
  };
  judge(0);
  committed.forEach((one, index) => {
    followAll(model, one);
    judge(index + 1);
  });
}

function followAll(model: TenantModel, { operation, now, told, entries }: Committed): void {
  const [first] = told;
  if (first === undefined || first.outcome.refused !== null) return;
  const { wish, outcome } = first;
  // All who sent the key are told of the same operation, and it is done once.
  const others = told.filter((one) => one.wish.requestKey !== wish.requestKey || one.wish.says !== wish.says);
  expect(others).toEqual([]);
  expect([model.bound.get(wish.requestKey), operation]).toEqual([undefined, operation]);
  expect([wish.says, model.refusal(wish, now)]).toEqual([wish.says, null]);
  model.follow(wish, { operation, hold: outcome.hold }, now);
  for (const entry of entries)
    expect([wish.says, entry.place, sizes(model, entry.place)]).toEqual([
      wish.says,
      entry.place,
      entry.after,
    ]);
}
