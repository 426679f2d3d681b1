import type { Transaction } from '../../persistence/index.ts';
import type { PostingContext } from '../ledgers/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { isBase, type Ladder, type Ladders, laddersOf } from './ladder.policy.ts';
import { findStandings } from './standing.repository.ts';
import type { Tier } from './tier.entity.ts';
import { bestOf, type HeldTier, raised, rankReached } from './tier.policy.ts';
import { tierNamed } from './tier.snapshot.ts';
import { TierChangeCause } from './tier-change.entity.ts';
import type { TierListener } from './tier-listener.ts';
import { mergeStanding } from './tier-merge.repository.ts';
import {
  addContributions,
  type Contribution,
  type FirstTier,
  insertFirstTiers,
  insertTierChanges,
  lockMemberTiers,
  updateMemberTiers,
} from './tier-write.repository.ts';

/** Keeps stored tiers in step with what members do: raises them at once, never lowers them. */
export class TierTracker {
  readonly #listener: TierListener;
  /** What transactions found or left in the primary ladder, by member. */
  readonly #left = new WeakMap<Transaction, Map<string, string | null>>();

  constructor(listener: TierListener) {
    this.#listener = listener;
  }

  /**
   * Gives a new member their first tiers. Call it after the member's own row was sent and before postings of
   * the same transaction are, in the same turn.
   */
  async enrol(
    tx: Transaction,
    { tenantKey, program, facts }: PostingContext,
    { memberKey, tagCodes }: { readonly memberKey: string; readonly tagCodes: readonly string[] },
  ): Promise<void> {
    const { all } = laddersOf(program.definition);
    if (all.length === 0) return;
    const steps = all.map((ladder) => ({ ladder, step: ladder.steps[firstRank(ladder, tagCodes) - 1] }));
    const inserted = insertFirstTiers(
      tx,
      tenantKey,
      memberKey,
      steps.map(({ ladder, step }) => ({ ladder: ladder.code, tier: step?.code ?? null })),
    );
    this.#remember(tx, memberKey, steps[0]?.step?.code ?? null);
    const carries = steps.some(({ step }) => (step?.definition.benefits.length ?? 0) > 0);
    if (!carries) return await inserted;
    const [{ now }] = await Promise.all([facts, inserted]);
    await this.#listener.changed(tx, { tenantKey, program, now }, [memberKey]);
  }

  /**
   * Asks ladders that count tags again, once the member's changed row was sent in the same transaction. What
   * is lost with a tag is the review's to lower.
   */
  async tagsChanged(tx: Transaction, context: PostingContext, memberKey: string): Promise<void> {
    const { ofTags } = laddersOf(context.program.definition);
    if (ofTags.length === 0) return;
    const locked = lockMemberTiers(tx, context.tenantKey, [memberKey], firstTiers(ofTags));
    await Promise.all([locked, this.#raise(tx, context, ofTags, [memberKey])]);
  }

  /** Locks the tiers that contributions to these metrics may raise; `count` and `raise` come after it. */
  async lock(
    tx: Transaction,
    { tenantKey, program }: PostingContext,
    memberKeys: readonly string[],
    metrics: ReadonlySet<string>,
  ): Promise<void> {
    const ladders = touched(laddersOf(program.definition), metrics);
    await lockMemberTiers(tx, tenantKey, memberKeys, firstTiers(ladders));
  }

  /** Writes contributions down, under the lock of their members' tiers. */
  async count(
    tx: Transaction,
    { tenantKey, program }: PostingContext,
    contributions: readonly Contribution[],
  ): Promise<void> {
    await addContributions(tx, tenantKey, contributions, program.definition.timeZone);
  }

  /** Raises whoever has reached more, in the ladders of the metrics that were contributed to. */
  async raise(
    tx: Transaction,
    context: PostingContext,
    contributions: readonly Pick<Contribution, 'memberKey' | 'metric'>[],
  ): Promise<void> {
    const metrics = new Set(contributions.map(({ metric }) => metric));
    const memberKeys = [...new Set(contributions.map(({ memberKey }) => memberKey))];
    await this.#raise(tx, context, touched(laddersOf(context.program.definition), metrics), memberKeys);
  }

  /**
   * What a member did counts for another, whom they live on in: that one may be raised, and the tiers of the
   * first end, with what they carry.
   */
  async merge(tx: Transaction, context: PostingContext, from: string, into: string): Promise<void> {
    const { all } = laddersOf(context.program.definition);
    if (all.length === 0) return;
    const [{ now }] = await Promise.all([
      context.facts,
      lockMemberTiers(tx, context.tenantKey, [from, into], firstTiers(all)),
      mergeStanding(tx, context.tenantKey, from, into),
    ]);
    await this.#raise(tx, context, all, [into]);
    await this.#listener.changed(tx, { ...context, now }, [from]);
  }

  /** The tier in the primary ladder that a transaction left a member in; undefined if it didn't look there. */
  tierAfter(tx: Transaction, { definition }: PinnedProgram, memberKey: string): Tier | null | undefined {
    const [primary] = laddersOf(definition).all;
    const code = this.#left.get(tx)?.get(memberKey);
    if (primary === undefined || code === undefined) return undefined;
    return code === null ? null : tierNamed(definition, primary.code, code);
  }

  #remember(tx: Transaction, memberKey: string, tier: string | null): void {
    const left = this.#left.get(tx) ?? new Map<string, string | null>();
    this.#left.set(tx, left.set(memberKey, tier));
  }

  async #raise(
    tx: Transaction,
    { tenantKey, program, facts }: PostingContext,
    ladders: readonly Ladder[],
    memberKeys: readonly string[],
  ): Promise<void> {
    const { timeZone } = program.definition;
    const [primary] = laddersOf(program.definition).all;
    const [{ now }, ...standings] = await Promise.all([
      facts,
      ...ladders.map((ladder) => findStandings(tx, tenantKey, { ladder, timeZone }, memberKeys)),
    ]);
    const rows = ladders.flatMap((ladder, index) =>
      (standings[index] ?? []).flatMap((standing) => {
        const next = raised(ladder, standing, bestOf(standing), now);
        if (ladder === primary) this.#remember(tx, standing.memberKey, (next ?? standing).tier);
        if (next === null) return [];
        return [{ ...next, memberKey: standing.memberKey, ladder: ladder.code, from: standing.tier }];
      }),
    );
    await this.#write(tx, { tenantKey, program, now }, rows);
  }

  async #write(
    tx: Transaction,
    context: Parameters<TierListener['changed']>[1],
    rows: readonly (HeldTier & { memberKey: string; ladder: string; from: string | null })[],
  ): Promise<void> {
    if (rows.length === 0) return;
    const { tenantKey, program, now } = context;
    const { announces } = laddersOf(program.definition);
    const changes = rows
      .filter(({ from, tier }) => from !== tier)
      .map(({ memberKey, ladder, from, tier }) => ({
        memberKey,
        ladder,
        from,
        to: tier,
        cause: TierChangeCause.REACHED,
      }));
    const updated = updateMemberTiers(tx, tenantKey, rows);
    if (changes.length === 0) return await updated;
    const members = [...new Set(changes.map(({ memberKey }) => memberKey))];
    await Promise.all([
      updated,
      insertTierChanges(tx, tenantKey, changes, { now, announces }),
      this.#listener.changed(tx, context, members),
    ]);
  }
}

function firstRank(ladder: Ladder, tagCodes: readonly string[]): number {
  const { metric } = ladder;
  if (metric.of !== 'TAGS') return rankReached(ladder, 0n);
  const carried = new Set(metric.tags.filter((tag) => tagCodes.includes(tag)));
  return rankReached(ladder, BigInt(carried.size));
}

/** What a missing row stands for: the lowest tier, where that is for everybody. */
export function firstTiers(ladders: readonly Ladder[]): FirstTier[] {
  return ladders.map(({ code, steps: [lowest] }) => ({
    ladder: code,
    tier: lowest !== undefined && isBase(lowest) ? lowest.code : null,
  }));
}

function touched({ byMetric }: Ladders, metrics: ReadonlySet<string>): Ladder[] {
  return [...metrics].flatMap((metric) => byMetric.get(metric) ?? []);
}
