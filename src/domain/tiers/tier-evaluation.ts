import type { FeedListener } from '../../events/index.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Transaction } from '../../persistence/index.ts';
import type { AskingParts } from '../ledgers/index.ts';
import type { CommitListener, PinnedProgram, ProgramService } from '../programs/index.ts';
import { laddersOf } from './ladder.policy.ts';
import { findStandings, type StandingRow } from './standing.repository.ts';
import { tierNamed } from './tier.snapshot.ts';
import { TierChangeCause } from './tier-change.entity.ts';
import { type DueTier, findDue, lockDueOf, postpone, renew, settleDue } from './tier-due.repository.ts';
import { type AskedTierOf, askForTier, type TierAnswer } from './tier-evaluate-asking.ts';
import { evaluated, isSameHeld, isSameStanding, ownDecision } from './tier-evaluation.policy.ts';
import type { TierListener } from './tier-listener.ts';
import type { TierMark, TierMarks } from './tier-marks.ts';
import { firstTiers } from './tier-tracker.ts';
import { insertTierChanges, lockMemberTiers, updateMemberTiers } from './tier-write.repository.ts';

const AT_ONCE = 8;
const DUE_A_READ = 80;
/** Who goes on counting meanwhile is left to the job. */
const MOST_TRIES = 3;

export interface TierEvaluationParts extends AskingParts {
  readonly programs: ProgramService;
  readonly marks: TierMarks;
  readonly tierListener: TierListener;
  readonly feed: FeedListener;
  readonly onError: (error: unknown) => void;
}

/** What one attempt came to. */
interface Attempted {
  /** The tier that is held after it. */
  readonly tier: string | null;
  readonly isChanged: boolean;
  /** What is to be asked anew, since something changed meanwhile. */
  readonly again: DueTier | null;
}

interface Asked extends DueTier {
  readonly standing?: StandingRow;
}

/** Has extensions say which tier members hold, after the commits that counted something toward it. */
export class TierEvaluation implements CommitListener {
  readonly #parts: TierEvaluationParts;

  constructor(parts: TierEvaluationParts) {
    this.#parts = parts;
  }

  /** Evaluates what a transaction left to be; what fails is done by the job. */
  async committed(tenantKey: string, tx: Transaction, isDryRun: boolean): Promise<void> {
    const marks = this.#parts.marks.of(tx);
    await inGroups(marks, async (mark) => {
      const tier = isDryRun
        ? await this.#wouldBe(tenantKey, mark).catch(() => mark.standing.tier)
        : ((await this.#evaluate(tenantKey, mark))?.tier ?? mark.standing.tier);
      await this.#tell(tenantKey, mark, tier);
    });
  }

  /**
   * Evaluates some of what is due: what a process left undone, what failed before, and what reviews found.
   * @returns how many tiers changed, and whether that was all
   */
  async evaluateDue(tenantKey: string): Promise<{ readonly changed: number; readonly isAll: boolean }> {
    const due = await findDue(this.#parts.database.read(tenantKey), tenantKey, DUE_A_READ);
    let changed = 0;
    await inGroups(due, async (one) => {
      if ((await this.#evaluate(tenantKey, one))?.isChanged === true) changed += 1;
    });
    return { changed, isAll: due.length < DUE_A_READ };
  }

  /** Null where it failed, and is tried again later. */
  async #evaluate(tenantKey: string, due: Asked): Promise<Attempted | null> {
    const { programs, database, feed, onError } = this.#parts;
    let asked: Asked = due;
    try {
      for (let tries = 1; ; tries += 1) {
        const done = await programs.underProgram(tenantKey, (program) =>
          this.#attempt(tenantKey, program, asked),
        );
        if (done.isChanged) feed.posted(tenantKey);
        if (done.again === null || tries === MOST_TRIES) return done;
        asked = done.again;
      }
    } catch (error) {
      // Who fails is recorded with its calls.
      if (!(error instanceof Refusal)) onError(error);
      await database.transaction(tenantKey, (tx) => postpone(tx, tenantKey, asked)).catch(onError);
      return null;
    }
  }

  /** @throws Refusal EXTENSION_UNAVAILABLE */
  async #attempt(tenantKey: string, program: PinnedProgram, asked: Asked): Promise<Attempted> {
    const { database } = this.#parts;
    const about = await this.#about(tenantKey, program, asked);
    if (about === null) {
      await database.transaction(tenantKey, (tx) => settleDue(tx, tenantKey, asked));
      return { tier: null, isChanged: false, again: null };
    }
    const answer = await askForTier(this.#parts, tenantKey, program, { ...about, mode: 'LIVE' });
    return await database.transaction(tenantKey, (tx) =>
      this.#commit(tx, tenantKey, program, { ...about, answer }),
    );
  }

  /** Null where there is nothing to evaluate any more: no such ladder, or no such member. */
  async #about(tenantKey: string, program: PinnedProgram, due: Asked): Promise<AskedTierOf | null> {
    const ladder = laddersOf(program.definition).all.find(({ code }) => code === due.ladder);
    if (ladder === undefined) return null;
    const { timeZone } = program.definition;
    const sql = this.#parts.database.read(tenantKey);
    const standing =
      due.standing ?? (await findStandings(sql, tenantKey, { ladder, timeZone }, [due.memberKey]))[0];
    if (standing === undefined) return null;
    return {
      due,
      ladder,
      standing,
      own: ownDecision(ladder, standing, due.cause, { ...standing, timeZone }),
    };
  }

  async #commit(
    tx: Transaction,
    tenantKey: string,
    program: PinnedProgram,
    { due, ladder, standing: asked, answer }: AskedTierOf & { readonly answer: TierAnswer },
  ): Promise<Attempted> {
    const { timeZone } = program.definition;
    const { memberKey } = due;
    const [{ now }, , found, [standing]] = await Promise.all([
      this.#parts.programs.recheck(tx, program),
      lockMemberTiers(tx, tenantKey, [memberKey], firstTiers([ladder])),
      lockDueOf(tx, tenantKey, due),
      findStandings(tx, tenantKey, { ladder, timeZone }, [memberKey]),
    ]);
    const tier = standing?.tier ?? null;
    // Somebody else evaluated it, or something was counted since: that is asked about anew.
    if (found === undefined) return { tier, isChanged: false, again: null };
    if (found.markKey !== due.markKey) return { tier, isChanged: false, again: found };
    if (standing === undefined || !isSameStanding(standing, asked)) {
      return { tier, isChanged: false, again: await renew(tx, tenantKey, due) };
    }
    const own = ownDecision(ladder, standing, due.cause, { now, timeZone });
    const next = answer.isGone ? standing : evaluated(standing, own, answer.tier, now);
    const isChanged = next.tier !== standing.tier;
    const ladders = laddersOf(program.definition);
    const change = {
      ...{ memberKey, ladder: ladder.code, from: standing.tier, to: next.tier },
      ...(answer.extension === null
        ? { cause: own.cause ?? TierChangeCause[due.cause] }
        : {
            ...{ cause: TierChangeCause.EVALUATED, extension: answer.extension, reason: answer.reason },
            changedBy: `extension ${answer.extension.name}`,
          }),
    };
    await Promise.all([
      settleDue(tx, tenantKey, due),
      isSameHeld(next, standing)
        ? undefined
        : updateMemberTiers(tx, tenantKey, [{ ...next, memberKey, ladder: ladder.code }]),
      ...(isChanged
        ? [
            insertTierChanges(tx, tenantKey, [change], { now, ladders }),
            this.#parts.tierListener.changed(tx, { tenantKey, program, now }, [memberKey]),
          ]
        : []),
    ]);
    return { tier: next.tier, isChanged, again: null };
  }

  /** What a dry run would have come to. */
  async #wouldBe(tenantKey: string, mark: TierMark): Promise<string | null> {
    const program = await this.#parts.programs.inForce(tenantKey);
    const about = await this.#about(tenantKey, program, mark);
    if (about === null) return mark.standing.tier;
    const answer = await askForTier(this.#parts, tenantKey, program, { ...about, mode: 'DRY_RUN' });
    return evaluated(about.standing, about.own, answer.tier, about.standing.now).tier;
  }

  /** Tells whoever shows the tier that the transaction left a member in. */
  async #tell(tenantKey: string, { ladder, tierThen }: TierMark, code: string | null): Promise<void> {
    const program = await this.#parts.programs.inForce(tenantKey).catch(() => null);
    tierThen.resolve(program === null || code === null ? null : tierNamed(program.definition, ladder, code));
  }
}

/** A few at a time. */
async function inGroups<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_ONCE) {
    await Promise.all(items.slice(from, from + AT_ONCE).map(work));
  }
}
