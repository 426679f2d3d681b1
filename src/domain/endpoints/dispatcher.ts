import type { Secrets } from '../../extension/index.ts';
import { newKey } from '../../kernel/ids.ts';
import type { Database, Sealer } from '../../persistence/index.ts';
import { openSecrets } from '../extensions/index.ts';
import { backOffMs } from '../shared/index.ts';
import type { EndpointOf } from './endpoint.repository.ts';
import { readTellable } from './event-feed.repository.ts';
import type { EventLine, Telling, Told } from './event-line.types.ts';
import { type EventMessage, entryMessage, eventMessage } from './event-payload.policy.ts';
import { type Claim, type ClaimedLane, claimLanes, findNextDue } from './lane.repository.ts';
import { type LaneOutcome, OutcomeWriter } from './outcome-writer.ts';

/** What is told at once to one endpoint; each to another member. */
const LANES_AT_ONCE = 16;
/** Read of a lane at a time. */
const RUN = 20;
/** Longer than telling takes, so that nobody else tells the same meanwhile. */
const LEASE_MS = 30_000;
/** How long to leave an endpoint alone that its line keeps calls from. */
const PAUSE_MS = 10_000;
/** What goes wrong here is tried again after this. */
const MENDED_MS = 5_000;
/** Timers are no clocks: what is due later is asked for again. */
const LONGEST_TIMER_MS = 60_000;

const FORGOTTEN: Telling = {
  fault: { code: 'EVENT_FORGOTTEN', details: {} },
  ...{ status: null, durationMs: 0, isKeptBack: false },
};

export type DeliveryOutcome = 'delivered' | 'failed' | 'dead';

export interface DispatchParts {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly line: EventLine;
  /** The tenant's code. */
  readonly tenantCode: (tenantKey: string) => Promise<string>;
  readonly onOutcome: (outcome: DeliveryOutcome) => void;
  readonly onError: (error: unknown) => void;
}

/** Tells one endpoint what is due: in order on each lane, and on several lanes at once. */
export class Dispatcher {
  readonly #parts: DispatchParts;
  readonly #of: EndpointOf;
  readonly #writer: OutcomeWriter;
  readonly #underWay = new Set<Promise<void>>();
  #opened: { readonly sealed: Buffer; readonly secrets: Promise<Secrets | null> } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | null = null;
  #again = false;
  /** The line keeps calls back: one at a time is tried, until one gets through. */
  #isCareful = false;
  #closed = false;

  constructor(parts: DispatchParts, of: EndpointOf) {
    this.#parts = parts;
    this.#of = of;
    this.#writer = new OutcomeWriter(parts.database, of, { leaseMs: LEASE_MS, pauseMs: PAUSE_MS });
  }

  /** There may be something to tell. */
  wake(): void {
    if (this.#closed) return;
    if (this.#looking !== null) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#again = false;
    this.#looking = this.#look()
      .catch((error: unknown) => {
        this.#parts.onError(error);
        this.#wakeIn(MENDED_MS);
      })
      .finally(() => {
        this.#looking = null;
        if (this.#again) this.wake();
      });
  }

  /** Begins nothing more, and waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
    await Promise.all(this.#underWay);
  }

  async #look(): Promise<void> {
    const room = (this.#isCareful ? 1 : LANES_AT_ONCE) - this.#underWay.size;
    // Whoever ends wakes us again.
    if (room <= 0) return;
    const { database } = this.#parts;
    const claim = await database.transaction(this.#of.tenantKey, (tx) =>
      claimLanes(tx, this.#of, { most: room, run: RUN, holder: newKey(), leaseMs: LEASE_MS }),
    );
    if (claim === null) return;
    if (claim.lanes.length > 0) await this.#begin(claim);
    if (claim.lanes.length >= room) return;
    const dueInMs = await findNextDue(database.read(this.#of.tenantKey), this.#of);
    if (dueInMs !== null) this.#wakeIn(Math.max(dueInMs, 0) + 1);
  }

  async #begin(claim: Claim): Promise<void> {
    const to = { id: this.#of.endpointKey, url: claim.url, secrets: await this.#open(claim.secrets) };
    const messages = await this.#messagesFor(claim.lanes.flatMap(({ positions }) => positions));
    for (const lane of claim.lanes) {
      const telling = this.#tellLane(to, lane, messages)
        .catch((error: unknown) => this.#parts.onError(error))
        .finally(() => {
          this.#underWay.delete(telling);
          this.wake();
        });
      this.#underWay.add(telling);
    }
  }

  /** One event after another, each written down before the next is told. */
  async #tellLane(to: Told, lane: ClaimedLane, messages: ReadonlyMap<bigint, EventMessage>): Promise<void> {
    const { positions } = lane;
    const whenOver = positions.length < RUN ? 'NOTHING' : 'PERHAPS';
    let { failures } = lane;
    if (positions.length === 0)
      await this.#writer.write({ lane, position: null, telling: null, failures, waitMs: 0, next: 'NOTHING' });
    for (const [index, position] of positions.entries()) {
      const message = messages.get(position);
      const telling = message === undefined ? FORGOTTEN : await this.#parts.line.tell(to, message);
      this.#isCareful = telling.isKeptBack || (this.#isCareful && telling.fault !== null);
      const isLast = index === positions.length - 1;
      const next: LaneOutcome['next'] = isLast ? whenOver : this.#closed ? 'PERHAPS' : 'MORE';
      const waitMs = backOffMs(failures + 1);
      const { state, isHeld } = await this.#writer.write({ lane, position, telling, failures, waitMs, next });
      this.#count(state);
      failures = 0;
      if (!isHeld) return;
    }
  }

  #count(state: 'DELIVERED' | 'PENDING' | 'DEAD' | 'KEPT_BACK'): void {
    const outcomes = { DELIVERED: 'delivered', PENDING: 'failed', DEAD: 'dead', KEPT_BACK: null } as const;
    const outcome = outcomes[state];
    if (outcome !== null) this.#parts.onOutcome(outcome);
  }

  /** Opened once: that costs more than signing. */
  async #open(sealed: Buffer): Promise<Secrets | null> {
    if (this.#opened === null || !this.#opened.sealed.equals(sealed))
      this.#opened = { sealed, secrets: openSecrets(this.#parts.sealer, sealed) };
    return await this.#opened.secrets;
  }

  async #messagesFor(positions: readonly bigint[]): Promise<Map<bigint, EventMessage>> {
    const { database, tenantCode } = this.#parts;
    const { tenantKey } = this.#of;
    if (positions.length === 0) return new Map();
    const teller = { tenantKey, tenant: await tenantCode(tenantKey) };
    const { entries, events } = await readTellable(database.read(tenantKey), tenantKey, positions);
    return new Map([
      ...entries.map((entry) => [entry.position, entryMessage(teller, entry)] as const),
      ...events.map((event) => [event.position, eventMessage(teller, event)] as const),
    ]);
  }

  #wakeIn(delayMs: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.wake(), Math.min(delayMs, LONGEST_TIMER_MS)).unref();
  }
}
