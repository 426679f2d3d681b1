import type { Answer, Fault, MemberCreateOutput, PostingLimit } from '../../extension/index.ts';
import { Refusal, refuse } from '../../kernel/errors.ts';
import { isStorable } from '../../kernel/text.ts';
import { judgePostings } from '../ledgers/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { type GivenTier, isPrimaryTier } from '../tiers/index.ts';
import type { CreateMemberInput } from './member.inputs.ts';
import { refuseBadProfile, refuseFutureBirthday, toAttributes, toTags } from './member.policy.ts';

/** What somebody asked to be written, its attributes read. */
export type EnrolmentInput = CreateMemberInput & { readonly attributes: Record<string, unknown> };

type CreationAnswer = Pick<Answer<MemberCreateOutput>, 'extension' | 'output'>;

/** What is asked for with what extensions add. */
export interface Enriched {
  readonly input: EnrolmentInput;
  /** In the primary ladder; null where no extension gives one. */
  readonly tier: GivenTier | null;
}

/**
 * Holds what an extension adds to a new member against the program, and against what a caller may send; null
 * where it may be written.
 * @param limits of what it may post
 */
export function judgeEnrichment(
  program: PinnedProgram,
  input: EnrolmentInput,
  output: MemberCreateOutput,
  { limits, now }: { readonly limits: readonly PostingLimit[] | null; readonly now: Date },
): Fault | null {
  if (output.decision !== 'APPROVE') return null;
  const { tier, postings = [], tags, attributes } = output;
  const profile = profileOf(output);
  if (tier !== undefined && !isPrimaryTier(program.definition, tier)) {
    return { code: 'OUTPUT_TIER_UNKNOWN', details: { tier } };
  }
  return (
    faultIn(() => {
      refuseBadProfile(profile);
      refuseFutureBirthday(profile?.birthday ?? null, now, program.definition.timeZone);
      refuseTooMuch(enrich(input, output));
    }) ??
    (isStorable([profile, tags, attributes]) ? null : { code: 'OUTPUT_TEXT_INVALID', details: {} }) ??
    judgePostings(program, postings, limits, { now, occurredAt: null })
  );
}

/** What a check finds wrong, as a fault of whoever answered. */
export function faultIn(check: () => void): Fault | null {
  try {
    check();
    return null;
  } catch (error) {
    const [reason] = error instanceof Refusal ? error.reasons : [];
    if (reason === undefined) throw error;
    return { code: reason.code, details: reason.details ?? {} };
  }
}

/** @throws Refusal ATTRIBUTES_INVALID, TAG_INVALID, TOO_MANY_TAGS */
function refuseTooMuch({ attributes, tags }: EnrolmentInput): void {
  toAttributes(attributes);
  toTags(tags);
}

function profileOf({ profile }: MemberCreateOutput): CreateMemberInput['profile'] {
  return profile as CreateMemberInput['profile'];
}

function enrich(input: EnrolmentInput, output: MemberCreateOutput): EnrolmentInput {
  const { tags, attributes } = output;
  return {
    ...input,
    profile: { ...input.profile, ...profileOf(output) },
    tags: [...(input.tags ?? []), ...(tags ?? [])],
    attributes: { ...input.attributes, ...attributes },
  };
}

/**
 * Merges what extensions add; later ones win.
 * @throws Refusal EXTENSION_UNAVAILABLE that names the extension with which it became too much to keep
 */
export function enrichedBy(input: EnrolmentInput, answers: readonly CreationAnswer[]): Enriched {
  let enriched: Enriched = { input, tier: null };
  for (const { extension, output } of answers) {
    const { tier } = output;
    const next = enrich(enriched.input, output);
    if (faultIn(() => refuseTooMuch(next)) !== null) {
      throw refuse('EXTENSION_UNAVAILABLE', null, { extension: extension.name });
    }
    const given = tier === undefined ? enriched.tier : { tier, by: `extension ${extension.name}` };
    enriched = { input: next, tier: given };
  }
  return enriched;
}
