import { isInRange } from '../../kernel/points.ts';
import type { Transaction } from '../../persistence/index.ts';
import {
  type LedgerWriter,
  OperationKind,
  type Posted,
  type Posting,
  type PostingContext,
} from '../ledgers/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { type Ladders, laddersOf } from './ladder.policy.ts';
import type { TierTracker } from './tier-tracker.ts';
import type { Contribution } from './tier-write.repository.ts';

/** Posts as the writer within it does, and counts what is posted toward tiers, in the same round trips. */
export class TrackingLedgerWriter implements LedgerWriter {
  readonly #inner: LedgerWriter;
  readonly #tiers: TierTracker;

  constructor(inner: LedgerWriter, tiers: TierTracker) {
    this.#inner = inner;
    this.#tiers = tiers;
  }

  async post(tx: Transaction, context: PostingContext, postings: readonly Posting[]): Promise<Posted> {
    const ladders = laddersOf(context.program.definition);
    const known = knownContributions(ladders, context, postings);
    const reversals = postings.filter((one) => countsBack(one) && ladders.byMetric.has(one.asset));
    if (known.length === 0 && reversals.length === 0) {
      return await this.#inner.post(tx, context, postings);
    }
    const members = [...known, ...reversals].map(({ memberKey }) => memberKey);
    const metrics = new Set([...known.map(({ metric }) => metric), ...reversals.map(({ asset }) => asset)]);
    // Who enrols has just been given their tiers, in the same transaction.
    const others = [...new Set(members)].filter((key) => context.newcomers?.has(key) !== true).sort();
    const locked = others.length === 0 ? undefined : this.#tiers.lock(tx, context, others, metrics);
    if (reversals.length === 0) {
      const [, , , posted] = await Promise.all([
        locked,
        this.#tiers.count(tx, context, known),
        this.#tiers.raise(tx, context, known),
        this.#inner.post(tx, context, postings),
      ]);
      return posted;
    }
    // What is taken back is known once the ledgers are locked, and must be counted before tiers are read.
    const [, posted] = await Promise.all([locked, this.#inner.post(tx, context, postings)]);
    const contributions = [...known, ...takenBack(reversals, posted)];
    const raising = contributions.filter((one) => known.includes(one) || one.amount > 0n);
    const counted = contributions.length === 0 ? undefined : this.#tiers.count(tx, context, contributions);
    await Promise.all([counted, raising.length === 0 ? undefined : this.#tiers.raise(tx, context, raising)]);
    return posted;
  }

  async settle(tx: Transaction, context: PostingContext, ledgerKeys: readonly string[]): Promise<Posted> {
    return await this.#inner.settle(tx, context, ledgerKeys);
  }

  countsBeyond(program: PinnedProgram, posting: Posting): boolean {
    const { byMetric } = laddersOf(program.definition);
    return byMetric.has(posting.asset) || this.#inner.countsBeyond(program, posting);
  }
}

/**
 * What counts without asking the ledger: earning and correcting, and what the act counts for besides. An
 * amount that no ledger can have is refused by the ledger, in its own words.
 */
function knownContributions(
  { byMetric }: Ladders,
  { measures = [] }: PostingContext,
  postings: readonly Posting[],
): Contribution[] {
  const posted = postings
    .filter(({ kind, asset }) => (kind === 'EARN' || kind === 'ADJUST') && byMetric.has(asset))
    .filter(({ amount }) => isInRange(amount))
    .map(({ memberKey, asset, amount, countsAt, occurredAt, act, activityKey }) => ({
      memberKey,
      metric: asset,
      amount,
      countsAt: countsAt ?? occurredAt,
      act: act ?? activityKey ?? undefined,
    }));
  const measured = measures.filter(({ metric, amount }) => amount !== 0n && byMetric.has(metric));
  return [...posted, ...measured];
}

/** What undoes an earning or a correction counts as that did; what undoes a spend counts for nothing. */
function countsBack({ kind, reversedKind = OperationKind.EARN }: Posting): boolean {
  const counts = reversedKind === OperationKind.EARN || reversedKind === OperationKind.ADJUST;
  return kind === 'REVERSE' && counts;
}

/** What reversals really took, never more than there was; undoing a correction downward gives it back. */
function takenBack(reversals: readonly Posting[], { operations }: Posted): Contribution[] {
  const operationOf = new Map(operations.map((operation) => [operation.operationKey, operation]));
  return reversals.flatMap(({ operationKey, memberKey, asset, countsAt, occurredAt }) => {
    const entries = operationOf.get(operationKey)?.writtenEntries ?? [];
    const amount = entries.reduce((sum, entry) => sum + entry.postedDelta + entry.pendingDelta, 0n);
    return amount === 0n ? [] : [{ memberKey, metric: asset, amount, countsAt: countsAt ?? occurredAt }];
  });
}
