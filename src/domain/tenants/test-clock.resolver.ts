import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql';
import type { RequestContext } from '../../kernel/request-context.ts';
import { payloadOf } from '../shared/index.ts';
import { AdvanceTestClockInput } from './tenant.inputs.ts';
import { AdvanceTestClockPayload } from './tenant.payloads.types.ts';
import type { TestClockService } from './test-clock.service.ts';

/** What the resolver of the test clock needs from the request. */
interface TestClockContext {
  readonly request: RequestContext;
  readonly services: { readonly testClock: TestClockService };
}

@Resolver()
export class TestClockResolver {
  @Mutation(() => AdvanceTestClockPayload, {
    description:
      'Moves the clock of a sandbox on. What time does on the way is done before the answer, day by day: what falls due or expires, birthdays, the review of tiers.',
  })
  @Extensions({ roles: ['STAFF'] })
  advanceTestClock(
    @Arg('input', () => AdvanceTestClockInput, { description: 'How far.' }) input: AdvanceTestClockInput,
    @Ctx() { request, services }: TestClockContext,
  ): Promise<AdvanceTestClockPayload> {
    return payloadOf<AdvanceTestClockPayload>(request, { now: null, userErrors: [] }, async () => ({
      now: await services.testClock.advance(request, input),
      userErrors: [],
    }));
  }
}
