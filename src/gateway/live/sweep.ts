import { setTimeout as delay } from 'node:timers/promises';
import { RequestFault } from '../../kernel/errors.ts';
import type { Authenticated, Authenticator, Credentials } from '../guard/index.ts';

const EVERY_MS = 1_000;
/** Each socket is asked for a sign of life this often, a part of them each time. */
const PARTS = 12;
/** So many keys are looked up again each time. */
const MOST_KEYS = 200;
/** When the gateway stops, so many are closed at a time, so that not all come again at once. */
const CLOSED_AT_A_TIME = 500;
const CLOSE_EVERY_MS = 50;

/** On these, clients come again by themselves, and reach another gateway. */
export const RETRY_ELSEWHERE = { restart: 1012, later: 1013 } as const;
export const FORBIDDEN = 4403;

/** A connection that stays open: a socket, or a stream of server-sent events. */
export interface HeldConnection {
  /** Counts the connections of this process. */
  readonly number: number;
  readonly isOpen: boolean;
  readonly authenticated: Authenticated | null;
  /** Of an API key, which is looked up again. */
  readonly credentials: Credentials | null;
  /** Sends something that has to be answered, or that at least finds out whether anybody is there. */
  askForLife(): void;
  /** @param code of a WebSocket's close */
  close(code: number, reason: string): void;
}

let connections = 0;

/** The next connection's number. */
export function nextNumber(): number {
  connections += 1;
  return connections;
}

/**
 * Looks after all open connections with one timer: those that have gone without a word, those whose token is
 * over, and those whose API key was taken back.
 */
export class Sweep {
  readonly #held = new Set<HeldConnection>();
  readonly #authenticator: Authenticator;
  readonly #timer: NodeJS.Timeout;
  #part = 0;
  /** Of the keys that are looked up again, the ones whose turn it is. */
  #keys: HeldConnection[][] = [];
  #checking = false;
  #isDraining = false;

  constructor(authenticator: Authenticator) {
    this.#authenticator = authenticator;
    this.#timer = setInterval(() => this.#sweep(), EVERY_MS).unref();
  }

  add(connection: HeldConnection): void {
    this.#held.add(connection);
  }

  remove(connection: HeldConnection): void {
    this.#held.delete(connection);
  }

  /** Whether nothing is to be opened any more. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Closes all, and waits until they are gone. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    const open = [...this.#held];
    for (let from = 0; from < open.length; from += CLOSED_AT_A_TIME) {
      if (from > 0) await delay(CLOSE_EVERY_MS);
      const some = open.slice(from, from + CLOSED_AT_A_TIME);
      for (const connection of some) connection.close(RETRY_ELSEWHERE.restart, 'Going away');
    }
    while (this.#held.size > 0) await delay(CLOSE_EVERY_MS);
    clearInterval(this.#timer);
  }

  #sweep(): void {
    const now = Date.now();
    this.#part = (this.#part + 1) % PARTS;
    for (const one of this.#held) {
      if (!one.isOpen) continue;
      const expiresAt = one.authenticated?.caller.expiresAt ?? null;
      if (expiresAt !== null && expiresAt.getTime() <= now) one.close(FORBIDDEN, 'Token expired');
      else if (one.number % PARTS === this.#part) one.askForLife();
    }
    if (!this.#checking) void this.#checkKeys();
  }

  /** An API key that is taken back takes along what was opened with it. */
  async #checkKeys(): Promise<void> {
    this.#checking = true;
    if (this.#keys.length === 0) this.#keys = [...this.#byKey().values()];
    const due = this.#keys.splice(0, MOST_KEYS);
    await Promise.all(due.map((alike) => this.#checkKey(alike)));
    this.#checking = false;
  }

  async #checkKey(alike: readonly HeldConnection[]): Promise<void> {
    const credentials = alike[0]?.credentials ?? null;
    if (credentials === null) return;
    try {
      await this.#authenticator.authenticate(credentials);
    } catch (error) {
      // Anything else is a fault of ours, which is no reason to hang up.
      if (!(error instanceof RequestFault)) return;
      for (const one of alike) one.close(FORBIDDEN, 'API key revoked');
    }
  }

  #byKey(): Map<string, HeldConnection[]> {
    const byKey = new Map<string, HeldConnection[]>();
    for (const one of this.#held) {
      const key = one.credentials?.apiKey;
      if (key === undefined) continue;
      const alike = byKey.get(key);
      if (alike === undefined) byKey.set(key, [one]);
      else alike.push(one);
    }
    return byKey;
  }
}
