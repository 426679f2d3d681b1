import { refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey, toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database, Transaction } from '../../persistence/index.ts';
import type { GrantWriter } from '../benefits/index.ts';
import {
  type AskedTier,
  type ExpressionFacts,
  restoreFacts,
  toFacts,
  toOrderFacts,
} from '../expressions/index.ts';
import {
  type EarnedByActivity,
  type LedgerOperation,
  LedgerReads,
  type LedgerWriter,
  type Measure,
  type Posting,
  type PostingContext,
  type StoredExplanation,
} from '../ledgers/index.ts';
import { changeTagsAndTiers, type Member } from '../members/index.ts';
import type { PinnedProgram, ProgramService } from '../programs/index.ts';
import { askRules, decide, type Proposal, type RuleEffects, rulesFor } from '../rules/index.ts';
import type { TierTracker } from '../tiers/index.ts';
import type { Activity } from './activity.entity.ts';
import type { RecordActivityInput } from './activity.inputs.ts';
import { toAmount, toReturnedLines } from './activity.policy.ts';
import {
  findActivity,
  findByOrder,
  insertMany,
  lockRefundedPart,
  type NewActivity,
  updateRefundedPart,
} from './activity.repository.ts';
import type { MemberFinder } from './member-finder.ts';
import type { Recorded } from './recorded.ts';
import { measuresOf, type RecordingParts, type UnexplainedActivity } from './recording.ts';
import {
  afterRefund,
  type Bought,
  entitlements,
  explainTakeBack,
  type Refunded,
  type RefundWish,
  remaining,
  type TakeBack,
  takeBacks,
  toLines,
} from './refund.policy.ts';

export interface RefundProposal {
  readonly activity: UnexplainedActivity;
  readonly member: Member;
  /** The tier that the member holds, where rules for refunds look at it. */
  readonly tier: AskedTier | null;
  readonly purchase: Activity;
  /** The program version of the purchase. */
  readonly then: PinnedProgram;
  readonly wish: RefundWish;
  /** For each operation of the purchase the one that takes it back, if it comes to that. */
  readonly reversals: ReadonlyMap<string, string>;
}

export interface RefundingParts {
  readonly database: Database;
  readonly programs: ProgramService;
  readonly writer: LedgerWriter;
  readonly effects: RuleEffects;
  readonly tiers: TierTracker;
  readonly finder: MemberFinder;
  readonly grants: GrantWriter;
  readonly tiersOf: RecordingParts['tiersOf'];
}

/** Takes back what a purchase gave: as a whole, some lines, an amount, again and again up to the whole. */
export class Refunding {
  readonly #parts: RefundingParts;

  constructor(parts: RefundingParts) {
    this.#parts = parts;
  }

  /**
   * Finds what is refunded, with no transaction open.
   * @throws Refusal REFUND_OF_REQUIRED, REFUND_OF_UNKNOWN, NOT_REFUNDABLE, REFUND_EMPTY, and what naming a
   *   member, amounts and lines may throw
   */
  async propose(
    ctx: RequestContext,
    program: PinnedProgram,
    input: RecordActivityInput,
  ): Promise<RefundProposal> {
    const amount = toAmount(input.amount, program, ['amount']);
    const lines = toReturnedLines(input.order, amount, program);
    if (amount === 0n || (amount === null && lines?.every((line) => line.amount === 0n) === true)) {
      throw refuse('REFUND_EMPTY', ['amount']);
    }
    const purchase = await this.#purchase(ctx, input);
    const { database, programs, finder, tiersOf } = this.#parts;
    const isRanked = rulesFor(program.definition, input.type).reads.has('tier');
    const [member, then, earned] = await Promise.all([
      finder.living(ctx, purchase.memberKey),
      programs.pinned(ctx.tenantKey, purchase.programVersion),
      new LedgerReads(database.read(ctx.tenantKey), ctx.tenantKey).earnedBy(purchase.activityKey),
    ]);
    if (member === null) throw new Error('A purchase has no member.');
    const tiers = isRanked ? await tiersOf(ctx.tenantKey, program, [member.memberKey]) : null;
    return {
      activity: toRefund(ctx, program, input, { purchase, memberKey: member.memberKey }),
      member,
      tier: tiers?.get(member.memberKey) ?? null,
      purchase,
      then,
      wish: { amount, lines },
      reversals: new Map(earned.map(({ operationKey }) => [operationKey, newKey()])),
    };
  }

  /** The purchase that is named, of the member who is named (if one is). */
  async #purchase(ctx: RequestContext, input: RecordActivityInput): Promise<Activity> {
    const { refundOf, order, memberId, identity } = input;
    const sql = this.#parts.database.read(ctx.tenantKey);
    const isNamed = refundOf !== null && refundOf !== undefined;
    const number = order?.number;
    if (!isNamed && number === undefined) throw refuse('REFUND_OF_REQUIRED', ['refundOf']);
    const field = isNamed ? ['refundOf'] : ['order', 'number'];
    const key = isNamed ? fromPublicId('activity', refundOf) : null;
    const purchase = isNamed
      ? key === null
        ? null
        : await findActivity(sql, ctx.tenantKey, key)
      : await findByOrder(sql, ctx.tenantKey, 'purchase', number ?? '');
    if (purchase === null) throw refuse('REFUND_OF_UNKNOWN', field);
    if ((memberId ?? identity ?? null) !== null) {
      const member = await this.#parts.finder.find(ctx, { memberId, identity });
      const buyer = await this.#parts.finder.living(ctx, purchase.memberKey);
      if (member === null || member.memberKey !== buyer?.memberKey) throw refuse('REFUND_OF_UNKNOWN', field);
    }
    const isRefundable = purchase.amountMinor !== null && purchase.refundsKey === null;
    if (!isRefundable) throw refuse('NOT_REFUNDABLE', field, { type: purchase.type });
    return purchase;
  }

  /**
   * Takes back the difference between what was given and what the purchase's rules give for the rest.
   * @throws Refusal REFUND_EXCEEDS_ORDER, REFUND_LINE_UNKNOWN
   */
  async commit(
    tx: Transaction,
    context: PostingContext,
    proposal: RefundProposal,
    refuseMoment: (now: Date) => void,
  ): Promise<Recorded> {
    const { tenantKey } = context;
    const { activity, purchase, member } = proposal;
    const reads = new LedgerReads(tx, tenantKey);
    const [{ now }, before, earned] = await Promise.all([
      context.facts,
      lockRefundedPart(tx, tenantKey, purchase.activityKey),
      reads.earnedBy(purchase.activityKey),
    ]);
    refuseMoment(now);
    const bought: Bought = { amount: purchase.amountMinor ?? 0n, lines: toLines(purchase.orderLines) };
    const after = afterRefund(bought, before, proposal.wish);
    const left = remaining(bought, after);
    const answers = decide(askAgain(proposal, left), []);
    const entitled = entitlements(answers, purchase.storedExplanations, earned);
    const taken = takeBacks(earned, entitled, { left: left.amount, total: bought.amount });
    const kept = new Set(
      answers.decisions.flatMap(({ rule, applies }) => (applies ? (rule?.code ?? []) : [])),
    );
    const lost = purchase.storedExplanations.flatMap(({ rule }) =>
      rule === null || kept.has(rule.code) ? [] : rule.code,
    );
    const amountMinor = after.amount - before.amount;
    const asked = askOwnRules(context.program, proposal, { now, amount: amountMinor });
    const occasion = { ...activity, trigger: activity.type };
    const [own] = await this.#parts.effects.settle(tx, context, [{ occasion, proposals: asked }]);
    if (own === undefined) throw new Error('A refund has no answer of its rules.');
    const isTagged = own.tags.add.length + own.tags.remove.length > 0;
    const scope = { tenantKey, program: context.program, now };
    const [, tags, { operations }] = await Promise.all([
      this.#parts.grants.revokeOfActivity(tx, scope, purchase.activityKey, lost, 'refund'),
      changeTagsAndTiers(
        tx,
        context,
        this.#parts.tiers,
        isTagged ? [{ ...own.tags, memberKey: member.memberKey }] : [],
      ),
      this.#parts.writer.post(
        tx,
        { ...context, measures: [...measuresOf(activity), ...returned(proposal, before, after, left)] },
        toReversals(proposal, taken),
      ),
    ]);
    const refund: NewActivity = {
      ...activity,
      amountMinor,
      currency: purchase.currency,
      storedExplanations: [...explained(proposal, earned, operations), ...own.explanations],
    };
    await Promise.all([
      insertMany(tx, tenantKey, [refund]),
      updateRefundedPart(tx, tenantKey, purchase.activityKey, after),
    ]);
    const occurredAt = activity.occurredAt ?? now;
    const tierThen = this.#parts.tiers.tierAfter(tx, context.program, member.memberKey);
    return {
      activity: { ...refund, occurredAt, recordedAt: now },
      member: { ...member, tagCodes: tags.get(member.memberKey) ?? member.tagCodes, tierThen },
      operations,
    };
  }
}

/** Asks the rules that answer to refunds themselves about this one; they may tag, and give nothing. */
function askOwnRules(
  program: PinnedProgram,
  { activity, member, tier, purchase }: RefundProposal,
  { now, amount }: { readonly now: Date; readonly amount: bigint },
): Proposal[] {
  const { type: trigger } = activity;
  const { orderNumber } = purchase;
  const publicId = toPublicId('member', member.memberKey);
  const happening = { ...activity, trigger, amount, orderNumber, lines: [] };
  const facts = () => toFacts({ member, publicId, happening, tier }, now, program.definition.timeZone);
  return askRules(program, { trigger, amount, memberKey: member.memberKey, facts });
}

/** Asks the purchase's own rules about what remains, with what they knew then; of nothing comes nothing. */
function askAgain({ purchase, then, member }: RefundProposal, left: Bought): Proposal[] {
  if (left.amount === 0n) return [];
  const facts = (): ExpressionFacts => {
    if (purchase.facts === null) throw new Error('A purchase whose rules have expressions kept no facts.');
    const before = restoreFacts(purchase.facts);
    const lines = left.lines.filter(({ quantity, amount }) => quantity > 0 || amount > 0n);
    return {
      ...before,
      activity: { ...before.activity, amount: left.amount },
      order: toOrderFacts(purchase.orderNumber, left.amount, lines),
    };
  };
  const { memberKey } = member;
  return askRules(then, { trigger: purchase.type, amount: left.amount, memberKey, facts });
}

function toRefund(
  { tenantKey }: RequestContext,
  program: PinnedProgram,
  input: RecordActivityInput,
  { purchase, memberKey }: { readonly purchase: Activity; readonly memberKey: string },
): UnexplainedActivity {
  return {
    tenantKey,
    activityKey: newKey(),
    memberKey,
    type: input.type,
    // What it comes to is known when the purchase is locked.
    amountMinor: null,
    currency: null,
    // The number is the purchase's: an order may be refunded again and again.
    orderNumber: null,
    orderLines: null,
    channel: input.source?.channel ?? null,
    store: input.source?.store ?? null,
    programVersion: program.version,
    refundsKey: purchase.activityKey,
    facts: null,
    occurredAt: input.occurredAt ?? null,
  };
}

/** One line for each who gave something for the purchase, rule or extension: what was really taken back. */
function explained(
  { then, reversals }: RefundProposal,
  earned: readonly EarnedByActivity[],
  operations: readonly LedgerOperation[],
): StoredExplanation[] {
  const byKey = new Map(operations.map((operation) => [operation.operationKey, operation]));
  const taken = earned.flatMap((one): TakeBack[] => {
    const entries = byKey.get(reversals.get(one.operationKey) ?? '')?.writtenEntries ?? [];
    const amount = entries.reduce((sum, entry) => sum - entry.amount, 0n);
    return amount === 0n ? [] : [{ earned: one, amount }];
  });
  const givers = new Map(earned.map((one) => [giverOf(one), one]));
  return [...givers].map(([giver, one]) =>
    explainTakeBack(
      then,
      one,
      taken.filter((own) => giverOf(own.earned) === giver),
    ),
  );
}

function giverOf({ rule, extension }: EarnedByActivity): string {
  return rule === null ? `extension ${extension?.name}` : `rule ${rule}`;
}

/** What a refund takes from the metrics of the purchase, on the day of the purchase. */
function returned(
  { purchase, member }: RefundProposal,
  before: Refunded,
  after: Refunded,
  left: Bought,
): Measure[] {
  if (purchase.type !== 'purchase') return [];
  const own = { memberKey: member.memberKey, countsAt: purchase.occurredAt };
  const spent = { ...own, metric: 'spend', amount: before.amount - after.amount };
  return left.amount > 0n ? [spent] : [spent, { ...own, metric: 'orders', amount: -1n }];
}

/** In the order of their keys, as a replay shows them. */
function toReversals(proposal: RefundProposal, taken: readonly TakeBack[]): Posting[] {
  const postings = taken.flatMap((one) => toReversal(proposal, one));
  return postings.sort((a, b) => (a.operationKey < b.operationKey ? -1 : 1));
}

function toReversal({ activity, purchase, then, reversals }: RefundProposal, taken: TakeBack): Posting[] {
  const operationKey = reversals.get(taken.earned.operationKey);
  if (operationKey === undefined) return [];
  return [
    {
      operationKey,
      kind: 'REVERSE',
      reverses: taken.earned.operationKey,
      memberKey: activity.memberKey,
      asset: taken.earned.asset,
      amount: taken.amount,
      occurredAt: activity.occurredAt,
      countsAt: purchase.occurredAt,
      reason: activity.type,
      reference: purchase.orderNumber === null ? null : { type: 'order', id: purchase.orderNumber },
      explanation: null,
      explain: (amount) => explainTakeBack(then, taken.earned, [{ ...taken, amount }]),
      activityKey: activity.activityKey,
    },
  ];
}
