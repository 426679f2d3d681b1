import type { GraphQLResolveInfo } from 'graphql';
import { Ctx, FieldResolver, Info, Resolver, Root } from 'type-graphql';
import { Origin, type Row } from '../shared/index.ts';
import { type Gender, Member } from './member.entity.ts';
import type { ProfileLoader, Said } from './member-profile.service.ts';
import { MemberProfile } from './member-profile.types.ts';

/** What the resolver needs from the request. */
interface ProfileContext {
  readonly loaders: { readonly profiles: ProfileLoader };
}

@Resolver(() => Member)
export class MemberProfileResolver {
  @FieldResolver(() => MemberProfile, {
    nullable: true,
    description:
      'What to show of them: as the enterprise’s own system says by the extension point `member.read`, else as it is ' +
      'kept here. Null, with EXTENSION_UNAVAILABLE among the errors, where that system gave no good answer and its ' +
      'extension fails closed. In subscriptions nobody is asked: what is kept here.',
  })
  async profile(
    @Root() member: Row<Member>,
    @Ctx() { loaders }: ProfileContext,
    @Info() { operation }: GraphQLResolveInfo,
  ): Promise<MemberProfile> {
    const said = operation.operation === 'subscription' ? null : await loaders.profiles.load(member);
    return toProfile(member, said);
  }
}

function toProfile(member: Member, said: Said | null): MemberProfile {
  const { displayName, gender, birthday, locale, region, attributes, updatedAt } = member;
  const kept = {
    ...{ displayName, gender, birthday, locale, region, email: null, address: null, avatarUrl: null },
    attributes,
  };
  if (said === null || said.profile === null) {
    const origin = said?.isFailed === true ? Origin.FALLBACK : Origin.OWN;
    return { ...kept, origin, asOf: updatedAt };
  }
  const { attributes: more, gender: toldGender = gender, displayName: name, ...profile } = said.profile;
  return {
    ...kept,
    ...profile,
    displayName: name ?? displayName,
    gender: toldGender as Gender | null,
    attributes: { ...attributes, ...more },
    ...{ origin: Origin.OUTSIDE, asOf: said.at },
  };
}
