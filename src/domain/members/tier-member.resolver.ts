import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Row } from '../shared/index.ts';
import { SetTierPayload } from '../tiers/index.ts';
import { Member } from './member.entity.ts';
import type { MemberLoaders } from './member.repository.ts';

/** Whose tier was set: resolved here, above the tiers. */
@Resolver(() => SetTierPayload)
export class TierMemberResolver {
  @FieldResolver(() => Member, { nullable: true, description: 'The member; null when it was refused.' })
  async member(
    @Root() { memberKey, tierThen }: Row<SetTierPayload>,
    @Ctx() { loaders }: { readonly loaders: { readonly members: MemberLoaders } },
  ): Promise<Member | null> {
    const member = memberKey === null ? null : await loaders.members.member.load(memberKey);
    return member === null || tierThen === undefined ? member : { ...member, tierThen };
  }
}
