import { type Asker, memberCreate } from '../../extension/index.ts';
import { Refusal, refuse } from '../../kernel/errors.ts';
import { newKey, toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database, Transaction } from '../../persistence/index.ts';
import type { PostingContext } from '../ledgers/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import {
  type AnsweredOccasion,
  askRules,
  type RuleProposal,
  type RuleResults,
  rulesFor,
  toFacts,
  whenKnown,
} from '../rules/index.ts';
import { refuseLongSource } from '../shared/index.ts';
import type { TenantService } from '../tenants/index.ts';
import type { TierTracker } from '../tiers/index.ts';
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
  businessNow,
  changeTags,
  insertMany,
  type NewMember,
  type TagChange,
} from './member.repository.ts';

/** A member as they will be written, and what the rules give them for enrolling. */
export interface EnrolmentProposal {
  readonly member: NewMember;
  readonly identities: readonly NormalIdentity[];
  readonly proposals: readonly RuleProposal[];
}

export interface EnrolmentParts {
  readonly asker: Asker;
  readonly tenants: TenantService;
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
   * Works out the new member, with no transaction open.
   * @throws Refusal IDENTITY_REQUIRED, IDENTITY_INVALID, IDENTITY_REPEATED, TEXT_TOO_LONG, BIRTHDAY_INVALID,
   *   ATTRIBUTES_INVALID, TAG_INVALID, EXTENSION_REFUSED, EXTENSION_UNAVAILABLE
   */
  async propose(
    ctx: RequestContext,
    program: PinnedProgram,
    input: CreateMemberInput,
  ): Promise<EnrolmentProposal> {
    if (input.identities.length === 0 || input.identities.length > MOST_IDENTITIES) {
      throw refuse('IDENTITY_REQUIRED', [IDENTITIES_FIELD], { most: MOST_IDENTITIES });
    }
    const identities = normaliseIdentities(input.identities, IDENTITIES_FIELD);
    refuseBadProfile(input.profile);
    refuseLongSource(input.source);
    refuseBadConsents(input.consents);
    const enriched = await this.#enriched(
      ctx,
      { ...input, attributes: toAttributes(input.attributes) },
      identities,
    );
    const member = toNewMember(ctx, enriched, identities);
    return { member, identities, proposals: await this.#askRules(program, member) };
  }

  /**
   * What the rules answered to an enrolment, to be settled in its transaction.
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
    const enrolled = this.#parts.tiers.enrol(
      tx,
      context,
      proposals.map(({ member }) => member),
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
      own.map((identity, index) => ({ ...identity, memberKey, index })),
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
          const field = [IDENTITIES_FIELD, String(identities[place]?.index)];
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

  async #askRules(program: PinnedProgram, member: NewMember): Promise<RuleProposal[]> {
    const { tenantKey, memberKey, channel, store } = member;
    const { hasExpressions } = rulesFor(program.definition, TRIGGER);
    const now = hasExpressions
      ? await businessNow(this.#parts.database.read(tenantKey), tenantKey)
      : new Date(0);
    const happening = {
      trigger: TRIGGER,
      amount: null,
      occurredAt: null,
      channel,
      store,
      orderNumber: null,
      lines: [],
    };
    const asked = { ...member, enrolledAt: null };
    const about = { member: asked, publicId: toPublicId('member', memberKey), happening, tier: null };
    const facts = () => toFacts(about, now, program.definition.timeZone);
    return askRules(program, { trigger: TRIGGER, amount: null, memberKey, facts });
  }

  /** Asks `member.create`: the first REFUSE wins; enrichments are merged, later ones win. */
  async #enriched(
    ctx: RequestContext,
    input: CreateMemberInput & { attributes: Record<string, unknown> },
    identities: readonly NormalIdentity[],
  ): Promise<CreateMemberInput & { attributes: Record<string, unknown> }> {
    const question = {
      identities: identities.map(({ kind, value }) => ({ kind, value })),
      profile: { ...input.profile },
      source: { channel: input.source?.channel ?? null, store: input.source?.store ?? null },
      attributes: input.attributes,
      consents: (input.consents ?? []).map(({ purpose, granted }) => ({ purpose, granted })),
    };
    const given = await this.#parts.asker.ask(memberCreate, question, {
      tenant: (await this.#parts.tenants.facts(ctx.tenantKey))?.code ?? '',
      mode: input.dryRun === true ? 'DRY_RUN' : 'LIVE',
      idempotencyKey: input.idempotencyKey,
    });
    let enriched = input;
    for (const { extension, output } of given) {
      if (output.decision === 'REFUSE') {
        const details = { extension: extension.name };
        throw new Refusal([{ code: 'EXTENSION_REFUSED', field: null, details, message: output.reason }]);
      }
      enriched = {
        ...enriched,
        profile: { ...enriched.profile, ...(output.profile as CreateMemberInput['profile']) },
        tags: [...(enriched.tags ?? []), ...(output.tags ?? [])],
        attributes: { ...enriched.attributes, ...output.attributes },
      };
    }
    return enriched;
  }
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
