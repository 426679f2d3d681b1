import { Refusal, refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { type Database, type Transaction, violatedConstraint } from '../../persistence/index.ts';
import {
  type LedgerOperation,
  type LedgerService,
  type LedgerWriter,
  type Posting,
  type PostingListener,
} from '../ledgers/index.ts';
import {
  createMemberLoaders,
  type Enrolment,
  type EnrolmentProposal,
  findByIdentity,
  ledgersThen,
  type Member,
  normaliseIdentity,
} from '../members/index.ts';
import type { CommitFacts, PinnedProgram, UseCaseRunner } from '../programs/index.ts';
import { askRules } from '../rules/index.ts';
import { refuseLongSource } from '../shared/index.ts';
import type { Activity } from './activity.entity.ts';
import type { RecordActivityInput } from './activity.inputs.ts';
import { refuseBadMoment, refuseBadType, toAmount, toOrderLines } from './activity.policy.ts';
import { findActivity, findTotals, insertNew, type NewActivity } from './activity.repository.ts';

const MOST_TRIES = 3;

/** An activity, whose it is and what the rules gave for it. */
export interface Recorded {
  readonly activity: Activity;
  readonly member: Member;
  readonly operations: readonly LedgerOperation[];
}

interface StoredActivity {
  readonly activity: string;
  readonly member: string;
  readonly operations: readonly string[];
}

interface ActivityProposal {
  readonly activity: NewActivity;
  /** The member, or how they will be enrolled. */
  readonly member: Member | null;
  readonly enrolment: EnrolmentProposal | null;
  readonly postings: readonly Posting[];
}

export interface ActivityServiceParts {
  readonly database: Database;
  readonly useCases: UseCaseRunner;
  readonly ledgers: LedgerService;
  readonly writer: LedgerWriter;
  readonly enrolment: Enrolment;
  readonly listener: PostingListener;
}

/** Use cases on activities: the way from what a member did to what it gives. */
export class ActivityService {
  readonly #parts: ActivityServiceParts;

  constructor(parts: ActivityServiceParts) {
    this.#parts = parts;
  }

  /**
   * Records what a member did and posts what the rules give for it.
   * @param options `isImport`: history, exempt from the program's back-dating limit
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_OR_IDENTITY, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE,
   *   ACTIVITY_TYPE_INVALID, ACTIVITY_TYPE_RESERVED, DUPLICATE_ORDER, CURRENCY_MISMATCH, MONEY_INVALID,
   *   ORDER_INVALID, ORDER_TOTAL_MISMATCH, OCCURRED_IN_FUTURE, OCCURRED_TOO_OLD, NO_PROGRAM, and for an
   *   unknown identity what `Enrolment.propose` throws
   */
  async record(
    ctx: RequestContext,
    input: RecordActivityInput,
    { isImport = false }: { isImport?: boolean } = {},
  ): Promise<Recorded> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#recordOnce(ctx, input, isImport);
      } catch (error) {
        // Somebody enrolled the same unknown identity meanwhile: now it is known.
        const isRace =
          error instanceof Refusal && error.reasons.some(({ code }) => code === 'IDENTITY_TAKEN');
        if (!isRace || tries === MOST_TRIES) throw error;
      }
    }
  }

  async #recordOnce(ctx: RequestContext, input: RecordActivityInput, isImport: boolean): Promise<Recorded> {
    const { useCases, listener } = this.#parts;
    const { result, written } = await useCases.run<ActivityProposal, StoredActivity, Recorded>(ctx, {
      mutation: 'recordActivity',
      input,
      propose: (program) => this.#propose(ctx, program, input),
      stored: ({ activity, postings }) => ({
        activity: activity.activityKey,
        member: activity.memberKey,
        operations: postings.map(({ operationKey }) => operationKey),
      }),
      commit: (tx, proposal, program, facts) =>
        this.#commit(tx, proposal, program, facts, (now) =>
          refuseBadMoment(input, now, program, isImport),
        ).catch((error: unknown) => {
          throw duplicateOrder(error, proposal.activity) ?? error;
        }),
      replay: (stored) => this.#replayed(ctx, stored),
    });
    if (written) listener.posted(ctx.tenantKey, [result.member.memberKey]);
    // After the commit the entries know their feed positions, and so do the ledgers made from them.
    return { ...result, member: { ...result.member, ledgersThen: ledgersThen(result.operations) } };
  }

  async #commit(
    tx: Transaction,
    proposal: ActivityProposal,
    program: PinnedProgram,
    facts: CommitFacts,
    refuseMoment: (now: Date) => void,
  ): Promise<Recorded> {
    const { enrolment, writer } = this.#parts;
    const context = { tenantKey: proposal.activity.tenantKey, program, facts };
    const [{ now }, enrolled, , { operations }] = await Promise.all([
      facts.then((known) => {
        refuseMoment(known.now);
        return known;
      }),
      proposal.enrolment === null ? null : enrolment.commit(tx, proposal.enrolment, program, facts),
      insertNew(tx, proposal.activity),
      writer.post(tx, context, proposal.postings),
    ]);
    const member = enrolled ?? proposal.member;
    if (member === null) throw new Error('An activity has no member.');
    const occurredAt = proposal.activity.occurredAt ?? now;
    return { activity: { ...proposal.activity, occurredAt, recordedAt: now }, member, operations };
  }

  async #propose(
    ctx: RequestContext,
    program: PinnedProgram,
    input: RecordActivityInput,
  ): Promise<ActivityProposal> {
    refuseBadType(input.type);
    refuseLongSource(input.source);
    const amount = toAmount(input.amount, program, ['amount']);
    const orderLines = toOrderLines(input.order, amount, program);
    const member = await this.#findMember(ctx, input);
    const enrolment = member === null ? await this.#proposeEnrolment(ctx, program, input) : null;
    const memberKey = member?.memberKey ?? enrolment?.member.memberKey ?? '';
    const { credits, explanations } = askRules(program, { trigger: input.type, amount });
    const activity: NewActivity = {
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
      storedExplanations: [...explanations],
      programVersion: program.version,
      occurredAt: input.occurredAt ?? null,
    };
    const postings = credits.map(
      ({ asset, amount: given, availableAfter, explanation }): Posting => ({
        operationKey: newKey(),
        kind: 'EARN',
        memberKey,
        asset,
        amount: given,
        occurredAt: activity.occurredAt,
        availableAfter,
        reason: input.type,
        reference: activity.orderNumber === null ? null : { type: 'order', id: activity.orderNumber },
        explanation,
        activityKey: activity.activityKey,
      }),
    );
    return { activity, member, enrolment, postings: [...(enrolment?.postings ?? []), ...postings] };
  }

  /** @returns null for an unknown identity that may be enrolled */
  async #findMember(
    ctx: RequestContext,
    { memberId, identity, enrolIfUnknown }: RecordActivityInput,
  ): Promise<Member | null> {
    const sql = this.#parts.database.read(ctx.tenantKey);
    const byId = memberId !== null && memberId !== undefined;
    const byIdentity = identity !== null && identity !== undefined;
    if (byId === byIdentity) throw refuse('MEMBER_OR_IDENTITY', ['memberId']);
    if (byId) {
      const key = fromPublicId('member', memberId);
      const member = key === null ? null : await createMemberLoaders(sql, ctx.tenantKey).member.load(key);
      if (member === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
      return refuseInactive(member);
    }
    if (!byIdentity) return null;
    const value = normaliseIdentity(identity.kind, identity.value);
    if (value === null) throw refuse('IDENTITY_INVALID', ['identity', 'value'], { kind: identity.kind });
    const member = await findByIdentity(sql, ctx.tenantKey, { kind: identity.kind, value });
    if (member !== null) return refuseInactive(member);
    if (enrolIfUnknown !== true) throw refuse('MEMBER_NOT_FOUND', ['identity']);
    return null;
  }

  async #proposeEnrolment(
    ctx: RequestContext,
    program: PinnedProgram,
    { identity, source, idempotencyKey, dryRun }: RecordActivityInput,
  ): Promise<EnrolmentProposal> {
    const identities = identity === null || identity === undefined ? [] : [identity];
    return await this.#parts.enrolment.propose(ctx, program, { idempotencyKey, identities, source, dryRun });
  }

  async #replayed(ctx: RequestContext, stored: StoredActivity): Promise<Recorded> {
    const sql = this.#parts.database.read(ctx.tenantKey);
    const [activity, member, operations] = await Promise.all([
      findActivity(sql, ctx.tenantKey, stored.activity),
      createMemberLoaders(sql, ctx.tenantKey).member.load(stored.member),
      this.#parts.ledgers.operations(ctx, stored.operations),
    ]);
    if (activity === null || member === null) throw new Error('A stored result refers to what is missing.');
    return { activity, member, operations };
  }

  /** How many members and activities a tenant has, and how much of an asset they hold. */
  async totals(
    tenantKey: string,
    asset: string,
  ): Promise<{ members: bigint; activities: bigint; points: bigint }> {
    return await findTotals(this.#parts.database.read(tenantKey), tenantKey, asset);
  }
}

function refuseInactive(member: Member): Member {
  if (member.status !== 'ACTIVE') throw refuse('MEMBER_NOT_ACTIVE', ['memberId'], { status: member.status });
  return member;
}

function duplicateOrder(error: unknown, { orderNumber }: NewActivity): Refusal | null {
  if (violatedConstraint(error) !== 'activity_order') return null;
  return refuse('DUPLICATE_ORDER', ['order', 'number'], { number: orderNumber ?? '' });
}
