import { type Asker, memberCreate } from '../../extension/index.ts';
import { Refusal, refuse } from '../../kernel/errors.ts';
import { newKey, toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database, Transaction } from '../../persistence/index.ts';
import type { Posting, PostingContext } from '../ledgers/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { askRules, type RuleEffects, type RuleProposal, rulesFor, toFacts } from '../rules/index.ts';
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
import { addIdentities, businessNow, changeTags, insert, type NewMember } from './member.repository.ts';

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
  readonly effects: RuleEffects;
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
   * Writes the member, their identities and first tiers; the postings that it answers are the caller's to post
   * in the same transaction.
   * @throws Refusal IDENTITY_TAKEN, BIRTHDAY_INVALID
   */
  commit(
    tx: Transaction,
    context: PostingContext,
    { member, identities, proposals }: EnrolmentProposal,
  ): { member: Promise<Member>; postings: readonly Posting[] | Promise<readonly Posting[]> } {
    const { effects, tiers } = this.#parts;
    const written = this.#write(tx, context, member, identities);
    const enrolled = tiers.enrol(tx, context, member);
    const occasion = {
      memberKey: member.memberKey,
      trigger: TRIGGER,
      activityKey: null,
      occurredAt: null,
      orderNumber: null,
    };
    const results = effects.settle(tx, context, proposals, occasion);
    const tagged = Promise.resolve(results).then(async ({ tags }) => {
      if (tags.add.length + tags.remove.length === 0) return null;
      const codes = await changeTags(tx, context.tenantKey, member.memberKey, tags);
      await tiers.tagsChanged(tx, context, member.memberKey);
      return codes;
    });
    const whole = Promise.all([written, enrolled, tagged]).then(([own, , tagCodes]) => {
      return tagCodes === null ? own : { ...own, tagCodes };
    });
    const postings = results instanceof Promise ? results.then((known) => known.postings) : results.postings;
    return { member: whole, postings };
  }

  async #write(
    tx: Transaction,
    { facts, program }: PostingContext,
    member: NewMember,
    identities: readonly NormalIdentity[],
  ): Promise<Member> {
    const [{ now }, , taken] = await Promise.all([
      facts,
      insert(tx, member),
      addIdentities(tx, member, identities),
    ]);
    if (taken.length > 0) {
      throw new Refusal(
        taken.map((index) => ({ code: 'IDENTITY_TAKEN', field: [IDENTITIES_FIELD, String(index)] })),
      );
    }
    refuseFutureBirthday(member.birthday, now, program.definition.timeZone);
    const identitiesThen = identities.map((identity) => ({ ...identity, memberKey: member.memberKey }));
    return { ...member, enrolledAt: now, updatedAt: now, identitiesThen };
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
