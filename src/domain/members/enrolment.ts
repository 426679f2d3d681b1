import { emitEvents } from '../../events/index.ts';
import { type Answer, type Asker, type MemberCreateOutput, memberCreate } from '../../extension/index.ts';
import { Refusal, refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey, toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database, Transaction } from '../../persistence/index.ts';
import { type ExpressionFacts, refuseWhereRefused, toFacts } from '../expressions/index.ts';
import type { PostingContext } from '../ledgers/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import {
  type AnsweredOccasion,
  askRules,
  type Proposal,
  proposedTogether,
  type RuleResults,
  rulesFor,
  toProposal,
  whenKnown,
} from '../rules/index.ts';
import { refuseLongSource } from '../shared/index.ts';
import type { GivenTier, TierTracker } from '../tiers/index.ts';
import { type EnrolmentInput, enrichedBy, judgeEnrichment } from './enrichment.policy.ts';
import { type Gender, type Member, MemberStatus } from './member.entity.ts';
import type { CreateMemberInput } from './member.inputs.ts';
import {
  MOST_IDENTITIES,
  maskedName,
  type NormalIdentity,
  normaliseIdentities,
  refuseBadConsents,
  refuseBadProfile,
  refuseFutureBirthday,
  toAttributes,
  toTags,
} from './member.policy.ts';
import {
  addIdentities,
  businessClock,
  changeTags,
  createMemberLoaders,
  identityKeyOf,
  insertMany,
  type NewMember,
  type TagChange,
} from './member.repository.ts';
import { ofMember } from './member-change.policy.ts';

/** A member as they will be written, and what rules and extensions give them for enrolling. */
export interface EnrolmentProposal {
  readonly member: NewMember;
  readonly identities: readonly NormalIdentity[];
  /** As an extension gave it; null where none did. */
  readonly tier: GivenTier | null;
  readonly proposals: readonly Proposal[];
}

/** Whom an extension named: somebody who is enrolled already, so nobody is enrolled. */
export interface ExistingMember {
  readonly existing: Member;
}

export interface EnrolmentParts {
  readonly asker: Asker<ExpressionFacts>;
  readonly database: Database;
  readonly tiers: TierTracker;
}

const TRIGGER = 'enrolment';

/** Where the new member's identities stand in the mutation's input. */
const IDENTITIES_FIELD = 'identities';

/** Enrols members: extensions and rules are asked first, then everything is written at once. */
export class Enrolment {
  readonly #parts: EnrolmentParts;

  constructor(parts: EnrolmentParts) {
    this.#parts = parts;
  }

  /**
   * Works out the new member, with no transaction open: extensions may refuse, name an existing member, or
   * add to what is written. A refusal goes before everything, an existing member before what others add.
   * @param clock where others of the same use case ask for business time, too
   * @throws Refusal IDENTITY_REQUIRED, IDENTITY_INVALID, IDENTITY_REPEATED, TEXT_TOO_LONG, BIRTHDAY_INVALID,
   *   ATTRIBUTES_INVALID, TAG_INVALID, EXTENSION_REFUSED, EXTENSION_UNAVAILABLE
   */
  async propose(
    ctx: RequestContext,
    program: PinnedProgram,
    input: CreateMemberInput,
    clock = businessClock(this.#parts.database.read(ctx.tenantKey), ctx.tenantKey),
  ): Promise<EnrolmentProposal | ExistingMember> {
    if (input.identities.length === 0 || input.identities.length > MOST_IDENTITIES) {
      throw refuse('IDENTITY_REQUIRED', [IDENTITIES_FIELD], { most: MOST_IDENTITIES });
    }
    const identities = normaliseIdentities(input.identities, IDENTITIES_FIELD);
    refuseBadProfile(input.profile);
    refuseLongSource(input.source);
    refuseBadConsents(input.consents);
    const asGiven = toNewMember(ctx, input, identities);
    const known = { ...input, attributes: toAttributes(input.attributes) };
    const answers = await this.#ask(program, known, { member: asGiven, identities, clock });
    refuseWhereRefused(answers);
    const existing = await this.#existing(ctx, answers);
    if (existing !== null) return { existing };
    const enriched = enrichedBy(known, answers);
    const { memberKey } = asGiven;
    const member = { ...toNewMember(ctx, enriched.input, identities), memberKey };
    // In the order of their operations' keys, which are made here: the rules' come first.
    const ofRules = await this.#askRules(program, member, clock);
    const ofExtensions = answers.map(({ output: { postings = [] }, ...answer }) =>
      toProposal(program, { ...answer, postings, replaces: false }, memberKey),
    );
    const proposals = proposedTogether(ofRules, ofExtensions);
    return { member, identities, tier: enriched.tier, proposals };
  }

  /**
   * What rules and extensions answered to an enrolment, to be settled in its transaction.
   * @param act of which the enrolment is a part, if it doesn't come by itself
   */
  occasionOf({ member, proposals }: EnrolmentProposal, act?: string): AnsweredOccasion {
    const { memberKey } = member;
    const occasion = { memberKey, trigger: TRIGGER, activityKey: null, occurredAt: null, orderNumber: null };
    return { occasion: { ...occasion, act }, proposals };
  }

  /**
   * Writes members, their identities and first tiers; what the rules post for it is the caller's to post in
   * the same transaction.
   * @param results what the rules of each come to
   * @throws Refusal IDENTITY_TAKEN, BIRTHDAY_INVALID
   */
  async commit(
    tx: Transaction,
    context: PostingContext,
    proposals: readonly EnrolmentProposal[],
    results: readonly RuleResults[] | Promise<readonly RuleResults[]>,
  ): Promise<Member[]> {
    const written = this.#write(tx, context, proposals);
    emitEvents(
      tx,
      context.tenantKey,
      proposals.map(({ member: { memberKey } }) => ofMember('ENROLLED', memberKey)),
    );
    const enrolled = this.#parts.tiers.enrol(
      tx,
      context,
      proposals.map(({ member, tier }) => ({ ...member, given: tier })),
    );
    const tagged = whenKnown(results, (known) => {
      const changes = known.flatMap(({ tags }, index): TagChange[] => {
        const memberKey = proposals[index]?.member.memberKey;
        return memberKey === undefined || tags.add.length + tags.remove.length === 0
          ? []
          : [{ ...tags, memberKey }];
      });
      return changeTagsAndTiers(tx, context, this.#parts.tiers, changes);
    });
    const [members, , tags] = await Promise.all([written, enrolled, tagged]);
    return members.map((member) => ({ ...member, tagCodes: tags.get(member.memberKey) ?? member.tagCodes }));
  }

  async #write(
    tx: Transaction,
    { tenantKey, facts, program }: PostingContext,
    proposals: readonly EnrolmentProposal[],
  ): Promise<Member[]> {
    const identities = proposals.flatMap(({ member: { memberKey }, identities: own }) =>
      own.map((identity, position) => ({ ...identity, memberKey, position })),
    );
    const [{ now }, , taken] = await Promise.all([
      facts,
      insertMany(
        tx,
        tenantKey,
        proposals.map(({ member }) => member),
      ),
      addIdentities(tx, tenantKey, identities),
    ]);
    if (taken.length > 0) {
      throw new Refusal(
        taken.map((place) => {
          const field = [IDENTITIES_FIELD, String(identities[place]?.position)];
          return { code: 'IDENTITY_TAKEN', field };
        }),
      );
    }
    return proposals.map(({ member, identities: own }) => {
      refuseFutureBirthday(member.birthday, now, program.definition.timeZone);
      const identitiesThen = own.map((identity) => ({ ...identity, memberKey: member.memberKey }));
      return { ...member, enrolledAt: now, updatedAt: now, identitiesThen };
    });
  }

  async #askRules(
    program: PinnedProgram,
    member: NewMember,
    clock: () => Promise<Date>,
  ): Promise<Proposal[]> {
    const { memberKey } = member;
    const { hasExpressions } = rulesFor(program.definition, TRIGGER);
    const now = hasExpressions ? await clock() : new Date(0);
    const facts = () => factsOf(program, member, now);
    return askRules(program, { trigger: TRIGGER, amount: null, memberKey, facts });
  }

  /** Asks `member.create`. */
  async #ask(
    program: PinnedProgram,
    input: EnrolmentInput,
    {
      member,
      identities,
      clock,
    }: {
      readonly member: NewMember;
      readonly identities: readonly NormalIdentity[];
      readonly clock: () => Promise<Date>;
    },
  ): Promise<Answer<MemberCreateOutput>[]> {
    const answerers = await this.#parts.asker.find(member.tenantKey, memberCreate);
    if (answerers === null) return [];
    const told = {
      identities: identities.map(({ kind, value }) => ({ kind, value })),
      profile: { ...input.profile },
      source: { channel: input.source?.channel ?? null, store: input.source?.store ?? null },
      attributes: input.attributes,
      consents: (input.consents ?? []).map(({ purpose, granted }) => ({ purpose, granted })),
    };
    const now = await clock();
    return await answerers.ask(told, {
      mode: input.dryRun === true ? 'DRY_RUN' : 'LIVE',
      idempotencyKey: input.idempotencyKey,
      subject: subjectOf(identities),
      now,
      facts: () => factsOf(program, member, now),
      enough: ({ decision }) => decision === 'REFUSE',
      judge: async (output, limits) =>
        output.decision === 'USE_EXISTING' && (await this.#active(member.tenantKey, output)) === null
          ? { code: 'OUTPUT_MEMBER_UNKNOWN', details: {} }
          : judgeEnrichment(program, input, output, { limits, now }),
    });
  }

  /** The first existing member who is named; null where nobody is. */
  async #existing(
    { tenantKey }: RequestContext,
    answers: readonly Answer<MemberCreateOutput>[],
  ): Promise<Member | null> {
    const naming = answers.find(({ output }) => output.decision === 'USE_EXISTING');
    if (naming === undefined) return null;
    const member = await this.#active(tenantKey, naming.output);
    // Blocked, closed or merged since the answer was judged.
    if (member === null) throw refuse('EXTENSION_UNAVAILABLE', null, { extension: naming.extension.name });
    return member;
  }

  async #active(tenantKey: string, { memberId }: MemberCreateOutput): Promise<Member | null> {
    const key = fromPublicId('member', memberId ?? '');
    if (key === null) return null;
    const { member } = createMemberLoaders(this.#parts.database.read(tenantKey), tenantKey);
    const found = await member.load(key);
    return found?.status === MemberStatus.ACTIVE ? found : null;
  }
}

/** Whom extensions are asked about before there is a member: their first identity. */
export function subjectOf([first]: readonly NormalIdentity[]): string {
  return first === undefined ? '' : identityKeyOf(first);
}

/** What expressions look at when somebody enrols. */
function factsOf(program: PinnedProgram, member: NewMember, now: Date): ExpressionFacts {
  const { channel, store } = member;
  const nothing = { amount: null, occurredAt: null, orderNumber: null, lines: [] };
  const happening = { trigger: TRIGGER, channel, store, ...nothing };
  const asked = { ...member, enrolledAt: null };
  const about = { member: asked, publicId: toPublicId('member', member.memberKey), happening, tier: null };
  return toFacts(about, now, program.definition.timeZone);
}

/** Changes tags that rules change, and the tiers that hang on them; answers all tags of each member. */
export async function changeTagsAndTiers(
  tx: Transaction,
  context: PostingContext,
  tiers: TierTracker,
  changes: readonly TagChange[],
): Promise<Map<string, string[]>> {
  if (changes.length === 0) return new Map();
  const [tags] = await Promise.all([
    changeTags(tx, context.tenantKey, changes),
    tiers.tagsChanged(
      tx,
      context,
      changes.map(({ memberKey }) => memberKey),
    ),
  ]);
  return tags;
}

function toNewMember(
  { tenantKey }: RequestContext,
  input: CreateMemberInput,
  identities: readonly NormalIdentity[],
): NewMember {
  const [first] = identities;
  const { profile, source } = input;
  const name = profile?.displayName?.trim() ?? '';
  return {
    tenantKey,
    memberKey: newKey(),
    status: MemberStatus.ACTIVE,
    displayName: name === '' && first !== undefined ? maskedName(first) : name,
    gender: (profile?.gender ?? null) as Gender | null,
    birthday: profile?.birthday ?? null,
    locale: profile?.locale ?? null,
    region: profile?.region ?? null,
    channel: source?.channel ?? null,
    store: source?.store ?? null,
    consents: (input.consents ?? []).map(({ purpose, granted }) => ({ purpose, granted })),
    attributes: toAttributes(input.attributes),
    tagCodes: toTags(input.tags),
    mergedIntoKey: null,
  };
}
