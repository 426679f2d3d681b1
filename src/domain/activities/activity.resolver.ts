import {
  Arg,
  Args,
  ArgsType,
  Ctx,
  Extensions,
  Field,
  FieldResolver,
  ID,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from 'type-graphql';
import { toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { Explanation, LedgerOperation, toExplanation } from '../ledgers/index.ts';
import { Member, type MemberLoaders } from '../members/index.ts';
import {
  type ConnectionOf,
  MoneyObject,
  PageArgs,
  payloadOf,
  type Row,
  Source,
  toMoneyObject,
  UserError,
} from '../shared/index.ts';
import { Activity, ActivityConnection, Order } from './activity.entity.ts';
import { RecordActivityInput } from './activity.inputs.ts';
import type { ActivityLoaders } from './activity.loaders.ts';
import type { ActivityService } from './activity.service.ts';

/** What the resolvers of activities need from the request. */
interface ActivityContext {
  readonly request: RequestContext;
  readonly services: { readonly activities: ActivityService };
  readonly loaders: { readonly members: MemberLoaders; readonly activities: ActivityLoaders };
}

@ObjectType({ simpleResolvers: true, description: 'What `recordActivity` answers.' })
class RecordActivityPayload {
  @Field(() => Activity, { nullable: true, description: 'The activity; null when it was refused.' })
  activity!: Activity | null;

  @Field(() => Member, { nullable: true, description: 'Whose it is; null when it was refused.' })
  member!: Member | null;

  @Field(() => [LedgerOperation], {
    description: 'What it gave: one operation for each rule or extension, and asset.',
  })
  operations!: readonly LedgerOperation[];

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}

@Resolver(() => Activity)
export class ActivityResolver {
  @Mutation(() => RecordActivityPayload, {
    description: 'Records what a member did, and posts what the rules give for it.',
  })
  @Extensions({ roles: ['STAFF'] })
  recordActivity(
    @Arg('input', () => RecordActivityInput, { description: 'Who did what, and when.' })
    input: RecordActivityInput,
    @Ctx() { request, services }: ActivityContext,
  ): Promise<RecordActivityPayload> {
    const refused: RecordActivityPayload = { activity: null, member: null, operations: [], userErrors: [] };
    return payloadOf(request, refused, async () => ({
      ...(await services.activities.record(request, input)),
      userErrors: [],
    }));
  }

  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() activity: Row<Activity>): string {
    return toPublicId('activity', activity.activityKey);
  }

  @FieldResolver(() => MoneyObject, {
    nullable: true,
    description: 'What was paid; null if it is about no money.',
  })
  amount(@Root() { amountMinor, currency }: Row<Activity>): MoneyObject | null {
    return amountMinor === null || currency === null ? null : toMoneyObject({ minor: amountMinor, currency });
  }

  @FieldResolver(() => Order, { nullable: true, description: 'The order; null if there is none.' })
  order(@Root() { orderNumber, orderLines, currency }: Row<Activity>): Order | null {
    if (orderNumber === null) return null;
    const lines = (orderLines ?? []).map((line) => ({
      ...line,
      amount: toMoneyObject({ minor: BigInt(line.amount), currency: currency ?? '' }),
    }));
    return { number: orderNumber, lines };
  }

  @FieldResolver(() => Member, { description: 'Who did it.' })
  async member(@Root() { memberKey }: Row<Activity>, @Ctx() { loaders }: ActivityContext): Promise<Member> {
    const member = await loaders.members.member.load(memberKey);
    if (member === null) throw new Error('An activity has no member.');
    return member;
  }

  @FieldResolver(() => MoneyObject, {
    nullable: true,
    description: 'How much of it was refunded so far; null if it is about no money.',
  })
  async refunded(
    @Root() { activityKey, amountMinor, currency }: Row<Activity>,
    @Ctx() { loaders }: ActivityContext,
  ): Promise<MoneyObject | null> {
    if (amountMinor === null || currency === null) return null;
    return toMoneyObject({ minor: await loaders.activities.refunded.load(activityKey), currency });
  }

  @FieldResolver(() => Activity, {
    nullable: true,
    description: 'The purchase that a refund takes back; null for everything else.',
  })
  async refundOf(
    @Root() { refundsKey }: Row<Activity>,
    @Ctx() { loaders }: ActivityContext,
  ): Promise<Activity | null> {
    return refundsKey === null ? null : await loaders.activities.activity.load(refundsKey);
  }

  @FieldResolver(() => Source, { description: 'Where it happened.' })
  source(@Root() { channel, store }: Row<Activity>): Source {
    return { channel, store };
  }

  @FieldResolver(() => [Explanation], {
    description: 'One line for every rule and extension asked, also for those that gave nothing.',
  })
  explanations(
    @Root() { storedExplanations }: Row<Activity>,
    @Ctx() { request }: ActivityContext,
  ): Explanation[] {
    return storedExplanations.map((stored) => toExplanation(stored, request));
  }
}

@ArgsType()
class ActivityArgs extends PageArgs {
  @Field(() => String, { nullable: true, description: 'Only activities of this type, e.g. `purchase`.' })
  type?: string | null;
}

/** What a member did: resolved here, above the members. */
@Resolver(() => Member)
export class MemberActivitiesResolver {
  @FieldResolver(() => ActivityConnection, { description: 'What they did, newest first.' })
  async activities(
    @Root() { memberKey }: Row<Member>,
    @Args(() => ActivityArgs) { type = null, first, after = null }: ActivityArgs,
    @Ctx() { loaders }: ActivityContext,
  ): Promise<ConnectionOf<Activity>> {
    return await loaders.activities.activityPage.load({ memberKey, type, first, after });
  }
}
