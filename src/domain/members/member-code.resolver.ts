import { Arg, Ctx, Extensions, Field, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../../kernel/request-context.ts';
import { DateTimeScalar, payloadOf, UserError } from '../shared/index.ts';
import { Member } from './member.entity.ts';
import { IssueMemberCodeInput } from './member-code.inputs.ts';
import type { IssuedCode, MemberCodeService } from './member-code.service.ts';

/** What the resolver needs from the request. */
interface CodeContext {
  readonly request: RequestContext;
  readonly services: { readonly memberCodes: MemberCodeService };
}

@ObjectType({ simpleResolvers: true, description: 'What a till scans to recognise a member.' })
class MemberCode implements IssuedCode {
  @Field(() => String, { description: 'What to show as a QR code, as it is.' })
  code!: string;

  @Field(() => String, {
    nullable: true,
    description: 'What to show besides for scanners of one dimension; null where there is none.',
  })
  barcode!: string | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Until when it can be used: ask for the next one before that; null = it has no end.',
  })
  expiresAt!: Date | null;
}

@ObjectType({ simpleResolvers: true, description: 'What `issueMemberCode` answers.' })
class IssueMemberCodePayload {
  @Field(() => MemberCode, { nullable: true, description: 'The code; null when it was refused.' })
  memberCode!: MemberCode | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}

@Resolver()
export class MemberCodeResolver {
  @Mutation(() => IssueMemberCodePayload, {
    description:
      'A code by which a till recognises a member: the enterprise’s, by an extension, or else one for five minutes. ' +
      'Members: their own. It is as good as the card itself: show it, and keep it nowhere.',
  })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  issueMemberCode(
    @Arg('input', () => IssueMemberCodeInput, { description: 'Whose code.' }) input: IssueMemberCodeInput,
    @Ctx() { request, services }: CodeContext,
  ): Promise<IssueMemberCodePayload> {
    const refused: IssueMemberCodePayload = { memberCode: null, userErrors: [] };
    return payloadOf(request, refused, async () => ({
      memberCode: await services.memberCodes.issue(request, input),
      userErrors: [],
    }));
  }

  @Query(() => Member, {
    nullable: true,
    description:
      'The member whose code, or number of a membership card, was scanned; null when it is nobody’s, or over.',
  })
  @Extensions({ roles: ['STAFF'] })
  async memberByCode(
    @Arg('code', () => String, { description: 'What the till scanned.' }) code: string,
    @Ctx() { request, services }: CodeContext,
  ): Promise<Member | null> {
    return await services.memberCodes.memberOf(request, code);
  }
}
