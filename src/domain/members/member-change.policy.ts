import type { EventTypes, FeedEvent } from '../../events/index.ts';
import { differencesOf } from '../../kernel/differences.ts';
import { refuse } from '../../kernel/errors.ts';
import { type Gender, type Member, MemberStatus, type StoredConsent } from './member.entity.ts';
import type { ProfileInput, UpdateMemberInput } from './member.inputs.ts';
import {
  refuseBadConsents,
  refuseBadProfile,
  refuseFutureBirthday,
  toAttributes,
  toTags,
} from './member.policy.ts';

/** Those that are told by their names. */
const PROFILE = ['displayName', 'gender', 'birthday', 'locale', 'region'] as const;
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
  const withOwn = withProfile(before, profile, now, timeZone);
  refuseBadConsents(input.consents);
  if (status !== null && status !== undefined && !BY_HAND.includes(status)) {
    throw refuse('STATUS_NOT_BY_HAND', ['status'], { status });
  }
  return {
    ...withOwn,
    status: status ?? before.status,
    consents: mergedConsents(before.consents, input.consents ?? [], now),
    attributes: input.attributes === undefined ? before.attributes : toAttributes(input.attributes),
    tagCodes: input.tags === null || input.tags === undefined ? before.tagCodes : toTags(input.tags),
    updatedAt: now,
  };
}

/**
 * The member with what changes in their profile.
 * @throws Refusal TEXT_TOO_LONG, BIRTHDAY_INVALID
 */
export function withProfile(
  before: Member,
  profile: ProfileInput | null | undefined,
  now: Date,
  timeZone: string,
): Member {
  refuseBadProfile(profile);
  const birthday = sentOr(profile?.birthday, before.birthday);
  refuseFutureBirthday(birthday, now, timeZone);
  const name = profile?.displayName?.trim() ?? '';
  return {
    ...before,
    displayName: name === '' ? before.displayName : name,
    gender: sentOr<Gender>(profile?.gender, before.gender),
    birthday,
    locale: sentOr(profile?.locale, before.locale),
    region: sentOr(profile?.region, before.region),
  };
}

/** What a change by hand changed, each in the words of the stream of members. */
export function eventsOfChange(
  before: Member,
  after: Member,
  input: Pick<UpdateMemberInput, 'addIdentities' | 'consents'>,
): FeedEvent[] {
  const changed = PROFILE.filter((field) => before[field] !== after[field]).map(String);
  if ((input.addIdentities?.length ?? 0) > 0) changed.push('identities');
  if ((input.consents?.length ?? 0) > 0) changed.push('consents');
  if (differencesOf(before.attributes, after.attributes).length > 0) changed.push('attributes');
  const { memberKey, status } = after;
  return [
    ...(changed.length > 0 ? [ofMember('UPDATED', memberKey, { changed })] : []),
    ...(differencesOf(before.tagCodes, after.tagCodes).length > 0
      ? [ofMember('TAGS_CHANGED', memberKey)]
      : []),
    ...(before.status === status ? [] : [ofMember('STATUS_CHANGED', memberKey, { status })]),
  ];
}

/** Something that happened to a member. */
export function ofMember(
  type: EventTypes['members'],
  memberKey: string,
  detail?: FeedEvent['detail'],
): FeedEvent {
  return { stream: 'members', type, memberKey, subjectKey: memberKey, detail };
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
