import { type Asker, memberCreate } from '../../extension/index.ts';
import { Refusal, refuse } from '../../kernel/errors.ts';
import { newKey } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Transaction } from '../../persistence/index.ts';
import type { Posting } from '../ledgers/index.ts';
import type { CommitFacts, PinnedProgram } from '../programs/index.ts';
import { askRules } from '../rules/index.ts';
import { refuseLongSource } from '../shared/index.ts';
import type { TenantService } from '../tenants/index.ts';
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
import { addIdentities, insert, type NewMember } from './member.repository.ts';

/** A member as they will be written, and what the rules give them for enrolling. */
export interface EnrolmentProposal {
  readonly member: NewMember;
  readonly identities: readonly NormalIdentity[];
  readonly postings: readonly Posting[];
}

/** Where the new member's identities stand in the mutation's input. */
const IDENTITIES_FIELD = 'identities';

/** Enrols members: extensions and rules are asked first, then everything is written at once. */
export class Enrolment {
  readonly #asker: Asker;
  readonly #tenants: TenantService;

  constructor(asker: Asker, tenants: TenantService) {
    this.#asker = asker;
    this.#tenants = tenants;
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
    const { credits } = askRules(program, { trigger: 'enrolment', amount: null });
    const postings = credits.map(
      ({ asset, amount, availableAfter, explanation }): Posting => ({
        operationKey: newKey(),
        kind: 'EARN',
        memberKey: member.memberKey,
        asset,
        amount,
        occurredAt: null,
        availableAfter,
        reason: 'enrolment',
        reference: null,
        explanation,
        activityKey: null,
      }),
    );
    return { member, identities, postings };
  }

  /**
   * Writes the member and their identities; the postings are the caller's to post in the same transaction.
   * @throws Refusal IDENTITY_TAKEN
   */
  async commit(
    tx: Transaction,
    { member, identities }: EnrolmentProposal,
    program: PinnedProgram,
    facts: CommitFacts,
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
    const given = await this.#asker.ask(memberCreate, question, {
      tenant: (await this.#tenants.facts(ctx.tenantKey))?.code ?? '',
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
  };
}
