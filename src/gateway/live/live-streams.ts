import type { GraphQLFormattedError } from 'graphql';
import { RequestFault } from '../../kernel/errors.ts';
import { createContext } from '../context.ts';
import type { Executor } from '../execute.ts';
import { callerId } from '../guard/index.ts';
import type { GatewayParts } from '../parts.ts';
import { refusalErrors } from '../refuse.ts';
import { Group, type Showing } from './group.ts';
import { liveOperation } from './live-operation.ts';
import { LiveStream, type Sink } from './live-stream.ts';
import { Quota } from './quota.ts';

/** A member has a few devices, not hundreds. */
const MOST_OF_A_MEMBER = 100;

/** Every open stream of this process, over whatever transport. */
export class LiveStreams {
  readonly #parts: GatewayParts;
  readonly #executor: Executor;
  readonly #groups = new Map<string, Group>();
  readonly #quota = new Quota();

  constructor(parts: GatewayParts, executor: Executor) {
    this.#parts = parts;
    this.#executor = executor;
  }

  /**
   * Opens a stream that tells a sink. Where it can't be opened, the answer is why; no reasons, where nobody
   * asks any more.
   * @param isGone whether the subscriber has left meanwhile
   */
  async open(
    showing: Showing,
    sink: Sink,
    isGone: () => boolean,
  ): Promise<LiveStream | readonly GraphQLFormattedError[]> {
    const { admitted, request } = showing;
    const giveBack: (() => void)[] = [];
    const leave = (): void => {
      for (const undo of giveBack.splice(0)) undo();
    };
    try {
      this.#take(showing, giveBack);
      const context = createContext(request, this.#parts.services, this.#parts.database, true);
      const operation = await liveOperation(this.#parts.schema, admitted, context);
      if (isGone()) {
        leave();
        return [];
      }
      const group = this.#groupOf(
        operation.group,
        () =>
          new Group(this.#parts, this.#executor, operation.following, showing, () =>
            this.#groups.delete(operation.group),
          ),
      );
      const tell = (error: unknown): GraphQLFormattedError => {
        if (error instanceof RequestFault && error.code === 'SLOW_CONSUMER')
          this.#parts.metrics.streamTooSlow();
        const [told] = refusalErrors(this.#parts, error, request);
        return told ?? { message: 'INTERNAL_SERVER_ERROR' };
      };
      this.#parts.metrics.streamOpened();
      const stream = new LiveStream(operation.following, group, sink, tell, () => {
        this.#parts.metrics.streamClosed();
        leave();
      });
      void stream.run(this.#parts.tails);
      return stream;
    } catch (error) {
      leave();
      return refusalErrors(this.#parts, error, request);
    }
  }

  #take({ request: { tenantKey, caller } }: Showing, giveBack: (() => void)[]): void {
    const { perCaller, perTenant } = this.#parts.guardOptions.live;
    const ofCaller = caller.role === 'MEMBER' ? Math.min(MOST_OF_A_MEMBER, perCaller) : perCaller;
    const limits = [
      { holder: callerId({ tenantKey, caller }), most: ofCaller, code: 'CALLER_STREAM_LIMIT' },
      { holder: tenantKey, most: perTenant, code: 'TENANT_STREAM_LIMIT' },
    ];
    for (const { holder, most, code } of limits) {
      if (!this.#quota.take(holder, most)) {
        throw new RequestFault(code, { details: { most }, httpStatus: 429 });
      }
      giveBack.push(() => this.#quota.giveBack(holder));
    }
  }

  #groupOf(key: string, make: () => Group): Group {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#groups.set(key, made);
    return made;
  }
}
