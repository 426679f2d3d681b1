import { Field, ObjectType } from 'type-graphql';
import { UserError } from '../shared/index.ts';
import type { Tier } from './tier.entity.ts';
import { TierChange } from './tier-change.entity.ts';

@ObjectType({ simpleResolvers: true, description: 'What `setTier` answers.' })
export class SetTierPayload {
  /** Whose tier it is; the member is resolved above, where members are known. */
  memberKey!: string | null;

  /** Their tier in the primary ladder after it, if that is the ladder in which it was set. */
  tierThen?: Tier | null;

  @Field(() => TierChange, { nullable: true, description: 'What was done; null when it was refused.' })
  change!: TierChange | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}
