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
  type PostingListener,
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
import type { Enrolment, EnrolmentProposal } from './enrolment.ts';
import { type Member, MemberStatus } from './member.entity.ts';
import type { ChangeTagsInput, CreateMemberInput, UpdateMemberInput } from './member.inputs.ts';
import { MOST_TAGS, normaliseIdentities, toTags } from './member.policy.ts';
import { addIdentities, changeTags, createMemberLoaders, lockByKey, update } from './member.repository.ts';
import { updated } from './member-change.policy.ts';

/** A new member and what enrolling gave them. */
export interface Enrolled {
  readonly member: Member;
  readonly operations: readonly LedgerOperation[];
}

interface StoredEnrolment extends StoredOperations {
  readonly member: string;
}

/** What services of members stand on. */
export interface MemberServiceParts {
  readonly database: Database;
  readonly programs: ProgramService;
  readonly useCases: UseCaseRunner;
  readonly ledgers: LedgerService;
  readonly writer: LedgerWriter;
  readonly enrolment: Enrolment;
  readonly effects: RuleEffects;
  readonly tiers: TierTracker;
  readonly listener: PostingListener;
}

/** Use cases on members. */
export class MemberService {
  readonly #parts: MemberServiceParts;

  constructor(parts: MemberServiceParts) {
    this.#parts = parts;
  }

  /**
   * Enrols a member, with what the program's enrolment rules give.
   * @throws Refusal IDEMPOTENCY_CONFLICT, IDENTITY_TAKEN, NO_PROGRAM, and what `Enrolment.propose` throws
   */
  async create(ctx: RequestContext, input: CreateMemberInput): Promise<Enrolled> {
    const { effects, enrolment, writer, useCases, listener } = this.#parts;
    const { result, written } = await useCases.run<EnrolmentProposal, StoredEnrolment, Enrolled>(ctx, {
      mutation: 'createMember',
      input,
      propose: (program) => enrolment.propose(ctx, program, input),
      stored: ({ member, proposals }) => ({
        member: member.memberKey,
        ...storedOperations(proposals),
      }),
      commit: async (tx, proposal, program, facts) => {
        const context = { tenantKey: ctx.tenantKey, program, facts };
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
    if (written) listener.posted(ctx.tenantKey, [result.member.memberKey]);
    return refreshed(result);
  }

  /**
   * Changes a member.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, IDENTITY_TAKEN, and what `propose` of an
   *   enrolment throws about single fields
   */
  async update(ctx: RequestContext, input: UpdateMemberInput): Promise<Member> {
    const memberKey = fromPublicId('member', input.memberId);
    if (memberKey === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
    const { result } = await this.#parts.useCases.run<string, { member: string }, Member>(ctx, {
      mutation: 'updateMember',
      input,
      propose: async () => memberKey,
      stored: () => ({ member: memberKey }),
      commit: async (tx, key, program, facts) => {
        const [{ now }, before] = await Promise.all([facts, lockByKey(tx, ctx.tenantKey, key)]);
        if (before === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
        if (before.status === MemberStatus.MERGED || before.status === MemberStatus.ERASED) {
          throw refuse('MEMBER_NOT_ACTIVE', ['memberId'], { status: before.status });
        }
        const after = updated(before, input, now, program.definition.timeZone);
        const added = normaliseIdentities(input.addIdentities ?? [], 'addIdentities');
        const context = { tenantKey: ctx.tenantKey, program, facts };
        const [, taken] = await Promise.all([
          update(tx, after),
          addIdentities(
            tx,
            ctx.tenantKey,
            added.map((identity) => ({ ...identity, memberKey: key })),
          ),
          isSame(before.tagCodes, after.tagCodes) ? null : this.#parts.tiers.tagsChanged(tx, context, [key]),
        ]);
        const [first] = taken;
        if (first !== undefined) throw refuse('IDENTITY_TAKEN', ['addIdentities', String(first)]);
        return after;
      },
      replay: ({ member }) => this.#found(ctx, member),
    });
    return result;
  }

  /**
   * Adds and removes tags; what is neither named stays.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, TAG_INVALID, TOO_MANY_TAGS
   */
  async changeTags(ctx: RequestContext, input: ChangeTagsInput): Promise<Member> {
    const memberKey = fromPublicId('member', input.memberId);
    if (memberKey === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
    const add = toTags(input.add, 'add');
    const remove = toTags(input.remove, 'remove');
    const { result } = await this.#parts.useCases.run<string, { member: string }, Member>(ctx, {
      mutation: 'changeTags',
      input,
      propose: async () => memberKey,
      stored: () => ({ member: memberKey }),
      commit: async (tx, key, program, facts) => {
        const [before, changed] = await Promise.all([
          lockByKey(tx, ctx.tenantKey, key),
          changeTags(tx, ctx.tenantKey, [{ memberKey: key, add, remove }]),
          this.#parts.tiers.tagsChanged(tx, { tenantKey: ctx.tenantKey, program, facts }, [key]),
        ]);
        if (before === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
        const tagCodes = changed.get(key) ?? [];
        if (tagCodes.length > MOST_TAGS) throw refuse('TOO_MANY_TAGS', ['add'], { most: MOST_TAGS });
        return { ...before, tagCodes };
      },
      replay: ({ member }) => this.#found(ctx, member),
    });
    return result;
  }

  async #replayed(ctx: RequestContext, stored: StoredEnrolment): Promise<Enrolled> {
    const { ledgers, programs } = this.#parts;
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
