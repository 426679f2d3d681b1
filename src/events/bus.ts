import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Carries hints between processes: "something of this tenant was committed". The entries are the truth, so
 * a hint that is lost only delays.
 */
export interface Bus {
  /** After a commit. It neither waits nor fails. */
  publish(tenantKey: string): void;
  close(): Promise<void>;
}

/** What a bus tells its process. */
export interface BusListener {
  /** Other processes have committed something of these tenants. */
  hinted(tenantKeys: readonly string[]): void;
  /** It is lost, or can't be reached: told once, until it is back. */
  away(error: Error): void;
  /** It is there, at first or again. */
  back(): void;
}

/** A connection over which every process hears what each of them sends, itself included. */
export interface Line {
  /** Rejects when the connection is lost meanwhile. */
  send(payload: string): Promise<void>;
  /** At once, whatever is under way. */
  close(): void;
}

export interface LineListener {
  heard(payload: string): void;
  /** The connection is gone; it may be told more than once. */
  lost(error: Error): void;
}

/** Connects; rejects when it can't, or when it is told to stop. */
export type OpenLine = (listener: LineListener, stop: AbortSignal) => Promise<Line>;

/** For one process on a database: what it commits itself, it knows without a bus. */
export const inProcessBus: Bus = { publish: () => undefined, close: async () => undefined };

const GATHER_MS = 2;
/** PostgreSQL takes less than 8,000 bytes; a tenant's key takes 36 and a comma. */
const MOST_TENANTS_A_PAYLOAD = 200;
const LONGEST_PAYLOAD = 8_000;
/** For a line to open, for its echo to come, and between two of those. */
const PATIENCE_MS = 5_000;
const CLOSE_WITHIN_MS = 1_000;
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

/**
 * A bus over lines, one after the other: a line that breaks is replaced by a new one. It hears its own
 * echo, at first and then every few seconds: a line is there when that comes, and is given up when it
 * stays out, as where a network has forgotten the connection and says nothing.
 */
export class LineBus implements Bus {
  readonly #open: OpenLine;
  readonly #listener: BusListener;
  readonly #patienceMs: number;
  readonly #me = randomUUID().slice(0, 8);
  readonly #closing = new AbortController();
  readonly #living: Promise<void>;
  readonly #waiting = new Set<string>();
  #sending: Promise<void> | null = null;
  /** Set while the line is there: its echo was heard. */
  #line: Line | null = null;
  #onEcho: () => void = () => undefined;
  #pauseMs = SHORTEST_PAUSE_MS;
  /** Null until it is known. */
  #isAway: boolean | null = null;

  constructor(open: OpenLine, listener: BusListener, patienceMs = PATIENCE_MS) {
    this.#open = open;
    this.#listener = listener;
    this.#patienceMs = patienceMs;
    this.#living = this.#live();
  }

  publish(tenantKey: string): void {
    // Nothing is kept for later: when the bus is back, everybody looks anyway.
    if (this.#line === null) return;
    this.#waiting.add(tenantKey);
    this.#sending ??= this.#sendGathered();
  }

  /** What was published is sent before, if that is quick. */
  async close(): Promise<void> {
    await Promise.race([this.#sending, sleep(CLOSE_WITHIN_MS, null, { ref: false })]);
    this.#closing.abort();
    await this.#living;
  }

  async #sendGathered(): Promise<void> {
    do {
      await sleep(GATHER_MS);
      const tenantKeys = [...this.#waiting];
      this.#waiting.clear();
      // A line that breaks is noticed by whoever keeps it; its hints are lost.
      await this.#send(tenantKeys).catch(() => undefined);
    } while (this.#waiting.size > 0);
    this.#sending = null;
  }

  async #send(tenantKeys: readonly string[]): Promise<void> {
    for (let from = 0; from < tenantKeys.length; from += MOST_TENANTS_A_PAYLOAD) {
      const some = tenantKeys.slice(from, from + MOST_TENANTS_A_PAYLOAD);
      await this.#line?.send(`${this.#me} ${some.join(',')}`);
    }
  }

  #heard(payload: string): void {
    if (payload.length > LONGEST_PAYLOAD) return;
    const [sender, tenantKeys = ''] = payload.split(' ', 2);
    if (sender === this.#me) this.#onEcho();
    else if (tenantKeys !== '') this.#listener.hinted(tenantKeys.split(','));
  }

  /** Keeps a line, one after the other, until the bus is closed. */
  async #live(): Promise<void> {
    const signal = this.#closing.signal;
    while (!signal.aborted) {
      await this.#keepLine().catch((error: Error) => this.#tellAway(error));
      // At random, so that many gateways don't come back at one moment.
      await sleep(this.#pauseMs * (0.5 + Math.random() / 2), null, { signal }).catch(() => undefined);
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    }
  }

  /** Rejects when the line can't be had, when it is lost, and when the bus is closed. */
  async #keepLine(): Promise<void> {
    const lost = new AbortController();
    const lose = (error: Error): void => lost.abort(error);
    const over = AbortSignal.any([this.#closing.signal, lost.signal]);
    const line = await this.#open(
      { heard: (payload) => this.#heard(payload), lost: lose },
      AbortSignal.any([over, AbortSignal.timeout(this.#patienceMs)]),
    );
    try {
      for (;;) {
        await this.#hearEcho(line, over);
        this.#line = line;
        this.#pauseMs = SHORTEST_PAUSE_MS;
        this.#tellBack();
        await sleep(this.#patienceMs, null, { signal: over });
      }
    } catch (error) {
      // Why it was lost says more than what came of that.
      throw lost.signal.aborted ? lost.signal.reason : error;
    } finally {
      this.#line = null;
      line.close();
    }
  }

  async #hearEcho(line: Line, over: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const silence = new Error('It is connected, but nothing comes through.');
    const timer = setTimeout(() => reject(silence), this.#patienceMs);
    const end = (): void => reject(over.reason);
    over.addEventListener('abort', end, { once: true });
    this.#onEcho = resolve;
    line.send(this.#me).catch(reject);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      over.removeEventListener('abort', end);
    }
  }

  #tellAway(error: Error): void {
    if (this.#isAway === true || this.#closing.signal.aborted) return;
    this.#isAway = true;
    this.#listener.away(error);
  }

  #tellBack(): void {
    if (this.#isAway === false) return;
    this.#isAway = false;
    this.#listener.back();
  }
}
