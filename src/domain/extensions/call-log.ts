import type { CallRecord, CallRecorder, Difference, Fault } from '../../extension/index.ts';
import { newKey } from '../../kernel/ids.ts';
import { type Database, isDataFault, type Sealer } from '../../persistence/index.ts';
import { type CallFacts, insertSealedCalls, type SealedCalls } from './call.repository.ts';

/** Calls that are not written yet, and what was said in them. */
const MOST_HELD = 10_000;
const MOST_HELD_CHARACTERS = 32 * 1024 * 1024;
/** Written at once. */
const MANY = 200;
const MANY_CHARACTERS = 4 * 1024 * 1024;
/** Sealed together: few enough that one of them is read as quickly as if it was alone. */
const TOGETHER = 64;
const TOGETHER_CHARACTERS = 64 * 1024;
const FLUSH_MS = 100;
/** After a write that failed. */
const RETRY_MS = 1_000;
const FINE = ['OK', 'SKIPPED_BY_FILTER'];
const COUNTING = ['LIVE', 'CANARY'];

/** What of a call is sealed. */
export interface CallContents {
  readonly input: unknown;
  readonly output: unknown;
  readonly fault: Fault | null;
  readonly logs: readonly string[];
  readonly differences: readonly Difference[] | null;
}

export interface CallLogParts {
  readonly database: Database;
  readonly sealer: Sealer;
  /** Hears of calls that are lost: too many wait, or they can't be written. */
  readonly onLost: (calls: number) => void;
  readonly onError: (error: unknown) => void;
}

/** Hears which extensions of a tenant failed, once that is written. */
export type FailureHearer = (tenantKey: string, extensionKeys: readonly string[]) => Promise<void>;

/** A call as it waits to be written: what was said is text already, so that its size is known. */
interface HeldCall extends Pick<CallRecord, 'tenantKey'> {
  readonly facts: CallFacts;
  readonly text: string;
}

/** Keeps calls: gathers them for a moment, and writes those of a tenant together. */
export class CallLog implements CallRecorder {
  readonly #parts: CallLogParts;
  #waiting: HeldCall[] = [];
  /** Of those that wait, and of those that are being written. */
  readonly #held = { calls: 0, characters: 0 };
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #hearer: FailureHearer | null = null;

  constructor(parts: CallLogParts) {
    this.#parts = parts;
  }

  onFailures(hearer: FailureHearer): void {
    this.#hearer = hearer;
  }

  record(call: CallRecord): void {
    const { calls, characters } = this.#held;
    const held = calls < MOST_HELD ? toHeld(call) : null;
    if (held === null || characters + held.text.length > MOST_HELD_CHARACTERS) {
      this.#parts.onLost(1);
      return;
    }
    this.#hold([held], 1);
    this.#waiting.push(held);
    if (this.#waiting.length === MANY) void this.flush();
    else this.#plan(FLUSH_MS);
  }

  /** Writes all that was recorded up to now; never throws. */
  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#writeWaiting());
    return this.#writing;
  }

  /** Writes these calls of one tenant before it answers. */
  async write(calls: readonly CallRecord[]): Promise<void> {
    await this.#write(calls.map(toHeld));
  }

  /**
   * What was said in a call.
   * @param place which of those in its seal it is; null where it is alone there
   * @throws UnreadableSeal
   */
  async open(contents: Buffer, place: number | null): Promise<CallContents> {
    const opened: unknown = JSON.parse(await this.#parts.sealer.open(contents.toString()));
    return (place === null ? opened : (opened as unknown[])[place]) as CallContents;
  }

  /** Writes what it can; what it can't is lost. */
  async close(): Promise<void> {
    await this.flush();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#lose(this.#waiting.splice(0));
  }

  #plan(afterMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.flush();
    }, afterMs).unref();
  }

  async #writeWaiting(): Promise<void> {
    const calls = this.#waiting.splice(0);
    const tenants = Map.groupBy(calls, ({ tenantKey }) => tenantKey).values();
    const parts = [...tenants].flatMap((own) => partsOf(own, MANY, MANY_CHARACTERS));
    for (const [index, part] of parts.entries()) {
      const left = await this.#writeSome(part);
      if (left.length === 0) continue;
      // What failed goes last: it may be about its tenant alone.
      this.#waiting = [...parts.slice(index + 1).flat(), ...this.#waiting, ...left];
      this.#plan(RETRY_MS);
      return;
    }
  }

  /** Writes calls of one tenant; answers those that have to be tried again. One that never can be is lost. */
  async #writeSome(calls: readonly HeldCall[]): Promise<readonly HeldCall[]> {
    try {
      await this.#write(calls);
    } catch (error) {
      if (isDataFault(error) && calls.length > 1) {
        const middle = Math.ceil(calls.length / 2);
        const left = await this.#writeSome(calls.slice(0, middle));
        return [...left, ...(await this.#writeSome(calls.slice(middle)))];
      }
      this.#parts.onError(error);
      if (!isDataFault(error)) return calls;
      this.#lose(calls);
      return [];
    }
    this.#hold(calls, -1);
    await this.#tell(calls);
    return [];
  }

  async #tell(calls: readonly HeldCall[]): Promise<void> {
    const failing = calls.filter(
      ({ facts: { outcome, mode } }) => !FINE.includes(outcome) && COUNTING.includes(mode),
    );
    const [first] = failing;
    if (first === undefined || this.#hearer === null) return;
    const keys = [...new Set(failing.map(({ facts }) => facts.extensionKey))];
    await this.#hearer(first.tenantKey, keys).catch(this.#parts.onError);
  }

  #lose(calls: readonly HeldCall[]): void {
    this.#hold(calls, -1);
    if (calls.length > 0) this.#parts.onLost(calls.length);
  }

  #hold(calls: readonly HeldCall[], sign: 1 | -1): void {
    for (const { text } of calls) {
      this.#held.calls += sign;
      this.#held.characters += sign * text.length;
    }
  }

  async #write(calls: readonly HeldCall[]): Promise<void> {
    const { database, sealer } = this.#parts;
    const [first] = calls;
    if (first === undefined) return;
    const { tenantKey } = first;
    const sealed = await Promise.all(
      partsOf(calls, TOGETHER, TOGETHER_CHARACTERS).map(async (part): Promise<SealedCalls> => {
        const contents = await sealer.seal(`[${part.map(({ text }) => text).join()}]`);
        return { sealKey: newKey(), contents, calls: part.map(({ facts }) => facts) };
      }),
    );
    await database.transaction(tenantKey, (tx) => insertSealedCalls(tx, tenantKey, sealed));
  }
}

function toHeld({ input, output, fault, logs, differences, tenantKey, ...facts }: CallRecord): HeldCall {
  const text = textOf({ input, output, fault, logs, differences });
  return { tenantKey, text, facts: { ...facts, differences: differences?.length ?? null } };
}

/** As few parts as can be, in which are so many calls and characters at most; what is too large is alone. */
function partsOf(calls: readonly HeldCall[], many: number, manyCharacters: number): HeldCall[][] {
  const parts: HeldCall[][] = [];
  let part: HeldCall[] = [];
  let characters = 0;
  for (const call of calls) {
    const isFull = part.length === many || characters + call.text.length > manyCharacters;
    if (isFull && part.length > 0) {
      parts.push(part);
      [part, characters] = [[], 0];
    }
    part.push(call);
    characters += call.text.length;
  }
  return part.length === 0 ? parts : [...parts, part];
}

/** A plugin in our own process may answer what JSON can't say: the rest is kept without it. */
function textOf(contents: CallContents): string {
  try {
    return JSON.stringify(contents, plain);
  } catch {
    const { input, fault } = contents;
    return JSON.stringify({ input, output: null, fault, logs: [], differences: null }, plain);
  }
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
