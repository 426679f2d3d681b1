import { emitEvents, type FeedListener } from '../../events/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { fromPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import {
  emptyLedger,
  type Ledger,
  type LedgerOperation,
  type LedgerService,
  type LedgerWriter,
  ledgerAfter,
} from '../ledgers/index.ts';
import type { PinnedProgram, ProgramService, UseCaseRunner } from '../programs/index.ts';
import {
  operationKeysOf,
  type RuleEffects,
  type StoredOperations,
  storedOperations,
  whenKnown,
} from '../rules/index.ts';
import { findTierAt, type TierTracker } from '../tiers/index.ts';
import { readTags, readUpdate } from './asked-change.policy.ts';
import { askAboutChange, type ChangeAskingParts, type ChangeRequest, refuseGone } from './change-asking.ts';
import type { Enrolment, EnrolmentProposal, ExistingMember } from './enrolment.ts';
import type { Member } from './member.entity.ts';
import type { ChangeTagsInput, CreateMemberInput, UpdateMemberInput } from './member.inputs.ts';
import { MOST_TAGS, normaliseIdentities, toTags } from './member.policy.ts';
import { addIdentities, changeTags, createMemberLoaders, lockByKey, update } from './member.repository.ts';
import { type Additions, tagsWithAdditions, withAdditions } from './member-addition.policy.ts';
import { eventsOfChange, updated } from './member-change.policy.ts';

/** A new member and what enrolling gave them. */
export interface Enrolled {
  readonly member: Member;
  readonly operations: readonly LedgerOperation[];
}

interface StoredEnrolment extends StoredOperations {
  readonly member: string;
  /** An extension named them: nothing was written. */
  readonly isExisting?: boolean;
}

type Enrolling = EnrolmentProposal | ExistingMember;

function toStored(enrolling: Enrolling): StoredEnrolment {
  if ('existing' in enrolling) {
    return { member: enrolling.existing.memberKey, operations: [], isExisting: true };
  }
  return { member: enrolling.member.memberKey, ...storedOperations(enrolling.proposals) };
}

/** What services of members stand on. */
export interface MemberServiceParts extends ChangeAskingParts {
  readonly database: Database;
  readonly programs: ProgramService;
  readonly useCases: UseCaseRunner;
  readonly ledgers: LedgerService;
  readonly writer: LedgerWriter;
  readonly enrolment: Enrolment;
  readonly effects: RuleEffects;
  readonly tiers: TierTracker;
  readonly listener: FeedListener;
}

/** Use cases on members. */
export class MemberService {
  readonly #parts: MemberServiceParts;

  constructor(parts: MemberServiceParts) {
    this.#parts = parts;
  }

  /**
   * Enrols a member, with what the program's enrolment rules and extensions give; or answers with the
   * existing member whom an extension names.
   * @throws Refusal IDEMPOTENCY_CONFLICT, IDENTITY_TAKEN, NO_PROGRAM, and what `Enrolment.propose` throws
   */
  async create(ctx: RequestContext, input: CreateMemberInput): Promise<Enrolled> {
    const { effects, enrolment, writer, useCases, listener } = this.#parts;
    const { result, written } = await useCases.run<Enrolling, StoredEnrolment, Enrolled>(ctx, {
      mutation: 'createMember',
      input,
      propose: (program) => enrolment.propose(ctx, program, input),
      stored: toStored,
      commit: async (tx, proposal, program, facts) => {
        if ('existing' in proposal) {
          await facts;
          return { member: proposal.existing, operations: [] };
        }
        const newcomers = new Set([proposal.member.memberKey]);
        const context = { tenantKey: ctx.tenantKey, program, facts, newcomers };
        const results = effects.settle(tx, context, [enrolment.occasionOf(proposal)]);
        const [[member], { operations }] = await Promise.all([
          enrolment.commit(tx, context, [proposal], results),
          whenKnown(results, ([given]) => writer.post(tx, context, given?.postings ?? [])),
        ]);
        if (member === undefined) throw new Error('An enrolment has no member.');
        const tierThen = this.#parts.tiers.tierAfter(tx, program, member.memberKey);
        const ledgersThen = ledgersOfNewMember(member, program, operations);
        return { member: { ...member, tierThen, ledgersThen }, operations };
      },
      replay: (stored) => this.#replayed(ctx, stored),
    });
    if (written) listener.posted(ctx.tenantKey);
    return refreshed(result);
  }

  /**
   * Changes a member.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, IDENTITY_TAKEN,
   *   EXTENSION_REFUSED, EXTENSION_UNAVAILABLE, and what `propose` of an enrolment throws about single fields
   */
  async update(ctx: RequestContext, input: UpdateMemberInput): Promise<Member> {
    const memberKey = fromPublicId('member', input.memberId);
    if (memberKey === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
    const { useCases, listener } = this.#parts;
    const { result, written } = await useCases.run<Additions, { member: string }, Member>(ctx, {
      mutation: 'updateMember',
      input,
      propose: (program) =>
        this.#ask(ctx, program, {
          ...{ memberKey, idempotencyKey: input.idempotencyKey, dryRun: input.dryRun },
          read: (before, now) => readUpdate(before, input, now, program.definition.timeZone),
        }),
      stored: () => ({ member: memberKey }),
      commit: async (tx, additions, program, facts) => {
        const [{ now }, before] = await Promise.all([facts, lockByKey(tx, ctx.tenantKey, memberKey)]);
        if (before === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
        refuseGone(before);
        const { timeZone } = program.definition;
        const after = withAdditions(updated(before, input, now, timeZone), additions, { now, timeZone });
        const added = normaliseIdentities(input.addIdentities ?? [], 'addIdentities');
        const context = { tenantKey: ctx.tenantKey, program, facts };
        const [, taken] = await Promise.all([
          update(tx, after),
          addIdentities(
            tx,
            ctx.tenantKey,
            added.map((identity) => ({ ...identity, memberKey })),
          ),
          isSame(before.tagCodes, after.tagCodes)
            ? null
            : this.#parts.tiers.tagsChanged(tx, context, [memberKey]),
        ]);
        const [first] = taken;
        if (first !== undefined) throw refuse('IDENTITY_TAKEN', ['addIdentities', String(first)]);
        emitEvents(tx, ctx.tenantKey, eventsOfChange(before, after, input));
        return after;
      },
      replay: ({ member }) => this.#found(ctx, member),
    });
    if (written) listener.posted(ctx.tenantKey);
    return result;
  }

  /**
   * Adds and removes tags; what is neither named stays.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, TAG_INVALID, TOO_MANY_TAGS, EXTENSION_REFUSED,
   *   EXTENSION_UNAVAILABLE
   */
  async changeTags(ctx: RequestContext, input: ChangeTagsInput): Promise<Member> {
    const memberKey = fromPublicId('member', input.memberId);
    if (memberKey === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
    const add = toTags(input.add, 'add');
    const remove = toTags(input.remove, 'remove');
    const { useCases, listener } = this.#parts;
    const { result, written } = await useCases.run<Additions, { member: string }, Member>(ctx, {
      mutation: 'changeTags',
      input,
      propose: (program) =>
        this.#ask(ctx, program, {
          ...{ memberKey, idempotencyKey: input.idempotencyKey, dryRun: input.dryRun },
          read: (before) => readTags(before, { add, remove }),
        }),
      stored: () => ({ member: memberKey }),
      commit: async (tx, additions, program, facts) => {
        const change = { ...tagsWithAdditions({ add, remove }, additions), memberKey };
        const [before, changed] = await Promise.all([
          lockByKey(tx, ctx.tenantKey, memberKey),
          changeTags(tx, ctx.tenantKey, [change]),
          this.#parts.tiers.tagsChanged(tx, { tenantKey: ctx.tenantKey, program, facts }, [memberKey]),
        ]);
        if (before === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
        const tagCodes = changed.get(memberKey) ?? [];
        if (tagCodes.length > MOST_TAGS) throw refuse('TOO_MANY_TAGS', ['add'], { most: MOST_TAGS });
        const tagged = { ...before, tagCodes };
        if (additions.every(({ output: { profile, attributes } }) => !profile && !attributes)) return tagged;
        const { now } = await facts;
        const { timeZone } = program.definition;
        const after = { ...withAdditions(tagged, additions, { now, timeZone }), tagCodes, updatedAt: now };
        await update(tx, after);
        emitEvents(tx, ctx.tenantKey, eventsOfChange(tagged, after, {}));
        return after;
      },
      replay: ({ member }) => this.#found(ctx, member),
    });
    if (written) listener.posted(ctx.tenantKey);
    return result;
  }

  #ask(ctx: RequestContext, program: PinnedProgram, request: ChangeRequest): Promise<Additions> {
    return askAboutChange(this.#parts, ctx.tenantKey, program, request);
  }

  async #replayed(ctx: RequestContext, stored: StoredEnrolment): Promise<Enrolled> {
    const { ledgers, programs } = this.#parts;
    if (stored.isExisting === true) return { member: await this.#found(ctx, stored.member), operations: [] };
    const [member, operations, program] = await Promise.all([
      this.#found(ctx, stored.member),
      ledgers.operations(ctx, operationKeysOf(stored)),
      programs.inForce(ctx.tenantKey),
    ]);
    const sql = this.#parts.database.read(ctx.tenantKey);
    const when = { memberKey: member.memberKey, at: member.enrolledAt };
    const tierThen = await findTierAt(sql, ctx.tenantKey, program, when);
    return {
      member: { ...member, tierThen, ledgersThen: ledgersOfNewMember(member, program, operations) },
      operations,
    };
  }

  async #found(ctx: RequestContext, memberKey: string): Promise<Member> {
    const { member } = createMemberLoaders(this.#parts.database.read(ctx.tenantKey), ctx.tenantKey);
    const found = await member.load(memberKey);
    if (found === null) throw new Error(`The member ${memberKey} of a stored result is missing.`);
    return found;
  }
}

/** The ledgers as operations left them, by asset. */
export function ledgersThen(operations: readonly LedgerOperation[]): Map<string, Ledger> {
  const entries = operations.flatMap(({ writtenEntries }) => writtenEntries ?? []);
  return new Map(entries.map((entry) => [entry.assetCode, ledgerAfter(entry)]));
}

function ledgersOfNewMember(
  { tenantKey, memberKey }: Member,
  program: PinnedProgram,
  operations: readonly LedgerOperation[],
): Map<string, Ledger> {
  const empty = program.definition.assets.map(({ code }): [string, Ledger] => [
    code,
    emptyLedger(tenantKey, memberKey, code),
  ]);
  return new Map([...empty, ...ledgersThen(operations)]);
}

/** After the commit the entries know their feed positions, and so must the ledgers made from them. */
function refreshed({ member, operations }: Enrolled): Enrolled {
  const ledgers = new Map([...(member.ledgersThen ?? []), ...ledgersThen(operations)]);
  return { member: { ...member, ledgersThen: ledgers }, operations };
}

function isSame(before: readonly string[], after: readonly string[]): boolean {
  return before.length === after.length && before.every((code, index) => code === after[index]);
}
