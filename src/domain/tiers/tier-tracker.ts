import { newKey } from '../../kernel/ids.ts';
import type { Transaction } from '../../persistence/index.ts';
import type { PostingContext } from '../ledgers/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { isBase, type Ladder, type Ladders, laddersOf, rankOf, type Step } from './ladder.policy.ts';
import { findStandings } from './standing.repository.ts';
import type { Tier } from './tier.entity.ts';
import { type HeldTier, handOf, rankReached } from './tier.policy.ts';
import { tierNamed } from './tier.snapshot.ts';
import { type Rise, raisedByActs } from './tier-acts.policy.ts';
import { TierChangeCause } from './tier-change.entity.ts';
import { markDue } from './tier-due.repository.ts';
import type { TierListener } from './tier-listener.ts';
import type { TierMarks } from './tier-marks.ts';
import { mergeStanding } from './tier-merge.repository.ts';
import {
  addContributions,
  type Contribution,
  type FirstTier,
  insertFirstTiers,
  insertTierChanges,
  lockMemberTiers,
  type NewTierChange,
  updateMemberTiers,
} from './tier-write.repository.ts';

/** A tier of the primary ladder that somebody gives to a new member. */
export interface GivenTier {
  readonly tier: string;
  /** Who, e.g. `extension crm`. */
  readonly by: string;
}

interface Newcomer {
  readonly memberKey: string;
  readonly tagCodes: readonly string[];
  /** Null, or missing, where they begin in what they have reached. */
  readonly given?: GivenTier | null;
}

/** Keeps stored tiers in step with what members do: raises them at once, never lowers them. */
export class TierTracker {
  readonly #listener: TierListener;
  readonly #marks: TierMarks;
  /** What transactions found or left in the primary ladder, by member. */
  readonly #left = new WeakMap<Transaction, Map<string, string | null>>();

  constructor(listener: TierListener, marks: TierMarks) {
    this.#listener = listener;
    this.#marks = marks;
  }

  /**
   * Gives new members their first tiers; one that is given them counts as set by hand. Call it after the
   * members' own rows were sent and before postings of the same transaction are, in the same turn.
   */
  async enrol(
    tx: Transaction,
    { tenantKey, program, facts }: PostingContext,
    members: readonly Newcomer[],
  ): Promise<void> {
    const ladders = laddersOf(program.definition);
    const { all } = ladders;
    const [primary] = all;
    if (primary === undefined) return;
    const first = members.flatMap((member) =>
      all.map((ladder) => firstTierOf(ladder, member, ladder === primary ? (member.given ?? null) : null)),
    );
    const inserted = insertFirstTiers(
      tx,
      tenantKey,
      first.map(({ ladder, step, ...row }) => ({ ...row, ladder: ladder.code, tier: step?.code ?? null })),
    );
    for (const { memberKey, ladder, step } of first) {
      if (ladder === primary) this.#remember(tx, memberKey, step?.code ?? null);
    }
    const carrying = first.filter(({ step }) => (step?.definition.benefits.length ?? 0) > 0);
    const changes = first.flatMap(({ change }) => change ?? []);
    if (carrying.length + changes.length === 0) return await inserted;
    const [{ now }] = await Promise.all([facts, inserted]);
    const memberKeys = [...new Set(carrying.map(({ memberKey }) => memberKey))];
    await Promise.all([
      changes.length > 0 ? insertTierChanges(tx, tenantKey, changes, { now, ladders }) : undefined,
      memberKeys.length > 0 ? this.#listener.changed(tx, { tenantKey, program, now }, memberKeys) : undefined,
    ]);
  }

  /**
   * Asks ladders that count tags again, once the members' changed rows were sent in the same transaction. What
   * is lost with a tag is the review's to lower.
   */
  async tagsChanged(tx: Transaction, context: PostingContext, memberKeys: readonly string[]): Promise<void> {
    const { ofTags } = laddersOf(context.program.definition);
    if (ofTags.length === 0) return;
    const locked = lockMemberTiers(tx, context.tenantKey, memberKeys, firstTiers(ofTags));
    await Promise.all([locked, this.#raise(tx, context, ofTags, memberKeys, null)]);
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

  /**
   * Raises whoever has reached more, in the ladders of the metrics that were contributed to: act by act, as
   * if each had been posted by itself.
   */
  async raise(
    tx: Transaction,
    context: PostingContext,
    contributions: readonly Contribution[],
  ): Promise<void> {
    const metrics = new Set(contributions.map(({ metric }) => metric));
    const memberKeys = [...new Set(contributions.map(({ memberKey }) => memberKey))];
    const ladders = touched(laddersOf(context.program.definition), metrics);
    await this.#raise(tx, context, ladders, memberKeys, contributions);
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
    await this.#raise(tx, context, all, [into], null);
    await this.#listener.changed(tx, { ...context, now }, [from]);
  }

  /**
   * The tier in the primary ladder that a transaction left a member in; undefined if it didn't look there.
   * Where an extension says which, a promise that is kept once it was asked, after the commit.
   */
  tierAfter(
    tx: Transaction,
    { definition }: PinnedProgram,
    memberKey: string,
  ): Tier | null | undefined | Promise<Tier | null> {
    const [primary] = laddersOf(definition).all;
    if (primary === undefined) return undefined;
    if (primary.isEvaluated) {
      const mark = this.#marks.find(tx, memberKey, primary.code);
      if (mark !== null) return mark.tierThen.promise;
    }
    const code = this.#left.get(tx)?.get(memberKey);
    if (code === undefined) return undefined;
    return code === null ? null : tierNamed(definition, primary.code, code);
  }

  #remember(tx: Transaction, memberKey: string, tier: string | null): void {
    const left = this.#left.get(tx) ?? new Map<string, string | null>();
    this.#left.set(tx, left.set(memberKey, tier));
  }

  async #raise(
    tx: Transaction,
    context: PostingContext,
    ladders: readonly Ladder[],
    memberKeys: readonly string[],
    contributions: readonly Contribution[] | null,
  ): Promise<void> {
    const own = ladders.filter(({ isEvaluated }) => !isEvaluated);
    if (own.length === ladders.length) {
      return await this.#raiseByProgram(tx, context, own, memberKeys, contributions);
    }
    const asked = ladders.filter(({ isEvaluated }) => isEvaluated);
    await Promise.all([
      this.#mark(tx, context, asked, memberKeys),
      own.length > 0 ? this.#raiseByProgram(tx, context, own, memberKeys, contributions) : undefined,
    ]);
  }

  /** Leaves it to be evaluated, once this is committed and nothing is locked any more. */
  async #mark(
    tx: Transaction,
    { tenantKey, program: { definition } }: PostingContext,
    ladders: readonly Ladder[],
    memberKeys: readonly string[],
  ): Promise<void> {
    const due = ladders.flatMap(({ code: ladder }) =>
      memberKeys.map((memberKey) => ({ memberKey, ladder, markKey: newKey(), cause: 'REACHED' as const })),
    );
    const { timeZone } = definition;
    const [, ...standings] = await Promise.all([
      markDue(tx, tenantKey, due),
      ...ladders.map((ladder) => findStandings(tx, tenantKey, { ladder, timeZone }, memberKeys)),
    ]);
    const marks = due.flatMap((one) => {
      const rows = standings[ladders.findIndex(({ code }) => code === one.ladder)];
      const standing = rows?.find(({ memberKey }) => memberKey === one.memberKey);
      return standing === undefined
        ? []
        : [{ ...one, standing, tierThen: Promise.withResolvers<Tier | null>() }];
    });
    this.#marks.add(tx, marks);
  }

  async #raiseByProgram(
    tx: Transaction,
    { tenantKey, program, facts }: PostingContext,
    ladders: readonly Ladder[],
    memberKeys: readonly string[],
    contributions: readonly Contribution[] | null,
  ): Promise<void> {
    const { timeZone } = program.definition;
    const [primary] = laddersOf(program.definition).all;
    const [{ now }, ...standings] = await Promise.all([
      facts,
      ...ladders.map((ladder) => findStandings(tx, tenantKey, { ladder, timeZone }, memberKeys)),
    ]);
    const contributedBy = Map.groupBy(contributions ?? [], ({ memberKey }) => memberKey);
    const rises = ladders.flatMap((ladder, index) =>
      (standings[index] ?? []).flatMap((standing) => {
        const { memberKey } = standing;
        const given = contributions === null ? null : (contributedBy.get(memberKey) ?? []);
        const own = raisedByActs(ladder, standing, given, { now, timeZone });
        if (ladder === primary) this.#remember(tx, memberKey, (own.at(-1)?.next ?? standing).tier);
        return own.map((one) => ({ ...one, memberKey, ladder: ladder.code }));
      }),
    );
    // Usually one round: two acts that are posted together have raised the same member else.
    for (const rows of inRounds(rises)) await this.#write(tx, { tenantKey, program, now }, rows);
  }

  async #write(
    tx: Transaction,
    context: Parameters<TierListener['changed']>[1],
    rises: readonly MemberRise[],
  ): Promise<void> {
    const { tenantKey, program, now } = context;
    const ladders = laddersOf(program.definition);
    const changes = rises
      .filter(({ from, next }) => from !== next.tier)
      .map(({ memberKey, ladder, from, next }) => ({
        memberKey,
        ladder,
        from,
        to: next.tier,
        cause: TierChangeCause.REACHED,
      }));
    const updated = updateMemberTiers(
      tx,
      tenantKey,
      rises.map(({ memberKey, ladder, next }) => ({ ...next, memberKey, ladder })),
    );
    if (changes.length === 0) return await updated;
    const members = [...new Set(changes.map(({ memberKey }) => memberKey))];
    await Promise.all([
      updated,
      insertTierChanges(tx, tenantKey, changes, { now, ladders }),
      this.#listener.changed(tx, context, members),
    ]);
  }
}

interface MemberRise extends Rise {
  readonly memberKey: string;
  readonly ladder: string;
}

/** The rises of each member, act by act: a round holds one act of each. */
function inRounds(rises: readonly MemberRise[]): MemberRise[][] {
  const rounds: MemberRise[][] = [];
  for (const own of Map.groupBy(rises, ({ memberKey }) => memberKey).values()) {
    const acts = [...new Set(own.map(({ act }) => act))].sort();
    for (const rise of own) {
      const round = acts.indexOf(rise.act);
      rounds[round] = [...(rounds[round] ?? []), rise];
    }
  }
  return rounds;
}

/** The tier in which a member begins in a ladder, and the change that it is where somebody gives them one. */
function firstTierOf(
  ladder: Ladder,
  { memberKey, tagCodes }: Newcomer,
  given: GivenTier | null,
): {
  readonly memberKey: string;
  readonly ladder: Ladder;
  readonly step: Step | undefined;
  readonly hand: HeldTier['hand'];
  readonly change: NewTierChange | null;
} {
  const reached = firstRank(ladder, tagCodes);
  const rank = given === null ? reached : (rankOf(ladder, given.tier) ?? reached);
  const step = ladder.steps[rank - 1];
  const own = { memberKey, ladder, step, hand: handOf(rank, reached) };
  if (given === null) return { ...own, change: null };
  const from = ladder.steps[reached - 1]?.code ?? null;
  const by = { cause: TierChangeCause.BY_HAND, reason: given.by, changedBy: given.by };
  return { ...own, change: { memberKey, ladder: ladder.code, from, to: step?.code ?? null, ...by } };
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
