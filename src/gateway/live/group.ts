import { setImmediate } from 'node:timers/promises';
import { execute } from 'graphql';
import type { FeedItem, FeedTail, Following } from '../../events/index.ts';
import { RequestFault } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { createContext, type GatewayContext } from '../context.ts';
import type { Executor } from '../execute.ts';
import type { Admitted } from '../guard/index.ts';
import type { GatewayParts } from '../parts.ts';
import { Rendered } from './rendered.ts';

/** Whoever catches up is shown what others were shown a moment ago. */
const MOST_REMEMBERED = 256;
/** So many events of one commit are worked out, and sent, together. */
const MOST_AT_ONCE = 64;
/** So many events may wait to be sent. */
const MOST_BEHIND = 10_000;
/** Telling one listener takes some ten microseconds. */
const MOST_TOLD_AT_ONCE = 128;

/** How a group's events are shown. */
export interface Showing {
  readonly admitted: Admitted;
  readonly request: RequestContext;
}

/** An event, and what it looks like. */
export interface Shown {
  readonly item: FeedItem;
  readonly rendered: Rendered;
}

/** One of those who are told the same. */
export interface GroupMember {
  /** Events that happened just now, in order. */
  tell(shown: readonly Shown[]): void;
  fail(error: unknown): void;
}

/** All who are told the same: each event is executed once for them. */
export class Group {
  readonly #parts: GatewayParts;
  readonly #executor: Executor;
  readonly #following: Following;
  readonly #showing: Showing;
  readonly #onEmpty: () => void;
  /** Those who have caught up. */
  readonly #live = new Set<GroupMember>();
  /** Those who have, and those who will. */
  #members = 0;
  #stop: (() => void) | null = null;
  readonly #shown = new Map<bigint, Rendered | Promise<Rendered>>();
  readonly #waiting: FeedItem[] = [];
  #telling = false;

  constructor(
    parts: GatewayParts,
    executor: Executor,
    following: Following,
    showing: Showing,
    onEmpty: () => void,
  ) {
    this.#parts = parts;
    this.#executor = executor;
    this.#following = following;
    this.#showing = showing;
    this.#onEmpty = onEmpty;
  }

  enter(): void {
    this.#members += 1;
  }

  /** A member that has everything up to the tail's position hears what comes from now on. */
  join(stream: GroupMember, tail: FeedTail): void {
    this.#live.add(stream);
    this.#stop ??= tail.listen(this.#following, {
      heard: (item) => this.#heard(item),
      failed: (error) => {
        for (const one of [...this.#live]) one.fail(error);
      },
    });
  }

  leave(stream: GroupMember): void {
    this.#live.delete(stream);
    this.#members -= 1;
    if (this.#live.size === 0) {
      this.#stop?.();
      this.#stop = null;
    }
    if (this.#members === 0) this.#onEmpty();
  }

  /** What an event looks like. */
  show(item: FeedItem, context = this.#newContext()): Rendered | Promise<Rendered> {
    // Whoever is alone is shown each event once.
    if (this.#members === 1) return this.#render(item, context);
    const known = this.#shown.get(item.position);
    if (known !== undefined) return known;
    const shown = this.#render(item, context);
    this.#remember(item.position, shown);
    if (shown instanceof Promise) {
      shown.then(
        (rendered) => this.#shown.has(item.position) && this.#shown.set(item.position, rendered),
        () => this.#shown.delete(item.position),
      );
    }
    return shown;
  }

  #remember(position: bigint, shown: Rendered | Promise<Rendered>): void {
    if (this.#shown.size >= MOST_REMEMBERED) {
      const [oldest = position] = this.#shown.keys();
      this.#shown.delete(oldest);
    }
    this.#shown.set(position, shown);
  }

  #heard(item: FeedItem): void {
    if (this.#waiting.length === MOST_BEHIND) {
      // More comes than can be sent: whoever comes back is told in their own time, from the database.
      this.#waiting.length = 0;
      for (const stream of [...this.#live]) stream.fail(new RequestFault('SLOW_CONSUMER'));
    }
    if (this.#live.size === 0) return;
    this.#waiting.push(item);
    if (!this.#telling) void this.#tellAll();
  }

  /** In order, though some take longer to show. */
  async #tellAll(): Promise<void> {
    this.#telling = true;
    // What came in this turn is shown together: what it asks of the database is asked once.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const items = this.#waiting.splice(0, MOST_AT_ONCE);
      const context = this.#newContext();
      try {
        const shown = await Promise.all(
          items.map(async (item) => ({ item, rendered: await this.show(item, context) })),
        );
        await this.#send(shown);
      } catch (error) {
        for (const stream of [...this.#live]) stream.fail(error);
      }
    }
    this.#telling = false;
  }

  /** A part of the listeners at a time: others' requests, and what is committed meanwhile, aren't held up. */
  async #send(shown: readonly Shown[]): Promise<void> {
    let told = 0;
    // Whoever joins meanwhile has these behind them.
    for (const stream of this.#live) {
      stream.tell(shown);
      told += 1;
      if (told % MOST_TOLD_AT_ONCE === 0) await setImmediate();
    }
  }

  #newContext(): GatewayContext {
    return createContext(this.#showing.request, this.#parts.services, this.#parts.database, true);
  }

  #render({ event }: FeedItem, context: GatewayContext): Rendered | Promise<Rendered> {
    this.#parts.metrics.eventShown();
    const { admitted } = this.#showing;
    const result = execute({
      schema: this.#parts.schema,
      document: admitted.document,
      operationName: admitted.operationName,
      variableValues: admitted.variables,
      rootValue: event,
      contextValue: context,
    });
    if (!(result instanceof Promise)) return new Rendered(this.#executor.mask(result, admitted, context));
    return result.then((executed) => new Rendered(this.#executor.mask(executed, admitted, context)));
  }
}
