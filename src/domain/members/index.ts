export { findBirthdays } from './birthday.repository.ts';
export { changeTagsAndTiers, Enrolment, type EnrolmentProposal, subjectOf } from './enrolment.ts';
export { IdentityKind, Member, MemberStatus } from './member.entity.ts';
export { memberErrors } from './member.errors.ts';
export { IdentityInput } from './member.inputs.ts';
export { normaliseIdentity } from './member.policy.ts';
export {
  businessClock,
  businessNow,
  createMemberLoaders,
  findByIdentities,
  identityKeyOf,
  type MemberLoaders,
} from './member.repository.ts';
export { LedgerMemberResolver, MemberResolver, TagResolver } from './member.resolver.ts';
export { ledgersThen, MemberService } from './member.service.ts';
export { MemberCodeResolver } from './member-code.resolver.ts';
export { MemberCodeService } from './member-code.service.ts';
export { MemberListResolver } from './member-list.resolver.ts';
export { MemberMergeResolver } from './member-merge.resolver.ts';
export { MemberMergeService } from './member-merge.service.ts';
export { MemberProfileResolver } from './member-profile.resolver.ts';
export { createProfileLoader, MemberProfiles, type ProfileLoader } from './member-profile.service.ts';
export { MemberTagsResolver } from './member-tags.resolver.ts';
export { TierMemberResolver } from './tier-member.resolver.ts';
