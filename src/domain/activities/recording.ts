import { refuse } from '../../kernel/errors.ts';
import { newKey, toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { type Database, type Transaction, violatedConstraint } from '../../persistence/index.ts';
import { storeFacts } from '../expressions/index.ts';
import { type LedgerWriter, type Measure, type PostingContext, postWhenKnown } from '../ledgers/index.ts';
import {
  businessNow,
  changeTags,
  type Enrolment,
  type EnrolmentProposal,
  type Member,
} from '../members/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import {
  type AskedTier,
  askRules,
  type RuleEffects,
  type RuleProposal,
  type RuleResults,
  rulesFor,
  toFacts,
} from '../rules/index.ts';
import type { TierTracker } from '../tiers/index.ts';
import type { Activity } from './activity.entity.ts';
import type { RecordActivityInput } from './activity.inputs.ts';
import { toAmount, toOrderLines } from './activity.policy.ts';
import { insertNew, type NewActivity } from './activity.repository.ts';
import type { MemberFinder } from './member-finder.ts';
import type { Recorded } from './recorded.ts';
import { toLines } from './refund.policy.ts';

/** An activity before its rules are settled. */
export type UnexplainedActivity = Omit<NewActivity, 'storedExplanations'>;

export interface ActivityProposal {
  readonly activity: UnexplainedActivity;
  /** The member, or how they will be enrolled. */
  readonly member: Member | null;
  readonly enrolment: EnrolmentProposal | null;
  readonly proposals: readonly RuleProposal[];
}

export interface RecordingParts {
  readonly database: Database;
  readonly writer: LedgerWriter;
  readonly enrolment: Enrolment;
  readonly effects: RuleEffects;
  readonly tiers: TierTracker;
  readonly finder: MemberFinder;
  /** The member's tier in the primary ladder, for expressions that look at it. */
  readonly tierOf: (
    tenantKey: string,
    program: PinnedProgram,
    memberKey: string,
  ) => Promise<AskedTier | null>;
}

/** Records what members did, and what the rules give for it. Refunds have a way of their own. */
export class Recording {
  readonly #parts: RecordingParts;

  constructor(parts: RecordingParts) {
    this.#parts = parts;
  }

  /** Works out what happened and asks the rules about it, with no transaction open. */
  async propose(
    ctx: RequestContext,
    program: PinnedProgram,
    input: RecordActivityInput,
  ): Promise<ActivityProposal> {
    const amount = toAmount(input.amount, program, ['amount']);
    const orderLines = toOrderLines(input.order, amount, program);
    const { reads, hasExpressions } = rulesFor(program.definition, input.type);
    const sql = this.#parts.database.read(ctx.tenantKey);
    const [member, now] = await Promise.all([
      this.#parts.finder.find(ctx, input),
      hasExpressions ? businessNow(sql, ctx.tenantKey) : new Date(0),
    ]);
    const enrolment = member === null ? await this.#proposeEnrolment(ctx, program, input) : null;
    const asked = member ?? enrolment?.member ?? null;
    if (asked === null) throw refuse('MEMBER_NOT_FOUND', ['identity']);
    const { memberKey } = asked;
    const isRanked = reads.has('tier') && member !== null;
    const tier = isRanked ? await this.#parts.tierOf(ctx.tenantKey, program, memberKey) : null;
    const activity = toActivity(ctx, program, input, { memberKey, amount, orderLines });
    const about = {
      member: { ...asked, enrolledAt: member?.enrolledAt ?? null },
      publicId: toPublicId('member', memberKey),
      happening: { ...activity, trigger: activity.type, amount, lines: toLines(orderLines) },
      tier,
    };
    const facts = () => toFacts(about, now, program.definition.timeZone);
    return {
      activity: { ...activity, facts: hasExpressions && amount !== null ? storeFacts(facts()) : null },
      member,
      enrolment,
      proposals: askRules(program, { trigger: input.type, amount, memberKey, facts }),
    };
  }

  async commit(
    tx: Transaction,
    context: PostingContext,
    proposal: ActivityProposal,
    refuseMoment: (now: Date) => void,
  ): Promise<Recorded> {
    const { effects, enrolment, writer } = this.#parts;
    const { activity, proposals } = proposal;
    const enrolled = proposal.enrolment === null ? null : enrolment.commit(tx, context, proposal.enrolment);
    const results = effects.settle(tx, context, proposals, { ...activity, trigger: activity.type });
    const written = this.#write(tx, context, activity, results);
    const first = enrolled?.postings ?? [];
    const isKnown = !(results instanceof Promise) && !(first instanceof Promise);
    const postings = isKnown
      ? [...first, ...results.postings]
      : Promise.all([first, results]).then(([own, { postings: more }]) => [...own, ...more]);
    const measured = { ...context, measures: measuresOf(activity) };
    const [{ now }, joined, explained, { operations }] = await Promise.all([
      context.facts.then((known) => {
        refuseMoment(known.now);
        return known;
      }),
      enrolled?.member ?? null,
      written,
      postWhenKnown(writer, tx, measured, postings),
    ]);
    const member = joined ?? proposal.member;
    if (member === null) throw new Error('An activity has no member.');
    const { tagCodes = member.tagCodes, ...row } = explained;
    const occurredAt = activity.occurredAt ?? now;
    const tierThen = this.#parts.tiers.tierAfter(tx, context.program, member.memberKey);
    return {
      activity: { ...row, occurredAt, recordedAt: now },
      member: { ...member, tagCodes, tierThen },
      operations,
    };
  }

  /** Writes the activity with its explanations, and the tags that its rules change. */
  #write(
    tx: Transaction,
    context: PostingContext,
    activity: UnexplainedActivity,
    results: RuleResults | Promise<RuleResults>,
  ): Promise<NewActivity & { tagCodes?: string[] }> {
    const write = async ({ explanations, tags }: RuleResults) => {
      const explained: NewActivity = { ...activity, storedExplanations: [...explanations] };
      const { tenantKey, memberKey } = activity;
      const isTagged = tags.add.length + tags.remove.length > 0;
      const [, tagCodes] = await Promise.all([
        insertNew(tx, explained).catch((error: unknown) => {
          throw duplicateOrder(error, explained) ?? error;
        }),
        isTagged ? changeTags(tx, tenantKey, memberKey, tags) : undefined,
        isTagged ? this.#parts.tiers.tagsChanged(tx, context, memberKey) : undefined,
      ]);
      return tagCodes === undefined ? explained : { ...explained, tagCodes };
    };
    return results instanceof Promise ? results.then(write) : write(results);
  }

  async #proposeEnrolment(
    ctx: RequestContext,
    program: PinnedProgram,
    { identity, source, idempotencyKey, dryRun }: RecordActivityInput,
  ): Promise<EnrolmentProposal> {
    const identities = identity === null || identity === undefined ? [] : [identity];
    return await this.#parts.enrolment.propose(ctx, program, { idempotencyKey, identities, source, dryRun });
  }
}

/** What an activity counts for in ladders, besides what it earns. */
export function measuresOf({ memberKey, type, amountMinor, occurredAt }: UnexplainedActivity): Measure[] {
  const own = { memberKey, countsAt: occurredAt };
  const counted = { ...own, metric: `activities:${type}`, amount: 1n };
  if (type !== 'purchase') return [counted];
  const spent = { ...own, metric: 'spend', amount: amountMinor ?? 0n };
  return [counted, spent, { ...own, metric: 'orders', amount: 1n }];
}

function toActivity(
  ctx: RequestContext,
  program: PinnedProgram,
  input: RecordActivityInput,
  {
    memberKey,
    amount,
    orderLines,
  }: Pick<NewActivity, 'memberKey' | 'orderLines'> & { amount: bigint | null },
): UnexplainedActivity {
  return {
    tenantKey: ctx.tenantKey,
    activityKey: newKey(),
    memberKey,
    type: input.type,
    amountMinor: amount,
    currency: amount === null ? null : program.definition.currency,
    orderNumber: input.order?.number ?? null,
    orderLines,
    channel: input.source?.channel ?? null,
    store: input.source?.store ?? null,
    programVersion: program.version,
    refundsKey: null,
    facts: null,
    occurredAt: input.occurredAt ?? null,
  };
}

function duplicateOrder(error: unknown, { orderNumber }: Pick<Activity, 'orderNumber'>): Error | null {
  if (violatedConstraint(error) !== 'activity_order') return null;
  return refuse('DUPLICATE_ORDER', ['order', 'number'], { number: orderNumber ?? '' });
}
