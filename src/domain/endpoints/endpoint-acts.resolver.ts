import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql';
import { payloadOf } from '../shared/index.ts';
import type { EndpointContext } from './endpoint.context.ts';
import {
  RegisterEventEndpointInput,
  RemoveEventEndpointInput,
  ReplayEventsInput,
  RotateEventEndpointSecretInput,
  TestEventEndpointInput,
  UpdateEventEndpointInput,
} from './endpoint.inputs.ts';
import {
  RegisterEventEndpointPayload,
  RemoveEventEndpointPayload,
  ReplayEventsPayload,
  RotateEventEndpointSecretPayload,
  TestEventEndpointPayload,
  UpdateEventEndpointPayload,
} from './endpoint.payloads.types.ts';
import { showFault } from './shown-fault.ts';

const REFUSED = { endpoint: null, userErrors: [] };
const WITHOUT_SECRET = { ...REFUSED, signingSecret: null };

@Resolver()
export class EndpointActsResolver {
  @Mutation(() => RegisterEventEndpointPayload, {
    description:
      'Registers an endpoint, which is told of events by signed webhooks: what subscriptions tell.',
  })
  @Extensions({ roles: ['STAFF'] })
  registerEventEndpoint(
    @Arg('input', () => RegisterEventEndpointInput, { description: 'What it is.' })
    input: RegisterEventEndpointInput,
    @Ctx() { request, services }: EndpointContext,
  ): Promise<RegisterEventEndpointPayload> {
    return payloadOf<RegisterEventEndpointPayload>(request, WITHOUT_SECRET, async () => ({
      ...(await services.endpoints.register(request, input)),
      userErrors: [],
    }));
  }

  @Mutation(() => UpdateEventEndpointPayload, {
    description: 'Changes where an endpoint is, or of what it is told; pauses and resumes it.',
  })
  @Extensions({ roles: ['STAFF'] })
  updateEventEndpoint(
    @Arg('input', () => UpdateEventEndpointInput, { description: 'What changes.' })
    input: UpdateEventEndpointInput,
    @Ctx() { request, services }: EndpointContext,
  ): Promise<UpdateEventEndpointPayload> {
    return payloadOf<UpdateEventEndpointPayload>(request, REFUSED, async () => ({
      endpoint: await services.endpoints.update(request, input),
      userErrors: [],
    }));
  }

  @Mutation(() => RotateEventEndpointSecretPayload, {
    description:
      'Gives an endpoint a new signing secret. The last one signs beside it, until the next rotation.',
  })
  @Extensions({ roles: ['STAFF'] })
  rotateEventEndpointSecret(
    @Arg('input', () => RotateEventEndpointSecretInput, { description: 'Which endpoint.' })
    input: RotateEventEndpointSecretInput,
    @Ctx() { request, services }: EndpointContext,
  ): Promise<RotateEventEndpointSecretPayload> {
    return payloadOf<RotateEventEndpointSecretPayload>(request, WITHOUT_SECRET, async () => ({
      ...(await services.endpoints.rotateSecret(request, input)),
      userErrors: [],
    }));
  }

  @Mutation(() => RemoveEventEndpointPayload, {
    description: 'Takes an endpoint away, and what is kept of its deliveries. Its name is free again.',
  })
  @Extensions({ roles: ['STAFF'] })
  removeEventEndpoint(
    @Arg('input', () => RemoveEventEndpointInput, { description: 'Which endpoint.' })
    input: RemoveEventEndpointInput,
    @Ctx() { request, services }: EndpointContext,
  ): Promise<RemoveEventEndpointPayload> {
    return payloadOf<RemoveEventEndpointPayload>(request, { removed: null, userErrors: [] }, async () => ({
      removed: await services.endpoints.remove(request, input),
      userErrors: [],
    }));
  }

  @Mutation(() => TestEventEndpointPayload, {
    description:
      'Sends a signed event of the type `endpoint.test` now, whatever the endpoint’s status, and tells what came ' +
      'back. It has no idempotency key: every time sends again.',
  })
  @Extensions({ roles: ['STAFF'] })
  testEventEndpoint(
    @Arg('input', () => TestEventEndpointInput, { description: 'Which endpoint.' })
    input: TestEventEndpointInput,
    @Ctx() { request, services }: EndpointContext,
  ): Promise<TestEventEndpointPayload> {
    return payloadOf<TestEventEndpointPayload>(request, { test: null, userErrors: [] }, async () => {
      const { fault, status, durationMs } = await services.endpoints.test(request, input);
      const error = showFault(request, fault);
      return { test: { delivered: fault === null, status, durationMs, error }, userErrors: [] };
    });
  }

  @Mutation(() => ReplayEventsPayload, {
    description:
      'Tells an endpoint events again that it was told, or that were given up: the same ids, in their order.',
  })
  @Extensions({ roles: ['STAFF'] })
  replayEvents(
    @Arg('input', () => ReplayEventsInput, { description: 'Which events.' }) input: ReplayEventsInput,
    @Ctx() { request, services }: EndpointContext,
  ): Promise<ReplayEventsPayload> {
    return payloadOf<ReplayEventsPayload>(request, { replay: null, userErrors: [] }, async () => ({
      replay: await services.eventReplays.replay(request, input),
      userErrors: [],
    }));
  }
}
