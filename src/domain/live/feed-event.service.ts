import type { EventStream, Following } from '../../events/index.ts';
import { RequestFault } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import type { ExtensionReads } from '../extensions/index.ts';
import type { ToldEvent } from './feed-event.types.ts';
import { followedMember, placeOf } from './following.ts';

interface Asked {
  /** Any stream's cursor; from the moment of subscribing when missing. */
  readonly after?: string | null;
  readonly filter?: { readonly types?: readonly string[] | null } | null;
}

interface FeedEventParts {
  readonly database: Database;
  readonly extensionReads: ExtensionReads;
}

/** What may be followed of members, tiers, grants and extensions, and by whom. */
export class FeedEventService {
  readonly #parts: FeedEventParts;

  constructor(parts: FeedEventParts) {
    this.#parts = parts;
  }

  /**
   * What happens to a member, or to all of them.
   * @throws RequestFault NOT_FOUND for a member who isn't there or isn't the caller; CURSOR_INVALID
   */
  async ofMembers(
    ctx: RequestContext,
    stream: Exclude<EventStream, 'extensions'>,
    { memberId = null, ...asked }: Asked & { readonly memberId?: string | null },
  ): Promise<Following> {
    const { tenantKey } = ctx;
    if (memberId === null && !isStaff(ctx)) throw new RequestFault('NOT_FOUND', { field: ['memberId'] });
    const memberKey = memberId === null ? null : await followedMember(this.#parts.database, ctx, memberId);
    const accepts: Following['accepts'] = ({ event }) => isOfTypes(event, asked);
    return { tenantKey, stream, memberKey, after: placeOf(tenantKey, asked.after), accepts };
  }

  /**
   * What is done to an extension, or to all of them.
   * @throws RequestFault NOT_FOUND for an extension that isn't there or isn't the caller's; CURSOR_INVALID
   */
  async ofExtensions(
    ctx: RequestContext,
    { extensionId = null, ...asked }: Asked & { readonly extensionId?: string | null },
  ): Promise<Following> {
    const { tenantKey } = ctx;
    const extension = extensionId === null ? null : await this.#parts.extensionReads.find(ctx, extensionId);
    const isVisible = extensionId === null ? isStaff(ctx) : extension !== null;
    if (!isVisible) throw new RequestFault('NOT_FOUND', { field: ['extensionId'] });
    const key = extension?.extensionKey ?? null;
    const accepts: Following['accepts'] = ({ event }) =>
      isOfTypes(event, asked) && (key === null || (event as ToldEvent).subjectKey === key);
    const after = placeOf(tenantKey, asked.after);
    return { tenantKey, stream: 'extensions', memberKey: null, after, accepts };
  }
}

function isStaff({ caller }: RequestContext): boolean {
  return caller.role === 'STAFF';
}

function isOfTypes(event: unknown, { filter }: Asked): boolean {
  const types = filter?.types ?? null;
  return types === null || types.includes((event as ToldEvent).type);
}
