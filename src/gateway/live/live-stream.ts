import type { GraphQLFormattedError } from 'graphql';
import { feedCursor } from '../../domain/ledgers/index.ts';
import {
  type FeedItem,
  type FeedTail,
  type FeedTails,
  type Follower,
  type Following,
  follow,
} from '../../events/index.ts';
import { RequestFault } from '../../kernel/errors.ts';
import type { Group, GroupMember, Shown } from './group.ts';
import type { Rendered } from './rendered.ts';

/** So much may wait for a listener in bytes; whoever leaves more waiting is too slow to be live. */
const MOST_WAITING = 1_048_576;
/** Whoever catches up is sent more when less than this waits. */
const FEW_WAITING = 262_144;

/** Where the events of one stream go: a socket, or a response. */
export interface Sink {
  next(rendered: Rendered): void;
  /** What is sent meanwhile may travel together. */
  together(send: () => void): void;
  /** How many bytes wait to be taken. */
  readonly waiting: number;
  /** Resolves once everything sent so far was taken, or nobody takes it any more. */
  taken(): Promise<void>;
  /** The stream is over. */
  end(error: GraphQLFormattedError): void;
  /** The listener doesn't take what it is sent. */
  tooSlow(): void;
}

/** Puts an error into the words of whoever listens. */
export type Tell = (error: unknown) => GraphQLFormattedError;

/** One subscriber's stream: where it is in the feed, and whether it has caught up. */
export class LiveStream implements Follower, GroupMember {
  readonly #following: Following;
  readonly #group: Group;
  readonly #sink: Sink;
  readonly #tell: Tell;
  readonly #onClosed: () => void;
  /** Of what it was sent last. */
  #position: bigint | null;
  #release: (() => void) | null = null;
  #closed = false;

  constructor(following: Following, group: Group, sink: Sink, tell: Tell, onClosed: () => void) {
    this.#following = following;
    this.#group = group;
    this.#sink = sink;
    this.#tell = tell;
    this.#onClosed = onClosed;
    this.#position = following.after;
    group.enter();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Begins; whatever goes wrong ends the stream. */
  async run(tails: FeedTails): Promise<void> {
    try {
      const release = await follow(tails, this.#following, this);
      if (this.#closed) release();
      else this.#release = release;
    } catch (error) {
      this.fail(error);
    }
  }

  async caughtUp(item: FeedItem): Promise<void> {
    const rendered = await this.#group.show(item);
    if (this.#closed) return;
    this.#send(item, rendered);
    if (this.#sink.waiting > FEW_WAITING) await this.#sink.taken();
  }

  joined(tail: FeedTail, position: bigint): void {
    this.#position = position;
    this.#group.join(this, tail);
  }

  /** Events that happened just now. */
  tell(shown: readonly Shown[]): void {
    const [first] = shown;
    if (shown.length === 1 && first !== undefined) this.#tellOne(first);
    else {
      this.#sink.together(() => {
        for (const one of shown) this.#tellOne(one);
      });
    }
  }

  #tellOne({ item, rendered }: Shown): void {
    // What was in the making when it joined is behind it already.
    if (this.#closed || (this.#position !== null && item.position <= this.#position)) return;
    if (this.#sink.waiting > MOST_WAITING) {
      this.fail(new RequestFault('SLOW_CONSUMER'));
      this.#sink.tooSlow();
    } else this.#send(item, rendered);
  }

  /** Ends the stream with what went wrong, and with the place from which another one can go on. */
  fail(error: unknown): void {
    if (!this.#closed) this.#end(this.#tell(error));
  }

  #end(told: GraphQLFormattedError): void {
    const cursor =
      this.#position === null ? {} : { cursor: feedCursor(this.#following.tenantKey, this.#position) };
    this.close();
    this.#sink.end({ ...told, extensions: { ...told.extensions, ...cursor } });
  }

  /** The subscriber has gone, or is to go. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release?.();
    this.#group.leave(this);
    this.#onClosed();
  }

  #send(item: FeedItem, rendered: Rendered): void {
    // Going on behind an event that couldn't be shown would be a hole that nobody hears of.
    if (rendered.fault !== null) this.#end(rendered.fault);
    else {
      this.#position = item.position;
      this.#sink.next(rendered);
    }
  }
}
