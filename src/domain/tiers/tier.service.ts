import type { FeedListener } from '../../events/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Transaction } from '../../persistence/index.ts';
import type { AskingParts } from '../ledgers/index.ts';
import type { CommitFacts, PinnedProgram, UseCaseRunner } from '../programs/index.ts';
import { refuseLong } from '../shared/index.ts';
import { type Ladder, laddersOf, rankOf } from './ladder.policy.ts';
import { findStandings } from './standing.repository.ts';
import type { SetTierInput } from './tier.inputs.ts';
import { bestOf, setByHand } from './tier.policy.ts';
import { askForRank } from './tier-asking.ts';
import { type TierChange, TierChangeCause } from './tier-change.entity.ts';
import type { TierListener } from './tier-listener.ts';
import { findChanges } from './tier-read.repository.ts';
import { firstTiers } from './tier-tracker.ts';
import { insertTierChanges, lockMemberTiers, updateMemberTiers } from './tier-write.repository.ts';

const LONGEST_REASON = 500;

interface SetProposal {
  readonly changeKey: string;
  readonly memberKey: string;
  readonly ladder: Ladder;
  readonly rank: number;
}

interface SetContext {
  readonly ctx: RequestContext;
  readonly input: SetTierInput;
  readonly program: PinnedProgram;
  readonly facts: CommitFacts;
}

export interface TierServiceParts extends AskingParts {
  readonly useCases: UseCaseRunner;
  readonly tierListener: TierListener;
  readonly listener: FeedListener;
}

/** Use cases on tiers. */
export class TierService {
  readonly #parts: TierServiceParts;

  constructor(parts: TierServiceParts) {
    this.#parts = parts;
  }

  /**
   * Gives a member a tier by hand.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, LADDER_NOT_FOUND, TIER_NOT_FOUND,
   *   UNTIL_NOT_AHEAD, TEXT_TOO_LONG, NO_PROGRAM, EXTENSION_REFUSED, EXTENSION_UNAVAILABLE
   */
  async set(ctx: RequestContext, input: SetTierInput): Promise<TierChange> {
    const { useCases, database, listener } = this.#parts;
    const { result, written } = await useCases.run<SetProposal, { change: string }, TierChange>(ctx, {
      mutation: 'setTier',
      input,
      propose: async (program) => {
        const proposal = propose(input, program);
        const rank = await askForRank(this.#parts, ctx.tenantKey, program, proposal, input);
        return { ...proposal, rank };
      },
      stored: ({ changeKey }) => ({ change: changeKey }),
      commit: (tx, proposal, program, facts) => this.#commit(tx, proposal, { ctx, input, program, facts }),
      replay: async ({ change }) => {
        const [found] = await findChanges(database.read(ctx.tenantKey), ctx.tenantKey, [change]);
        if (found === undefined) throw new Error(`The change ${change} of a stored result is missing.`);
        return found;
      },
    });
    if (written) listener.posted(ctx.tenantKey);
    return result;
  }

  async #commit(
    tx: Transaction,
    { changeKey, memberKey, ladder, rank }: SetProposal,
    { ctx, input, program, facts }: SetContext,
  ): Promise<TierChange> {
    const { tenantKey } = ctx;
    const { timeZone } = program.definition;
    const until = input.until ?? null;
    const [{ now }, , [standing]] = await Promise.all([
      facts,
      lockMemberTiers(tx, tenantKey, [memberKey], firstTiers([ladder])),
      findStandings(tx, tenantKey, { ladder, timeZone }, [memberKey]),
    ]);
    if (standing === undefined) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
    if (until !== null && until <= now) throw refuse('UNTIL_NOT_AHEAD', ['until']);
    const next = setByHand(ladder, standing, { rank, sum: bestOf(standing), until, now });
    const change = {
      memberKey,
      ladder: ladder.code,
      from: standing.tier,
      to: next.tier,
      cause: TierChangeCause.BY_HAND,
      reason: input.reason,
      until: next.handUntil,
      changedBy: ctx.caller.subject,
    };
    const ladders = laddersOf(program.definition);
    const isChanged = standing.tier !== next.tier;
    await Promise.all([
      updateMemberTiers(tx, tenantKey, [{ ...next, memberKey, ladder: ladder.code }]),
      insertTierChanges(tx, tenantKey, [change], { now, ladders, firstKey: changeKey }),
      isChanged ? this.#parts.tierListener.changed(tx, { tenantKey, program, now }, [memberKey]) : undefined,
    ]);
    const { from: fromTier, to: toTier, ...rest } = change;
    const announcedAt = ladders.announces && isChanged ? null : now;
    return { ...rest, extension: null, tenantKey, changeKey, fromTier, toTier, changedAt: now, announcedAt };
  }
}

function propose(input: SetTierInput, { definition }: PinnedProgram): SetProposal {
  const memberKey = fromPublicId('member', input.memberId);
  if (memberKey === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
  refuseLong(input.reason, LONGEST_REASON, ['reason']);
  const { all } = laddersOf(definition);
  const wanted = input.ladder ?? null;
  const ladder = wanted === null ? all[0] : all.find(({ code }) => code === wanted);
  if (ladder === undefined) throw refuse('LADDER_NOT_FOUND', ['ladder'], { ladder: wanted ?? '' });
  const rank = rankOf(ladder, input.tier);
  if (rank === null) throw refuse('TIER_NOT_FOUND', ['tier'], { tier: input.tier });
  return { changeKey: newKey(), memberKey, ladder, rank };
}
