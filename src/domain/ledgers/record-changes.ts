import { setTimeout as delay } from 'node:timers/promises';
import type { FeedListener } from '../../events/index.ts';
import { Refusal } from '../../kernel/errors.ts';
import { newKey } from '../../kernel/ids.ts';
import type { ProgramService } from '../programs/index.ts';
import { isExternal } from '../programs/index.ts';
import { backOffMs } from '../shared/index.ts';
import type { AskingParts } from './act-asking.ts';
import type { LedgerWriter } from './ledger-writer.ts';
import { askForChange, isRecordKept } from './record-asking.ts';
import { OperationStatus, type RecordChange } from './record-change.entity.ts';
import {
  countFailure,
  findChanges,
  findOpenChanges,
  type OpenChange,
  settle,
} from './record-change.repository.ts';
import {
  type ClaimedRecordLane,
  claimRecordLanes,
  endLane,
  findChangeState,
  keepLane,
  leaveLane,
} from './record-lane.repository.ts';
import { givenUp, type SettledChange, settledBy } from './record-settlement.policy.ts';

/** Ledgers of a tenant that are asked about at once. */
const LANES_AT_ONCE = 16;
/** Read of a lane at a time. */
const RUN = 20;
/** Longer than the longest deadline, so that nobody else asks the same meanwhile. */
const LEASE_MS = 30_000;
/** How long a caller waits to hear what came of it. */
const PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 100;
/** What goes wrong here is tried again after this. */
const MENDED_MS = 5_000;
/** Somebody waits for their points: it is asked again sooner than events are told again. */
const LONGEST_WAIT_MS = 600_000;
/** Nobody was asked, which costs nobody anything. */
const UNANSWERED_WAIT_MS = 60_000;
const LONGEST_TIMER_MS = 60_000;

export interface RecordChangesParts extends AskingParts {
  readonly programs: ProgramService;
  readonly writer: LedgerWriter;
  readonly listener: FeedListener;
  readonly onError: (error: unknown) => void;
}

/** What came of asking: it is settled, nobody answers, whoever does failed, or the process ends. */
type Came = 'SETTLED' | 'NOBODY' | 'FAILURE' | 'NOTHING';

/** What is under way for one tenant. */
interface Round {
  readonly lanes: Set<Promise<void>>;
  looking: Promise<void> | null;
  again: boolean;
  timer?: NodeJS.Timeout;
}

/**
 * Asks the systems that keep records elsewhere for the changes that are written down: in order for each
 * ledger, several ledgers at once, again after failures and crashes. No transaction is open while it asks.
 */
export class RecordChanges {
  readonly #parts: RecordChangesParts;
  readonly #rounds = new Map<string, Round>();
  /** Who waits to hear of an operation in this process. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #closed = false;

  constructor(parts: RecordChangesParts) {
    this.#parts = parts;
  }

  /** Passes on what was posted, and looks for changes that came with it. */
  readonly listener: FeedListener = {
    posted: (tenantKey) => {
      this.#parts.listener.posted(tenantKey);
      this.#wakeWhereKept(tenantKey).catch(this.#parts.onError);
    },
  };

  /** Whether anybody answers for the records of a tenant that are kept elsewhere. */
  async isKept(tenantKey: string): Promise<boolean> {
    return await isRecordKept(this.#parts, tenantKey);
  }

  /** Whether another system keeps the record of an asset. */
  async isElsewhere(tenantKey: string, asset: string): Promise<boolean> {
    const found = (await this.#parts.programs.inForce(tenantKey)).assets.get(asset);
    return found !== undefined && isExternal(found);
  }

  /** Waits until it is known what came of an operation, but not for ever; null where nothing was asked. */
  async outcome(tenantKey: string, operationKey: string): Promise<RecordChange | null> {
    const sql = this.#parts.database.read(tenantKey);
    const patience = AbortSignal.timeout(PATIENCE_MS);
    this.#wake(tenantKey);
    for (;;) {
      const heard = this.#hear(operationKey);
      try {
        const state = await findChangeState(sql, tenantKey, operationKey);
        if (state === null) return null;
        const isOpen = state.status === OperationStatus.ASKED && state.isUnderWay;
        if (!isOpen || this.#closed || patience.aborted) break;
        await heard.within(LOOK_AGAIN_MS);
      } finally {
        heard.end();
      }
    }
    return (await findChanges(sql, tenantKey, [operationKey]))[0] ?? null;
  }

  /** Asks for all that is due, and waits for it; answers how many ledgers were gone through. */
  async catchUp(tenantKey: string): Promise<number> {
    let done = 0;
    for (;;) {
      const lanes = await this.#claim(tenantKey, LANES_AT_ONCE);
      if (lanes.length === 0 || this.#closed) return done;
      await Promise.all(lanes.map((lane) => this.#ask(tenantKey, lane)));
      done += lanes.length;
    }
  }

  /** Begins nothing more, and waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const round of this.#rounds.values()) {
      clearTimeout(round.timer);
      await round.looking;
      await Promise.all(round.lanes);
    }
  }

  async #wakeWhereKept(tenantKey: string): Promise<void> {
    const program = await this.#parts.programs.inForce(tenantKey).catch((error: unknown) => {
      if (error instanceof Refusal) return null;
      throw error;
    });
    if (program?.definition.assets.some(isExternal) === true) this.#wake(tenantKey);
  }

  #roundOf(tenantKey: string): Round {
    const round = this.#rounds.get(tenantKey) ?? { lanes: new Set(), looking: null, again: false };
    this.#rounds.set(tenantKey, round);
    return round;
  }

  /** There may be something to ask for. */
  #wake(tenantKey: string): void {
    if (this.#closed) return;
    const round = this.#roundOf(tenantKey);
    if (round.looking !== null) {
      round.again = true;
      return;
    }
    round.again = false;
    round.looking = this.#look(tenantKey, round)
      .catch((error: unknown) => {
        this.#parts.onError(error);
        this.#wakeIn(tenantKey, MENDED_MS);
      })
      .finally(() => {
        round.looking = null;
        if (round.again) this.#wake(tenantKey);
      });
  }

  async #look(tenantKey: string, { lanes }: Round): Promise<void> {
    const room = LANES_AT_ONCE - lanes.size;
    if (room <= 0) return;
    for (const lane of await this.#claim(tenantKey, room)) {
      const asking = this.#ask(tenantKey, lane)
        .catch(this.#parts.onError)
        .finally(() => {
          lanes.delete(asking);
          this.#wake(tenantKey);
        });
      lanes.add(asking);
    }
  }

  async #claim(tenantKey: string, most: number): Promise<ClaimedRecordLane[]> {
    const wanted = { most, holder: newKey(), leaseMs: LEASE_MS };
    return await this.#parts.database.transaction(tenantKey, (tx) => claimRecordLanes(tx, tenantKey, wanted));
  }

  /** Asks for one change of a ledger after another; at the first that fails the others wait. */
  async #ask(tenantKey: string, lane: ClaimedRecordLane): Promise<void> {
    const { database } = this.#parts;
    // Read after it was taken: what was added before is seen, and for what comes later the lane stays.
    const open = await findOpenChanges(database.read(tenantKey), tenantKey, lane.ledgerKey, RUN);
    for (const [index, change] of open.entries()) {
      // The first comes at once; before others it may have taken long.
      if (index > 0 && !(await this.#keep(tenantKey, lane))) return;
      const came = this.#closed ? 'NOTHING' : await this.#change(change);
      this.#tell(change.operationKey);
      if (came === 'SETTLED') continue;
      const failures = index === 0 ? lane.failures + 1 : 1;
      const waitMs = waitAfter(came, failures);
      await database.transaction(tenantKey, (tx) => leaveLane(tx, tenantKey, lane, { failures, waitMs }));
      this.#wakeIn(tenantKey, waitMs);
      for (const { operationKey } of open) this.#tell(operationKey);
      return;
    }
    const isAll = open.length < RUN;
    await database.transaction(tenantKey, async (tx) => {
      if (isAll) await endLane(tx, tenantKey, lane);
      await leaveLane(tx, tenantKey, lane, { failures: 0, waitMs: 0 });
    });
  }

  /** False where somebody else has taken the lane. */
  async #keep(tenantKey: string, lane: ClaimedRecordLane): Promise<boolean> {
    return await this.#parts.database.transaction(tenantKey, (tx) => keepLane(tx, tenantKey, lane, LEASE_MS));
  }

  /** Asks for a change and settles it. */
  async #change(change: OpenChange): Promise<Came> {
    const { tenantKey } = change;
    const answer = await this.#answerTo(change);
    const settled = typeof answer === 'string' ? (change.isOver ? givenUp(change) : null) : answer;
    if (settled !== null) {
      await this.#settle(change, settled);
      return 'SETTLED';
    }
    await this.#parts.database.transaction(tenantKey, (tx) => countFailure(tx, change));
    return answer === 'NOBODY' ? 'NOBODY' : 'FAILURE';
  }

  async #answerTo(change: OpenChange): Promise<SettledChange | 'NOBODY' | 'FAILURE'> {
    try {
      const program = await this.#parts.programs.inForce(change.tenantKey);
      const output = await askForChange(this.#parts, program, change);
      return output === null ? 'NOBODY' : settledBy(change, output);
    } catch (error) {
      if (!(error instanceof Refusal)) this.#parts.onError(error);
      return 'FAILURE';
    }
  }

  /** In one commit: what was answered, and what it does to the mirror. Whoever comes second finds it done. */
  async #settle(change: OpenChange, { settlement, postings }: SettledChange): Promise<void> {
    const { programs, database, writer, listener } = this.#parts;
    const { tenantKey } = change;
    await programs.underProgram(tenantKey, (program) =>
      database.transaction(tenantKey, async (tx) => {
        const facts = programs.recheck(tx, program);
        if (!(await settle(tx, change, settlement))) return void (await facts);
        await writer.post(tx, { tenantKey, program, facts }, postings);
      }),
    );
    listener.posted(tenantKey);
  }

  #hear(operationKey: string) {
    const abort = new AbortController();
    const hear = (): void => abort.abort();
    const own = this.#waiting.get(operationKey) ?? new Set();
    this.#waiting.set(operationKey, own.add(hear));
    return {
      within: (ms: number) => delay(ms, undefined, { signal: abort.signal }).catch(() => undefined),
      end: () => {
        own.delete(hear);
        if (own.size === 0 && this.#waiting.get(operationKey) === own) this.#waiting.delete(operationKey);
      },
    };
  }

  #tell(operationKey: string): void {
    for (const hear of this.#waiting.get(operationKey) ?? []) hear();
  }

  #wakeIn(tenantKey: string, ms: number): void {
    if (this.#closed) return;
    const round = this.#roundOf(tenantKey);
    clearTimeout(round.timer);
    round.timer = setTimeout(() => this.#wake(tenantKey), Math.min(ms, LONGEST_TIMER_MS)).unref();
  }
}

/** How long what was not answered waits. */
function waitAfter(came: Came, failures: number): number {
  if (came === 'NOTHING') return 0;
  return Math.min(backOffMs(failures), came === 'NOBODY' ? UNANSWERED_WAIT_MS : LONGEST_WAIT_MS);
}
