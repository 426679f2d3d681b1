import type { FeedListener } from '../../events/index.ts';
import { Refusal } from '../../kernel/errors.ts';
import { newKey, toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import type { LedgerService } from '../ledgers/index.ts';
import { createMemberLoaders, ledgersThen } from '../members/index.ts';
import type { UseCase, UseCaseRunner } from '../programs/index.ts';
import { operationKeysOf } from '../rules/index.ts';
import { refuseLongSource } from '../shared/index.ts';
import { findTierAt } from '../tiers/index.ts';
import type { RecordActivityInput } from './activity.inputs.ts';
import { REFUND, refuseBadMoment, refuseBadType } from './activity.policy.ts';
import { findActivity, findTotals } from './activity.repository.ts';
import { MemberFinder } from './member-finder.ts';
import type { Recorded, RecordOptions } from './recorded.ts';
import {
  type ActivityProposal,
  Recording,
  type RecordingParts,
  type StoredActivity,
  toStored,
} from './recording.ts';
import { RecordingTogether } from './recording-together.ts';
import { Refunding, type RefundingParts, type RefundProposal } from './refunding.ts';

const MOST_TRIES = 3;

type ActivityCase<Proposal> = UseCase<Proposal, StoredActivity, Recorded>;

export interface ActivityServiceParts extends Omit<RecordingParts, 'finder'>, Omit<RefundingParts, 'finder'> {
  readonly database: Database;
  readonly useCases: UseCaseRunner;
  readonly ledgers: LedgerService;
  readonly listener: FeedListener;
}

/** Use cases on activities: the way from what a member did to what it gives, and back. */
export class ActivityService {
  readonly #parts: ActivityServiceParts;
  readonly #recording: Recording;
  readonly #together: RecordingTogether;
  readonly #refunding: Refunding;

  constructor(parts: ActivityServiceParts) {
    const finder = new MemberFinder(parts.database);
    this.#parts = parts;
    this.#recording = new Recording({ ...parts, finder });
    this.#together = new RecordingTogether(parts, this.#recording, this.record.bind(this));
    this.#refunding = new Refunding({ ...parts, finder });
  }

  /**
   * Records what a member did and posts what the rules give for it; a refund takes back what its purchase
   * gave.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_OR_IDENTITY, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE,
   *   ACTIVITY_TYPE_INVALID, ACTIVITY_TYPE_RESERVED, DUPLICATE_ORDER, CURRENCY_MISMATCH, MONEY_INVALID,
   *   ORDER_INVALID, ORDER_TOTAL_MISMATCH, OCCURRED_IN_FUTURE, OCCURRED_TOO_OLD, NO_PROGRAM, for a refund
   *   what `Refunding` throws, and for an unknown identity what `Enrolment.propose` throws
   */
  async record(
    ctx: RequestContext,
    input: RecordActivityInput,
    options: RecordOptions = {},
  ): Promise<Recorded> {
    refuseBadType(input.type, options.isOwn === true);
    refuseLongSource(input.source);
    for (let tries = 1; ; tries += 1) {
      try {
        const useCase =
          input.type === REFUND ? this.#refund(ctx, input) : this.#activity(ctx, input, options);
        return await useCase;
      } catch (error) {
        // Somebody enrolled the same unknown identity meanwhile: now it is known.
        const isRace =
          error instanceof Refusal && error.reasons.some(({ code }) => code === 'IDENTITY_TAKEN');
        if (!isRace || tries === MOST_TRIES) throw error;
      }
    }
  }

  /**
   * Records many activities of a tenant in few transactions, those of one member in their order; what comes
   * of each is what `record` would have made of it.
   * @returns for each of them why it was refused; null where it is recorded, now or before
   */
  async recordAll(
    ctx: RequestContext,
    inputs: readonly RecordActivityInput[],
    options: RecordOptions = {},
  ): Promise<(Refusal | null)[]> {
    return await this.#together.recordAll(ctx, inputs, options);
  }

  /** Records what happens to a member without their doing: a birthday, a change of tier. */
  async recordOwn(
    tenantKey: string,
    own: { readonly idempotencyKey: string; readonly memberKey: string; readonly type: string },
  ): Promise<void> {
    const caller = { role: 'STAFF', memberKey: null, subject: 'membergraph', expiresAt: null } as const;
    const ctx: RequestContext = { requestId: newKey(), tenantKey, caller, language: 'en' };
    const { idempotencyKey, memberKey, type } = own;
    const input = { idempotencyKey, memberId: toPublicId('member', memberKey), type };
    await this.record(ctx, input, { isOwn: true });
  }

  #activity(ctx: RequestContext, input: RecordActivityInput, options: RecordOptions): Promise<Recorded> {
    const { isImport = false } = options;
    return this.#run<ActivityProposal>(ctx, input, {
      propose: async (program) => {
        const known = await this.#recording.look(ctx, program, [input], options);
        return await this.#recording.propose(ctx, program, input, known);
      },
      stored: toStored,
      commit: async (tx, proposal, program, facts) => {
        const context = { tenantKey: ctx.tenantKey, program, facts };
        const look = await this.#recording.commit(tx, context, [proposal], (now) =>
          refuseBadMoment(input, now, program, isImport),
        );
        const [recorded] = look();
        if (recorded === undefined) throw new Error('Nothing was recorded.');
        return recorded;
      },
    });
  }

  #refund(ctx: RequestContext, input: RecordActivityInput): Promise<Recorded> {
    return this.#run<RefundProposal>(ctx, input, {
      propose: (program) => this.#refunding.propose(ctx, program, input),
      stored: ({ activity }) => ({ activity: activity.activityKey }),
      commit: (tx, proposal, program, facts) =>
        this.#refunding.commit(tx, { tenantKey: ctx.tenantKey, program, facts }, proposal, (now) =>
          refuseBadMoment(input, now, program, false),
        ),
    });
  }

  async #run<Proposal>(
    ctx: RequestContext,
    input: RecordActivityInput,
    phases: Pick<ActivityCase<Proposal>, 'propose' | 'stored' | 'commit'>,
  ): Promise<Recorded> {
    const { useCases, listener } = this.#parts;
    const { result, written } = await useCases.run<Proposal, StoredActivity, Recorded>(ctx, {
      mutation: 'recordActivity',
      input,
      ...phases,
      replay: (stored) => this.#replayed(ctx, stored),
    });
    if (written) listener.posted(ctx.tenantKey);
    // After the commit the entries know their feed positions, and so do the ledgers made from them.
    return { ...result, member: { ...result.member, ledgersThen: ledgersThen(result.operations) } };
  }

  async #replayed(ctx: RequestContext, stored: StoredActivity): Promise<Recorded> {
    const { ledgers } = this.#parts;
    const sql = this.#parts.database.read(ctx.tenantKey);
    const { activity: activityKey, operations: keys, possible } = stored;
    const [activity, operations] = await Promise.all([
      findActivity(sql, ctx.tenantKey, activityKey),
      keys === undefined
        ? ledgers.operationsOf(ctx, activityKey)
        : ledgers.operations(ctx, operationKeysOf({ operations: keys, possible: possible ?? [] })),
    ]);
    if (activity === null) throw new Error('A stored result refers to an activity that is missing.');
    const member = await createMemberLoaders(sql, ctx.tenantKey).member.load(activity.memberKey);
    if (member === null) throw new Error('An activity refers to a member who is missing.');
    const program = await this.#parts.programs.inForce(ctx.tenantKey);
    const when = { memberKey: member.memberKey, at: activity.recordedAt };
    const tierThen = await findTierAt(sql, ctx.tenantKey, program, when);
    return { activity, member: { ...member, tierThen }, operations };
  }

  /** How many members and activities a tenant has, and how much of an asset they hold. */
  async totals(
    tenantKey: string,
    asset: string,
  ): Promise<{ members: bigint; activities: bigint; points: bigint }> {
    return await findTotals(this.#parts.database.read(tenantKey), tenantKey, asset);
  }
}
