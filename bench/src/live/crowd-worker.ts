import { createHash } from 'node:crypto';
import { type Hearer, Listener, type Place } from './listener.ts';
import type { Delay, Heard, Opening, Order, Stamp, Watch } from './orders.ts';

/** How many are opened at a time, where nobody asks what happens when all come at once. */
const OPENED_TOGETHER = 100;
/** Whoever is thrown out comes back after it, and is counted. */
const RETRY_MS = 1_000;
const QUOTE = 0x22;

/** Listeners that are watched together. */
class Crowd implements Hearer {
  readonly #listeners: readonly Listener[];
  #watch: Watch = 'count';
  #wanted = 0;
  #messages = 0;
  #startedNs = 0n;
  #firstNs = 0n;
  #lastNs = 0n;
  #cpuBefore = process.cpuUsage();
  #failures = 0;
  #failure: string | null = null;
  #stamps: Stamp[] = [];
  #done: (() => void) | null = null;
  #subscribed: (() => void) | null = null;
  #comesBack = false;

  constructor({ url, query, listeners, after, stalls = false }: Opening) {
    const { hostname, port, pathname } = new URL(url);
    const place: Place = { host: hostname, port: Number(port), path: pathname, query, stalls };
    this.#listeners = listeners.map((one, index) => new Listener(index, place, one, after, this));
  }

  /** Opens all, some at a time; a listener that can't be opened fails the order. */
  async open(): Promise<void> {
    const waiting = [...this.#listeners].reverse();
    let missing = waiting.length;
    await new Promise<void>((resolve, reject) => {
      this.#done = () => reject(new Error(`a listener was refused: ${this.#failure}`));
      this.#subscribed = () => {
        missing -= 1;
        if (missing === 0) resolve();
        waiting.pop()?.open();
      };
      for (const one of waiting.splice(-OPENED_TOGETHER).reverse()) one.open();
    });
    this.#done = null;
    this.#subscribed = null;
  }

  watch(watch: Watch, messages: number): void {
    this.#watch = watch;
    this.#wanted = messages;
    this.#messages = 0;
    this.#startedNs = process.hrtime.bigint();
    this.#firstNs = 0n;
    this.#cpuBefore = process.cpuUsage();
    // Whoever was thrown out before hears nothing any more, unless it came back.
    if (this.#comesBack) {
      this.#failures = 0;
      this.#failure = null;
    }
    this.#stamps = [];
    this.#comesBack = false;
    for (const one of this.#listeners) {
      one.messages = 0;
      one.texts.length = 0;
    }
  }

  /** Until the messages are there, or the time is over. */
  async heardAll(withinMs: number): Promise<Heard> {
    if (this.#messages < this.#wanted && (this.#comesBack || this.#failures === 0)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        this.#done = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#done = null;
    }
    const each = this.#listeners.map(({ messages }) => messages);
    const ways = new Set(this.#listeners.map(({ texts }) => digestOf(texts)));
    return {
      ...{ messages: this.#messages, failures: this.#failures, failure: this.#failure },
      ...{ startedNs: this.#startedNs, firstNs: this.#firstNs, lastNs: this.#lastNs },
      ...{ fewest: Math.min(...each), most: Math.max(...each), ways: ways.size, stamps: this.#stamps },
      ...{ texts: this.#listeners[0]?.texts ?? [], cores: this.#cores() },
    };
  }

  #cores(): number {
    const { user, system } = process.cpuUsage(this.#cpuBefore);
    return ((user + system) * 1_000) / Number(process.hrtime.bigint() - this.#startedNs);
  }

  cut(): void {
    for (const one of this.#listeners) one.cut();
  }

  reopen(delay: Delay): void {
    this.#comesBack = true;
    this.#startedNs = process.hrtime.bigint();
    for (const one of this.#listeners) {
      if (delay === 'none') one.open();
      else setTimeout(() => one.open(), 1_000 + 300 + Math.random() * 2_700);
    }
  }

  subscribed(): void {
    this.#subscribed?.();
  }

  heard(listener: Listener, buffer: Buffer, start: number, end: number): void {
    if (this.#messages === 0) this.#firstNs = process.hrtime.bigint();
    this.#messages += 1;
    if (this.#watch !== 'count') this.#look(listener, buffer, start, end);
    if (this.#messages !== this.#wanted) return;
    this.#lastNs = process.hrtime.bigint();
    this.#done?.();
  }

  #look(listener: Listener, buffer: Buffer, start: number, end: number): void {
    const cursor = textAfter('"cursor":"', buffer, start, end);
    if (cursor === listener.cursor) this.failed(listener, `the cursor ${cursor} came twice`);
    listener.cursor = cursor;
    if (this.#watch === 'text') {
      listener.texts.push(buffer.toString('utf8', start, end));
      return;
    }
    const posting = Number(textAfter('"reason":"', buffer, start, end));
    this.#stamps.push({ posting, listener: listener.index, atNs: process.hrtime.bigint() });
  }

  failed(listener: Listener, why: string): void {
    this.#failures += 1;
    this.#failure ??= why;
    if (this.#comesBack) setTimeout(() => listener.open(), RETRY_MS);
    else this.#done?.();
  }
}

/** What stands between the mark and the next quote. */
function textAfter(mark: string, buffer: Buffer, start: number, end: number): string | null {
  const at = buffer.indexOf(mark, start);
  if (at === -1 || at >= end) return null;
  return buffer.toString('latin1', at + mark.length, buffer.indexOf(QUOTE, at + mark.length));
}

/** Of what all should have heard alike: everything but the id of one's own subscription. */
function digestOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text.replace(/"id":"[0-9a-f-]{36}",/, ''));
  return hash.digest('hex');
}

const crowds = new Map<string, Crowd>();

async function obey(order: Order): Promise<Heard | null> {
  if (order.do === 'open') {
    const made = new Crowd(order);
    crowds.set(order.crowd, made);
    await made.open();
    return null;
  }
  const crowd = crowds.get(order.crowd);
  if (crowd === undefined) throw new Error(`there are no listeners "${order.crowd}"`);
  if (order.do === 'watch') crowd.watch(order.watch, order.messages);
  if (order.do === 'cut') crowd.cut();
  if (order.do === 'reopen') crowd.reopen(order.delay);
  return order.do === 'await' ? await crowd.heardAll(order.withinMs) : null;
}

process.on('message', (order: Order) => {
  obey(order).then(
    (heard) => process.send?.({ heard }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit());
