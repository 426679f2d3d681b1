import { refuse } from '../../kernel/errors.ts';
import type { Transaction } from '../../persistence/index.ts';
import { type ClaimedLimit, claimLimits, countLimits, type Limit, leftOf } from '../limits/index.ts';
import { dailyLimit, type PinnedProgram } from '../programs/index.ts';
import { ExplanationOutcome } from './ledger.enums.types.ts';
import type { LedgerWriter, Posted, PostingContext } from './ledger-writer.ts';
import type { Posting } from './posting.ts';

/**
 * Posts as the writer within it does, and holds what an asset allows a member in a day. Counters are locked
 * before everything else that a posting locks, as those of rules are.
 */
export class LimitingLedgerWriter implements LedgerWriter {
  readonly #inner: LedgerWriter;

  constructor(inner: LedgerWriter) {
    this.#inner = inner;
  }

  /** @throws Refusal DAILY_LIMIT, and what the writer within throws */
  async post(tx: Transaction, context: PostingContext, postings: readonly Posting[]): Promise<Posted> {
    const limited = postings.flatMap((posting) => {
      const limit = limitOf(context.program, posting);
      return limit === null ? [] : [{ posting, limit }];
    });
    if (limited.length === 0) return await this.#inner.post(tx, context, postings);
    const cut = await this.#count(tx, context, limited);
    const left = postings.flatMap((posting) => cut.get(posting) ?? posting);
    return await this.#inner.post(tx, context, left);
  }

  async settle(tx: Transaction, context: PostingContext, ledgerKeys: readonly string[]): Promise<Posted> {
    return await this.#inner.settle(tx, context, ledgerKeys);
  }

  countsBeyond(program: PinnedProgram, posting: Posting): boolean {
    return limitOf(program, posting) !== null || this.#inner.countsBeyond(program, posting);
  }

  async #count(
    tx: Transaction,
    { tenantKey, program, facts }: PostingContext,
    limited: readonly { readonly posting: Posting; readonly limit: Limit }[],
  ): Promise<Map<Posting, readonly Posting[]>> {
    const cut = new Map<Posting, readonly Posting[]>();
    const { now } = await facts;
    const { timeZone } = program.definition;
    const byMoment = Map.groupBy(limited, ({ posting }) => (posting.occurredAt ?? now).getTime());
    for (const [moment, own] of byMoment) {
      const limits = own.map(({ limit }) => limit);
      const claimed = await claimLimits(tx, tenantKey, limits, { moment: new Date(moment), timeZone });
      const taken = new Map<string, { limit: ClaimedLimit; amount: bigint }>();
      own.forEach(({ posting, posting: { givesWay } }, index) => {
        const limit = claimed[index];
        if (limit === undefined) throw new Error('A limit was not claimed.');
        const counted = taken.get(`${limit.subject} ${limit.memberKey}`) ?? { limit, amount: 0n };
        const left = leftOf(limit) - counted.amount;
        const isBeyond = posting.amount > left;
        if (isBeyond && givesWay !== true) throw refuse('DAILY_LIMIT', ['amount'], { left: String(left) });
        counted.amount += isBeyond ? left : posting.amount;
        if (isBeyond) cut.set(posting, left === 0n ? [] : [cutTo(posting, left)]);
        taken.set(`${limit.subject} ${limit.memberKey}`, counted);
      });
      await countLimits(tx, tenantKey, [...taken.values()]);
    }
    return cut;
  }
}

function cutTo(posting: Posting, amount: bigint): Posting {
  const { explanation } = posting;
  const capped = explanation === null ? null : { ...explanation, outcome: ExplanationOutcome.CAPPED };
  return { ...posting, amount, explanation: capped };
}

const SIDES: Readonly<Partial<Record<Posting['kind'], 'earn' | 'spend'>>> = {
  EARN: 'earn',
  REDEEM: 'spend',
  HOLD: 'spend',
  TRANSFER: 'spend',
};

/** What bounds a posting in a day; null where nothing does, or whoever decided it has counted it already. */
function limitOf({ assets }: PinnedProgram, posting: Posting): Limit | null {
  const { kind, asset, memberKey, isCounted, paysBack } = posting;
  const side = paysBack === true ? undefined : SIDES[kind];
  const definition = assets.get(asset);
  if (isCounted === true || side === undefined || definition === undefined) return null;
  return dailyLimit(definition, side, memberKey);
}
