import { refuse } from '../../kernel/errors.ts';
import { type Gender, type Member, MemberStatus, type StoredConsent } from './member.entity.ts';
import type { UpdateMemberInput } from './member.inputs.ts';
import {
  refuseBadConsents,
  refuseBadProfile,
  refuseFutureBirthday,
  toAttributes,
  toTags,
} from './member.policy.ts';

const BY_HAND: readonly MemberStatus[] = [MemberStatus.ACTIVE, MemberStatus.BLOCKED, MemberStatus.CLOSED];

/** `value` when it was sent, even as null; else what there was. */
function sentOr<Value>(value: Value | null | undefined, before: Value | null): Value | null {
  return value === undefined ? before : value;
}

/**
 * The member after a change by hand; what was not sent stays.
 * @throws Refusal TEXT_TOO_LONG, BIRTHDAY_INVALID, ATTRIBUTES_INVALID, TAG_INVALID, STATUS_NOT_BY_HAND
 */
export function updated(before: Member, input: UpdateMemberInput, now: Date, timeZone: string): Member {
  const { profile, status } = input;
  refuseBadProfile(profile);
  refuseBadConsents(input.consents);
  if (status !== null && status !== undefined && !BY_HAND.includes(status)) {
    throw refuse('STATUS_NOT_BY_HAND', ['status'], { status });
  }
  const birthday = sentOr(profile?.birthday, before.birthday);
  refuseFutureBirthday(birthday, now, timeZone);
  const name = profile?.displayName?.trim() ?? '';
  return {
    ...before,
    status: status ?? before.status,
    displayName: name === '' ? before.displayName : name,
    gender: sentOr<Gender>(profile?.gender, before.gender),
    birthday,
    locale: sentOr(profile?.locale, before.locale),
    region: sentOr(profile?.region, before.region),
    consents: mergedConsents(before.consents, input.consents ?? [], now),
    attributes: input.attributes === undefined ? before.attributes : toAttributes(input.attributes),
    tagCodes: input.tags === null || input.tags === undefined ? before.tagCodes : toTags(input.tags),
    updatedAt: now,
  };
}

function mergedConsents(
  before: readonly StoredConsent[],
  said: readonly Pick<StoredConsent, 'purpose' | 'granted'>[],
  now: Date,
): StoredConsent[] {
  const byPurpose = new Map<string, StoredConsent>(before.map((consent) => [consent.purpose, consent]));
  for (const { purpose, granted } of said) byPurpose.set(purpose, { purpose, granted, at: now });
  return [...byPurpose.values()];
}
