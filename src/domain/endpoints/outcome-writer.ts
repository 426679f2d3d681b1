import type { Fault } from '../../extension/index.ts';
import type { Database } from '../../persistence/index.ts';
import { disable, type EndpointOf, keepHealth } from './endpoint.repository.ts';
import type { Telling } from './event-line.types.ts';
import {
  type Attempt,
  type ClaimedLane,
  type LaneMove,
  lockInOrder,
  moveOn,
  record,
} from './lane.repository.ts';

/** The status by which a receiver says that it wants nothing more. */
const GONE = 410;

/** What came of the first event on a lane. */
export interface LaneOutcome {
  readonly lane: ClaimedLane;
  /** Null where there was nothing to tell. */
  readonly position: bigint | null;
  readonly telling: Telling | null;
  /** Failures in a row before it. */
  readonly failures: number;
  /** How long to wait if it failed. */
  readonly waitMs: number;
  /** Whether there is more on the lane, as far as was read; and whether that was all. */
  readonly next: 'MORE' | 'PERHAPS' | 'NOTHING';
}

/** What became of it. */
export interface Settled {
  readonly state: 'DELIVERED' | 'PENDING' | 'DEAD' | 'KEPT_BACK';
  /** Whether the lane is still held, to go on at once. */
  readonly isHeld: boolean;
}

interface Waiting {
  readonly outcome: LaneOutcome;
  readonly resolve: (settled: Settled) => void;
  readonly reject: (error: unknown) => void;
}

export interface OutcomeTimes {
  readonly leaseMs: number;
  /** How long to leave a lane alone that was kept back. */
  readonly pauseMs: number;
}

/** Writes outcomes of one endpoint down: what comes while one transaction runs goes together in the next. */
export class OutcomeWriter {
  readonly #database: Database;
  readonly #of: EndpointOf;
  readonly #times: OutcomeTimes;
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(database: Database, of: EndpointOf, times: OutcomeTimes) {
    this.#database = database;
    this.#of = of;
    this.#times = times;
  }

  write(outcome: LaneOutcome): Promise<Settled> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ outcome, resolve, reject });
      if (!this.#writing) void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const settled = await this.#commit(batch.map(({ outcome }) => outcome));
        for (const [index, { resolve }] of batch.entries()) resolve(settled[index] as Settled);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#writing = false;
  }

  async #commit(outcomes: readonly LaneOutcome[]): Promise<Settled[]> {
    const { tenantKey } = this.#of;
    return await this.#database.transaction(tenantKey, async (tx) => {
      const laneKeys = outcomes.map(({ lane }) => lane.laneKey);
      // The endpoint's row before its lanes, as everybody does.
      const [, , states] = await Promise.all([
        this.#keepHealth(tx, outcomes),
        lockInOrder(tx, this.#of, laneKeys),
        record(tx, this.#of, outcomes.flatMap(attemptOf)),
      ]);
      const stateOf = ({ position, telling }: LaneOutcome): Settled['state'] =>
        telling?.isKeptBack === true ? 'KEPT_BACK' : (states.get(position ?? -1n) ?? 'DELIVERED');
      const held = await moveOn(
        tx,
        this.#of,
        outcomes.map((outcome) => this.#moveOf(outcome, stateOf(outcome))),
      );
      return outcomes.map((outcome) => {
        const state = stateOf(outcome);
        const goesOn = outcome.next === 'MORE' && (state === 'DELIVERED' || state === 'DEAD');
        return { state, isHeld: goesOn && held.has(outcome.lane.laneKey) };
      });
    });
  }

  async #keepHealth(tx: Parameters<typeof keepHealth>[0], outcomes: readonly LaneOutcome[]): Promise<void> {
    const tellings = outcomes.flatMap(({ telling }) => (telling?.isKeptBack === false ? [telling] : []));
    const [last] = tellings.slice(-1);
    if (last === undefined) return;
    const wasTaken = tellings.some(({ fault }) => fault === null);
    const gone = tellings.find(({ status, fault }) => status === GONE && fault !== null);
    await Promise.all([
      keepHealth(tx, this.#of, wasTaken ? null : last.fault),
      ...(gone === undefined ? [] : [disable(tx, this.#of, gone.fault as Fault)]),
    ]);
  }

  #moveOf({ lane, next, failures, waitMs }: LaneOutcome, state: Settled['state']): LaneMove {
    const { laneKey, holder, asked } = lane;
    const of = { laneKey, holder, asked };
    if (state === 'KEPT_BACK')
      return { ...of, failures, leaseMs: null, waitMs: this.#times.pauseMs, isDone: false };
    if (state === 'PENDING') return { ...of, failures: failures + 1, leaseMs: null, waitMs, isDone: false };
    const leaseMs = next === 'MORE' ? this.#times.leaseMs : null;
    return { ...of, failures: 0, leaseMs, waitMs: 0, isDone: next === 'NOTHING' };
  }
}

function attemptOf({ position, telling, waitMs }: LaneOutcome): Attempt[] {
  if (position === null || telling === null || telling.isKeptBack) return [];
  const { durationMs, status, fault } = telling;
  return [{ position, durationMs, status, fault, waitMs }];
}
