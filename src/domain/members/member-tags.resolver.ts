import { Arg, Ctx, Extensions, Field, Mutation, ObjectType, Resolver } from 'type-graphql';
import type { RequestContext } from '../../kernel/request-context.ts';
import { payloadOf, UserError } from '../shared/index.ts';
import { Member } from './member.entity.ts';
import { ChangeTagsInput } from './member.inputs.ts';
import type { MemberService } from './member.service.ts';

/** What the mutation needs from the request. */
interface TagContext {
  readonly request: RequestContext;
  readonly services: { readonly members: MemberService };
}

@ObjectType({ simpleResolvers: true, description: 'What `changeTags` answers.' })
class ChangeTagsPayload {
  @Field(() => Member, { nullable: true, description: 'The member as changed; null when it was refused.' })
  member!: Member | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}

@Resolver()
export class MemberTagsResolver {
  @Mutation(() => ChangeTagsPayload, {
    description: 'Adds tags to a member and removes others, whatever others do to the rest meanwhile.',
  })
  @Extensions({ roles: ['STAFF'] })
  changeTags(
    @Arg('input', () => ChangeTagsInput, { description: 'Which tags they get, which they lose.' })
    input: ChangeTagsInput,
    @Ctx() { request, services }: TagContext,
  ): Promise<ChangeTagsPayload> {
    const refused: ChangeTagsPayload = { member: null, userErrors: [] };
    return payloadOf(request, refused, async () => ({
      member: await services.members.changeTags(request, input),
      userErrors: [],
    }));
  }
}
