import { emitEvents } from '../../events/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Transaction } from '../../persistence/index.ts';
import { mergeGrants } from '../benefits/index.ts';
import type { LedgerOperation, Posting, PostingContext } from '../ledgers/index.ts';
import { mergeLimits } from '../limits/index.ts';
import { refuseLong } from '../shared/index.ts';
import { type Member, MemberStatus } from './member.entity.ts';
import { MOST_TAGS } from './member.policy.ts';
import { changeTags, createMemberLoaders, lockByKey } from './member.repository.ts';
import { ledgersThen, type MemberServiceParts } from './member.service.ts';
import { ofMember } from './member-change.policy.ts';
import type { MergeMembersInput } from './member-merge.inputs.ts';
import { endInto, findAssets } from './member-merge.repository.ts';

const LONGEST_REASON = 500;

/** Two members after they became one. */
export interface Merged {
  /** Who stayed. */
  readonly member: Member;
  /** Who ended. */
  readonly merged: Member;
  /** What moved the balances; null where there was nothing to move. */
  readonly operation: LedgerOperation | null;
}

interface Pair {
  readonly from: string;
  readonly into: string;
  readonly operationKey: string;
}

/** Makes one member of two. */
export class MemberMergeService {
  readonly #parts: MemberServiceParts;

  constructor(parts: MemberServiceParts) {
    this.#parts = parts;
  }

  /**
   * Moves all that one member has to another: identities, balances with their lots, what they were granted,
   * what counts toward tiers and limits, and tags. It runs alone in its tenant, so nothing is posted to the
   * one who ends meanwhile.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, SELF_MERGE, MEMBER_HAS_HOLDS,
   *   TOO_MANY_TAGS, BALANCE_OUT_OF_RANGE, TEXT_TOO_LONG, NO_PROGRAM
   */
  async merge(ctx: RequestContext, input: MergeMembersInput): Promise<Merged> {
    const { useCases, listener } = this.#parts;
    const { result, written } = await useCases.run<Pair, Pair, Merged>(ctx, {
      mutation: 'mergeMembers',
      input,
      isAlone: true,
      propose: async () => toPair(input),
      stored: (pair) => pair,
      commit: (tx, pair, program, facts) =>
        this.#commit(tx, { tenantKey: ctx.tenantKey, program, facts }, pair, input.reason ?? null),
      replay: (pair) => this.#replayed(ctx, pair),
    });
    if (written) listener.posted(ctx.tenantKey);
    return { ...result, member: withLedgers(result.member, result.operation) };
  }

  async #commit(
    tx: Transaction,
    context: PostingContext,
    { from, into, operationKey }: Pair,
    reason: string | null,
  ): Promise<Merged> {
    const { tenantKey, program } = context;
    const [{ now }, ending, staying, assets] = await Promise.all([
      context.facts,
      lockByKey(tx, tenantKey, from),
      lockByKey(tx, tenantKey, into),
      findAssets(tx, tenantKey, from),
    ]);
    const before = activeOr(ending, 'fromMemberId');
    const other = activeOr(staying, 'intoMemberId');
    const postings = assets.map((asset): Posting => {
      const parties = { memberKey: from, toMemberKey: into, memberField: ['fromMemberId'] };
      const shown = { reason, reference: null, explanation: null, activityKey: null, occurredAt: null };
      return { operationKey, kind: 'MERGE', ...parties, asset, amount: 0n, whole: true, ...shown };
    });
    const { operations } = await this.#parts.writer.post(tx, context, postings);
    const moved = { memberKey: into, add: before.tagCodes, remove: [] };
    const tagCodes = (await changeTags(tx, tenantKey, [moved])).get(into) ?? [];
    if (tagCodes.length > MOST_TAGS) throw refuse('TOO_MANY_TAGS', ['intoMemberId'], { most: MOST_TAGS });
    await Promise.all([
      mergeLimits(tx, tenantKey, from, into),
      mergeGrants(tx, tenantKey, from, into),
      endInto(tx, tenantKey, from, into),
    ]);
    await this.#parts.tiers.merge(tx, context, from, into);
    emitEvents(tx, tenantKey, [
      ofMember('MERGED', from, { other: into }),
      ofMember('TOOK_OVER', into, { other: from }),
    ]);
    const tierThen = this.#parts.tiers.tierAfter(tx, program, into);
    const merged = { ...before, status: MemberStatus.MERGED, mergedIntoKey: into, updatedAt: now };
    return {
      member: { ...other, tagCodes, tierThen, updatedAt: now },
      merged: { ...merged, tierThen: null, ledgersThen: new Map() },
      operation: operations[0] ?? null,
    };
  }

  async #replayed(ctx: RequestContext, { from, into, operationKey }: Pair): Promise<Merged> {
    const { database, ledgers } = this.#parts;
    const loaders = createMemberLoaders(database.read(ctx.tenantKey), ctx.tenantKey);
    const [merged, member, operations] = await Promise.all([
      loaders.member.load(from),
      loaders.member.load(into),
      ledgers.operations(ctx, [operationKey]),
    ]);
    if (merged === null || member === null) throw new Error('A member of a stored result is missing.');
    return { member, merged, operation: operations[0] ?? null };
  }
}

function toPair({ fromMemberId, intoMemberId, reason }: MergeMembersInput): Pair {
  refuseLong(reason, LONGEST_REASON, ['reason']);
  const from = fromPublicId('member', fromMemberId);
  const into = fromPublicId('member', intoMemberId);
  if (from === null) throw refuse('MEMBER_NOT_FOUND', ['fromMemberId']);
  if (into === null) throw refuse('MEMBER_NOT_FOUND', ['intoMemberId']);
  if (from === into) throw refuse('SELF_MERGE', ['intoMemberId']);
  return { from, into, operationKey: newKey() };
}

/** @throws Refusal MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE */
function activeOr(member: Member | null, field: string): Member {
  if (member === null) throw refuse('MEMBER_NOT_FOUND', [field]);
  const { status } = member;
  if (status !== MemberStatus.ACTIVE) throw refuse('MEMBER_NOT_ACTIVE', [field], { status });
  return member;
}

/** After the commit the entries know their feed positions, and so must the ledgers made from them. */
function withLedgers(member: Member, operation: LedgerOperation | null): Member {
  if (operation === null) return member;
  const own = (operation.writtenEntries ?? []).filter(({ memberKey }) => memberKey === member.memberKey);
  return { ...member, ledgersThen: ledgersThen([{ ...operation, writtenEntries: own }]) };
}
