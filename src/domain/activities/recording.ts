import type { Asker } from '../../extension/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { newKey, toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { type Database, type Transaction, violatedConstraint } from '../../persistence/index.ts';
import { type AskedTier, type ExpressionFacts, storeFacts, toFacts } from '../expressions/index.ts';
import type { LedgerOperation, LedgerWriter, Measure, Posting, PostingContext } from '../ledgers/index.ts';
import {
  businessClock,
  changeTagsAndTiers,
  type Enrolment,
  type EnrolmentProposal,
  type Member,
  subjectOf,
} from '../members/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import {
  askRules,
  type Proposal,
  type RuleEffects,
  type RuleResults,
  rulesFor,
  type StoredOperations,
  storedOperations,
  whenKnown,
} from '../rules/index.ts';
import type { TierTracker } from '../tiers/index.ts';
import type { RecordActivityInput } from './activity.inputs.ts';
import { toAmount, toOrderLines } from './activity.policy.ts';
import { insertMany, type NewActivity } from './activity.repository.ts';
import { type ActivityAnswerers, findAnswerers, refuseInvalid, withExtensions } from './activity-asking.ts';
import { awaitedBy } from './awaited.repository.ts';
import { type MemberFinder, type NamedMembers, nameOf } from './member-finder.ts';
import type { Recorded, RecordOptions } from './recorded.ts';
import { toLines } from './refund.policy.ts';

/** An activity before its rules are settled. */
export type UnexplainedActivity = Omit<NewActivity, 'storedExplanations'>;

export interface ActivityProposal {
  readonly activity: UnexplainedActivity;
  /** The member; null where they are enrolled in the same transaction. */
  readonly member: Member | null;
  /** How the member will be enrolled, where it is this activity that does so. */
  readonly enrolment: EnrolmentProposal | null;
  /** Of the program's rules and, after them, of extensions. */
  readonly proposals: readonly Proposal[];
  /** What earlier activities gave, and that waited for this one. */
  readonly awaited: readonly Posting[];
  /** Of its own input, where many are committed together. */
  readonly inputHash?: Buffer;
}

/**
 * What is kept of an activity under the key of its request: the activity, and which operations it made where
 * not all of them are the activity's own.
 */
export interface StoredActivity extends Partial<StoredOperations> {
  readonly activity: string;
}

export function toStored({ activity, enrolment, proposals, awaited }: ActivityProposal): StoredActivity {
  const { activityKey } = activity;
  const welcome = enrolment?.proposals ?? [];
  // What enrolling gives belongs to no activity.
  if (welcome.every(({ credits }) => credits.length === 0)) return { activity: activityKey };
  const given = storedOperations([...welcome, ...proposals]);
  const matured = awaited.map(({ operationKey }) => operationKey);
  return { activity: activityKey, ...given, possible: [...given.possible, ...matured] };
}

/** What activities are proposed upon. */
export interface Known {
  readonly members: NamedMembers;
  /** Who will be enrolled by an activity that is proposed upon the same, by the name that it gives them. */
  readonly joining: Map<string, EnrolmentProposal>;
  /** Who answers what is asked about them; null where nobody does. */
  readonly extensions: ActivityAnswerers | null;
  /** Business time, where expressions or extensions look at it. */
  readonly now: Date;
  /** The same, for whoever else needs it: it is looked up once for all. */
  readonly clock: () => Promise<Date>;
  /** In the primary ladder, by member, where expressions or extensions look at it. */
  readonly tiers: ReadonlyMap<string, AskedTier | null>;
}

export interface RecordingParts {
  readonly asker: Asker<ExpressionFacts>;
  readonly database: Database;
  readonly writer: LedgerWriter;
  readonly enrolment: Enrolment;
  readonly effects: RuleEffects;
  readonly tiers: TierTracker;
  readonly finder: MemberFinder;
  /** The members' tiers in the primary ladder, for expressions that look at them. */
  readonly tiersOf: (
    tenantKey: string,
    program: PinnedProgram,
    memberKeys: readonly string[],
  ) => Promise<Map<string, AskedTier | null>>;
}

/** What the rules gave for an activity, and for the enrolment that it brings. */
interface Settled {
  readonly enrolled: RuleResults | null;
  readonly own: RuleResults;
}

/**
 * Records what members did, and what the rules give for it: one activity or many, with as many statements for
 * many as for one. Refunds have a way of their own.
 */
export class Recording {
  readonly #parts: RecordingParts;

  constructor(parts: RecordingParts) {
    this.#parts = parts;
  }

  /** Looks up what these activities are proposed upon. */
  async look(
    ctx: RequestContext,
    program: PinnedProgram,
    inputs: readonly RecordActivityInput[],
    { isOwn = false }: RecordOptions,
  ): Promise<Known> {
    const { asker, finder, database, tiersOf } = this.#parts;
    const clock = businessClock(database.read(ctx.tenantKey), ctx.tenantKey);
    const rulesOf = ({ type }: RecordActivityInput) => rulesFor(program.definition, type);
    const [extensions, members, then] = await Promise.all([
      findAnswerers(asker, ctx.tenantKey, isOwn),
      finder.look(ctx, inputs),
      inputs.some((input) => rulesOf(input).hasExpressions) ? clock() : new Date(0),
    ]);
    const isAsked = extensions !== null;
    const now = isAsked ? await clock() : then;
    const ranked = isAsked ? inputs : inputs.filter((input) => rulesOf(input).reads.has('tier'));
    const keys = [...new Set(ranked.flatMap((input) => members.known(input)?.memberKey ?? []))];
    const tiers = keys.length === 0 ? new Map() : await tiersOf(ctx.tenantKey, program, keys);
    return { members, joining: new Map(), extensions, now, clock, tiers };
  }

  /** Works out what happened and asks rules and extensions about it, with no transaction open. */
  async propose(
    ctx: RequestContext,
    program: PinnedProgram,
    input: RecordActivityInput,
    known: Known,
  ): Promise<ActivityProposal> {
    const { joining, now } = known;
    const amount = toAmount(input.amount, program, ['amount']);
    const orderLines = toOrderLines(input.order, amount, program);
    const { reads, hasExpressions } = rulesFor(program.definition, input.type);
    const { member, enrolment, joins } = await this.#who(ctx, program, input, known);
    const asked = member ?? joins?.member ?? null;
    if (asked === null) throw refuse('MEMBER_NOT_FOUND', ['identity']);
    const { memberKey } = asked;
    const activity = toActivity(ctx, program, input, { memberKey, amount, orderLines });
    const isRanked = reads.has('tier') || known.extensions !== null;
    const tier = isRanked && member !== null ? await this.#tierOf(ctx, program, member, known) : null;
    // Most activities are recorded where no expression and no extension looks at any of this.
    const look = () => ({
      member: { ...asked, enrolledAt: member?.enrolledAt ?? null },
      publicId: toPublicId('member', memberKey),
      happening: { ...activity, trigger: activity.type, amount, lines: toLines(orderLines) },
      tier,
    });
    let seen: ReturnType<typeof look> | undefined;
    const about = () => (seen ??= look());
    const facts = () => toFacts(about(), now, program.definition.timeZone);
    const stored = hasExpressions && amount !== null ? storeFacts(facts()) : null;
    const question = () => {
      const { idempotencyKey, dryRun } = input;
      const whole = about();
      const subject = joins === null ? whole.publicId : subjectOf(joins.identities);
      return { ...whole, activity, facts, subject, idempotencyKey, isDryRun: dryRun === true };
    };
    const asking = known.extensions === null ? null : question();
    if (asking !== null) await refuseInvalid(program, asking, known);
    const ofRules = askRules(program, { trigger: input.type, amount, memberKey, facts });
    const proposals =
      asking === null ? ofRules : await withExtensions(program, { ...asking, proposals: ofRules }, known);
    const sql = this.#parts.database.read(ctx.tenantKey);
    const awaited = await awaitedBy(sql, ctx.tenantKey, program.definition, activity);
    if (enrolment !== null) joining.set(nameOf(input), enrolment);
    return { activity: { ...activity, facts: stored }, member, enrolment, proposals, awaited };
  }

  /** Who did it: a member, or somebody who is enrolled by this activity or by one before it. */
  async #who(
    ctx: RequestContext,
    program: PinnedProgram,
    input: RecordActivityInput,
    { members, joining, clock }: Known,
  ): Promise<{
    readonly member: Member | null;
    readonly enrolment: EnrolmentProposal | null;
    /** The enrolment that makes them a member, whichever activity brings it. */
    readonly joins: EnrolmentProposal | null;
  }> {
    const member = members.find(input);
    if (member !== null) return { member, enrolment: null, joins: null };
    const joined = joining.get(nameOf(input));
    if (joined !== undefined) return { member: null, enrolment: null, joins: joined };
    const { identity, source, idempotencyKey, dryRun } = input;
    const identities = identity === null || identity === undefined ? [] : [identity];
    const newcomer = { idempotencyKey, identities, source, dryRun };
    const enrolment = await this.#parts.enrolment.propose(ctx, program, newcomer, clock);
    if ('existing' in enrolment) return { member: enrolment.existing, enrolment: null, joins: null };
    return { member: null, enrolment, joins: enrolment };
  }

  /** The tier of who was looked up before, or of whom an extension named just now. */
  async #tierOf(
    ctx: RequestContext,
    program: PinnedProgram,
    { memberKey }: Member,
    { tiers }: Known,
  ): Promise<AskedTier | null> {
    const found = tiers.get(memberKey);
    if (found !== undefined) return found;
    return (await this.#parts.tiersOf(ctx.tenantKey, program, [memberKey])).get(memberKey) ?? null;
  }

  /**
   * Writes activities and what the rules gave for each, in their order: new members, limits, benefits, tags,
   * points and tiers.
   * @param refuseMoments is told business time before anything is decided
   * @returns what was recorded, for who looks at it
   */
  async commit(
    tx: Transaction,
    context: PostingContext,
    proposals: readonly ActivityProposal[],
    refuseMoments: (now: Date) => void,
  ): Promise<() => Recorded[]> {
    const { writer } = this.#parts;
    const settled = this.#settle(tx, context, proposals);
    const enrolments = proposals.flatMap((proposal) => proposal.enrolment ?? []);
    const joined = enrolments.length === 0 ? [] : this.#enrol(tx, context, enrolments, settled);
    const written = whenKnown(settled, (known) => this.#write(tx, context, proposals, known));
    const measured = {
      ...context,
      measures: proposals.flatMap(({ activity }) => measuresOf(activity)),
      newcomers: new Set(enrolments.map(({ member }) => member.memberKey)),
    };
    const posted = whenKnown(settled, (known) => writer.post(tx, measured, postingsOf(proposals, known)));
    const [{ now }, members, { rows, tags }, all, known] = await Promise.all([
      context.facts.then((facts) => {
        refuseMoments(facts.now);
        return facts;
      }),
      joined,
      written,
      posted,
      settled,
    ]);
    return () => {
      const newcomers = new Map(members.map((member) => [member.memberKey, member]));
      const made = new Map(all.operations.map((operation) => [operation.operationKey, operation]));
      return rows.map((row, index): Recorded => {
        const { memberKey } = row;
        const member = proposals[index]?.member ?? newcomers.get(memberKey);
        if (member === undefined) throw new Error('An activity has no member.');
        const tierThen = this.#parts.tiers.tierAfter(tx, context.program, memberKey);
        return {
          activity: { ...row, occurredAt: row.occurredAt ?? now, recordedAt: now },
          member: { ...member, tagCodes: tags.get(memberKey) ?? member.tagCodes, tierThen },
          operations: madeBy(proposals[index], known[index], made),
        };
      });
    };
  }

  async #enrol(
    tx: Transaction,
    context: PostingContext,
    enrolments: readonly EnrolmentProposal[],
    settled: Settled[] | Promise<Settled[]>,
  ): Promise<Member[]> {
    const given = whenKnown(settled, (known) => known.flatMap(({ enrolled }) => enrolled ?? []));
    return await this.#parts.enrolment.commit(tx, context, enrolments, given);
  }

  #settle(
    tx: Transaction,
    context: PostingContext,
    proposals: readonly ActivityProposal[],
  ): Settled[] | Promise<Settled[]> {
    const { effects, enrolment } = this.#parts;
    const asked = proposals.flatMap(({ activity, enrolment: joining, proposals: answered }) => {
      const own = { occasion: { ...activity, trigger: activity.type }, proposals: answered };
      return joining === null ? [own] : [enrolment.occasionOf(joining, activity.activityKey), own];
    });
    return whenKnown(effects.settle(tx, context, asked), (results) => {
      const left = results.values();
      const next = (): RuleResults => {
        const { value } = left.next();
        if (value === undefined) throw new Error('An occasion has no answer of its rules.');
        return value;
      };
      return proposals.map(({ enrolment: joining }) => {
        return { enrolled: joining === null ? null : next(), own: next() };
      });
    });
  }

  /** Writes the activities with their explanations, and the tags that their rules change. */
  async #write(
    tx: Transaction,
    context: PostingContext,
    proposals: readonly ActivityProposal[],
    settled: readonly Settled[],
  ): Promise<{ rows: NewActivity[]; tags: ReadonlyMap<string, string[]> }> {
    const rows = proposals.map(({ activity }, index): NewActivity => {
      return { ...activity, storedExplanations: [...(settled[index]?.own.explanations ?? [])] };
    });
    const changes = settled.flatMap(({ own: { tags } }, index) => {
      const memberKey = rows[index]?.memberKey;
      const isTagged = tags.add.length + tags.remove.length > 0;
      return isTagged && memberKey !== undefined ? [{ ...tags, memberKey }] : [];
    });
    const [, tags] = await Promise.all([
      insertMany(tx, context.tenantKey, rows).catch((error: unknown) => {
        throw duplicateOrder(error, rows) ?? error;
      }),
      changeTagsAndTiers(tx, context, this.#parts.tiers, changes),
    ]);
    return { rows, tags };
  }
}

/** What rules gave and what fell due, in the order of the activities. */
function postingsOf(proposals: readonly ActivityProposal[], settled: readonly Settled[]): Posting[] {
  return settled.flatMap((one, index) => {
    const inputHash = proposals[index]?.inputHash;
    const own = givenIn(proposals[index], one);
    const explanations = one.own.explanations;
    const its = inputHash === undefined ? { explanations } : { explanations, inputHash };
    return own.map((posting) => ({ ...posting, ...its }));
  });
}

function givenIn(proposal: ActivityProposal | undefined, { enrolled, own }: Settled): Posting[] {
  return [...(enrolled?.postings ?? []), ...own.postings, ...(proposal?.awaited ?? [])];
}

function madeBy(
  proposal: ActivityProposal | undefined,
  settled: Settled | undefined,
  made: ReadonlyMap<string, LedgerOperation>,
): LedgerOperation[] {
  const postings = settled === undefined ? [] : givenIn(proposal, settled);
  return postings.flatMap(({ operationKey }) => made.get(operationKey) ?? []);
}

/** What an activity counts for in ladders, besides what it earns. */
export function measuresOf(activity: UnexplainedActivity): Measure[] {
  const { memberKey, type, amountMinor, occurredAt, activityKey } = activity;
  const own = { memberKey, countsAt: occurredAt, act: activityKey };
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

function duplicateOrder(error: unknown, rows: readonly NewActivity[]): Error | null {
  if (violatedConstraint(error) !== 'activity_order') return null;
  const number = rows.flatMap(({ orderNumber }) => orderNumber ?? [])[0] ?? '';
  return refuse('DUPLICATE_ORDER', ['order', 'number'], { number });
}
