import { Refusal, RequestFault, refuse } from '../../kernel/errors.ts';
import { newKey } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { assetOf, isExternal, type PinnedProgram } from '../programs/index.ts';
import { type ActingParts, BY_HAND, memberActedOn, postAlone, shownOf } from './acting.ts';
import { findNow } from './asked-member.repository.ts';
import type { MirrorEntriesInput, MirrorEntryItem } from './mirror.inputs.ts';
import type { LedgerOperation } from './operation.entity.ts';
import type { Posting } from './posting.ts';

const MOST_ITEMS = 1_000;
/** How many ledgers of one caller are written at once. */
const MOST_ALONE = 6;
const CLOCKS_APART_MS = 5 * 60_000;

type Item = MirrorEntryItem & { readonly dryRun?: boolean | null };

/** Brings what changed in systems that keep records into our mirrors of them. Nobody is asked. */
export class MirrorService {
  readonly #parts: Omit<ActingParts, 'asking'>;

  constructor(parts: Omit<ActingParts, 'asking'>) {
    this.#parts = parts;
  }

  /**
   * Mirrors many changes, those of one ledger in the order of the items. Each is done or refused by itself.
   * @throws RequestFault BATCH_SIZE
   */
  async mirrorAll(
    ctx: RequestContext,
    { items, dryRun }: MirrorEntriesInput,
  ): Promise<(LedgerOperation | Refusal)[]> {
    if (items.length < 1 || items.length > MOST_ITEMS) {
      throw new RequestFault('BATCH_SIZE', { field: ['items'], details: { most: MOST_ITEMS } });
    }
    const now = await findNow(this.#parts.database.read(ctx.tenantKey));
    const results = new Map<Item, LedgerOperation | Refusal>();
    const wanted: Item[] = items.map((item) => ({ ...item, dryRun }));
    const queues = [
      ...Map.groupBy(wanted, ({ memberId, asset }) => `${memberId} ${asset}`).values(),
    ].values();
    const work = async (): Promise<void> => {
      for (const queue of queues) {
        for (const item of queue) results.set(item, await refusalOf(this.#mirror(ctx, item, now)));
      }
    };
    await Promise.all(Array.from({ length: Math.min(MOST_ALONE, items.length) }, work));
    return wanted.map((item) => results.get(item) ?? neverDone());
  }

  /**
   * @throws Refusal IDEMPOTENCY_CONFLICT, IDEMPOTENCY_KEY_INVALID, MEMBER_NOT_FOUND, ASSET_NOT_FOUND,
   *   RECORD_IS_OURS, AMOUNT_ZERO, OCCURRED_IN_FUTURE, BALANCE_OUT_OF_RANGE, TEXT_TOO_LONG
   */
  async #mirror(ctx: RequestContext, item: Item, now: Date): Promise<LedgerOperation> {
    if (item.amount === 0n) throw refuse('AMOUNT_ZERO', ['amount']);
    const occurredAt = item.occurredAt ?? null;
    if (occurredAt !== null && occurredAt.getTime() > now.getTime() + CLOCKS_APART_MS) {
      throw refuse('OCCURRED_IN_FUTURE', ['occurredAt']);
    }
    const memberKey = memberActedOn(ctx, item.memberId, 'memberId');
    return await postAlone(this.#parts, ctx, {
      mutation: 'mirrorEntries',
      input: item,
      propose: (program) => toPosting(program, { ...item, memberKey, occurredAt }),
    });
  }
}

function toPosting(
  program: PinnedProgram,
  { memberKey, asset, amount, occurredAt, reason, reference }: Item & { readonly memberKey: string },
): Posting {
  const definition = assetOf(program, asset, ['asset']);
  if (!isExternal(definition)) throw refuse('RECORD_IS_OURS', ['asset'], { asset });
  return {
    ...{ ...BY_HAND, ...shownOf(reason, reference), operationKey: newKey(), kind: 'ADJUST', mirrors: true },
    ...{ memberKey, asset, amount, occurredAt: occurredAt ?? null },
  };
}

async function refusalOf(work: Promise<LedgerOperation>): Promise<LedgerOperation | Refusal> {
  return await work.catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
    return error;
  });
}

function neverDone(): never {
  throw new Error('A change was left without an answer.');
}
