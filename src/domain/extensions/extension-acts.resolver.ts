import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql';
import { payloadOf } from '../shared/index.ts';
import type { ExtensionContext } from './extension.context.ts';
import {
  RegisterExtensionInput,
  ReplayExtensionCallsInput,
  RequireShadowInput,
  RollBackExtensionInput,
  RotateExtensionSecretInput,
  SetExtensionStageInput,
  TestExtensionInput,
  UpdateExtensionInput,
} from './extension.inputs.ts';
import {
  RegisterExtensionPayload,
  ReplayExtensionCallsPayload,
  RequireShadowPayload,
  RollBackExtensionPayload,
  RotateExtensionSecretPayload,
  SetExtensionStagePayload,
  TestExtensionPayload,
  UpdateExtensionPayload,
} from './extension.payloads.types.ts';

const REFUSED = { extension: null, userErrors: [] };
const WITHOUT_SECRET = { ...REFUSED, signingSecret: null };

@Resolver()
export class ExtensionActsResolver {
  @Mutation(() => RegisterExtensionPayload, {
    description:
      'Registers an extension, which answers an extension point: not before CANARY and LIVE do its answers count.',
  })
  @Extensions({ roles: ['STAFF'] })
  registerExtension(
    @Arg('input', () => RegisterExtensionInput, { description: 'What it is, and where it begins.' })
    input: RegisterExtensionInput,
    @Ctx() { request, services }: ExtensionContext,
  ): Promise<RegisterExtensionPayload> {
    return payloadOf<RegisterExtensionPayload>(request, WITHOUT_SECRET, async () => ({
      ...(await services.extensions.register(request, input)),
      userErrors: [],
    }));
  }

  @Mutation(() => UpdateExtensionPayload, {
    description:
      'Changes an extension’s code or settings, as a new version. A developer begins in DRAFT or SHADOW.',
  })
  @Extensions({ roles: ['STAFF', 'DEVELOPER'] })
  updateExtension(
    @Arg('input', () => UpdateExtensionInput, { description: 'What changes.' }) input: UpdateExtensionInput,
    @Ctx() { request, services }: ExtensionContext,
  ): Promise<UpdateExtensionPayload> {
    return payloadOf<UpdateExtensionPayload>(request, REFUSED, async () => ({
      extension: (await services.extensions.update(request, input)).extension,
      userErrors: [],
    }));
  }

  @Mutation(() => SetExtensionStagePayload, {
    description:
      'Puts an extension’s newest version in another stage. A webhook is challenged before CANARY and LIVE.',
  })
  @Extensions({ roles: ['STAFF', 'DEVELOPER'] })
  setExtensionStage(
    @Arg('input', () => SetExtensionStageInput, { description: 'Which stage.' })
    input: SetExtensionStageInput,
    @Ctx() { request, services }: ExtensionContext,
  ): Promise<SetExtensionStagePayload> {
    return payloadOf<SetExtensionStagePayload>(request, REFUSED, async () => ({
      extension: (await services.extensions.setStage(request, input)).extension,
      userErrors: [],
    }));
  }

  @Mutation(() => RollBackExtensionPayload, {
    description:
      'Brings back what was LIVE before, or another version: as a new version that is LIVE at once.',
  })
  @Extensions({ roles: ['STAFF'] })
  rollBackExtension(
    @Arg('input', () => RollBackExtensionInput, { description: 'Which version.' })
    input: RollBackExtensionInput,
    @Ctx() { request, services }: ExtensionContext,
  ): Promise<RollBackExtensionPayload> {
    return payloadOf<RollBackExtensionPayload>(request, REFUSED, async () => ({
      extension: (await services.extensions.rollBack(request, input)).extension,
      userErrors: [],
    }));
  }

  @Mutation(() => RotateExtensionSecretPayload, {
    description:
      'Gives a webhook a new signing secret. Its last one signs beside it, until the next rotation.',
  })
  @Extensions({ roles: ['STAFF'] })
  rotateExtensionSecret(
    @Arg('input', () => RotateExtensionSecretInput, { description: 'Which extension.' })
    input: RotateExtensionSecretInput,
    @Ctx() { request, services }: ExtensionContext,
  ): Promise<RotateExtensionSecretPayload> {
    return payloadOf<RotateExtensionSecretPayload>(request, WITHOUT_SECRET, async () => ({
      ...(await services.extensions.rotateSecret(request, input)),
      userErrors: [],
    }));
  }

  @Mutation(() => TestExtensionPayload, {
    description:
      'Asks an extension’s newest version, as TEST: nothing comes of it, but that the call is kept. It has no ' +
      'idempotency key: every time asks again.',
  })
  @Extensions({ roles: ['STAFF', 'DEVELOPER'] })
  testExtension(
    @Arg('input', () => TestExtensionInput, { description: 'On what.' }) input: TestExtensionInput,
    @Ctx() { request, services }: ExtensionContext,
  ): Promise<TestExtensionPayload> {
    return payloadOf<TestExtensionPayload>(request, { run: null, userErrors: [] }, async () => ({
      run: await services.extensionTesting.test(request, input),
      userErrors: [],
    }));
  }

  @Mutation(() => ReplayExtensionCallsPayload, {
    description:
      'Asks an extension’s newest version, as TEST, what recorded calls asked, and compares the answers. It has ' +
      'no idempotency key: every time asks again.',
  })
  @Extensions({ roles: ['STAFF', 'DEVELOPER'] })
  replayExtensionCalls(
    @Arg('input', () => ReplayExtensionCallsInput, { description: 'Which calls.' })
    input: ReplayExtensionCallsInput,
    @Ctx() { request, services }: ExtensionContext,
  ): Promise<ReplayExtensionCallsPayload> {
    return payloadOf<ReplayExtensionCallsPayload>(request, { report: null, userErrors: [] }, async () => ({
      report: await services.extensionTesting.replay(request, input),
      userErrors: [],
    }));
  }

  @Mutation(() => RequireShadowPayload, {
    description: 'Says whether new code of this tenant has to be in SHADOW before it counts.',
  })
  @Extensions({ roles: ['STAFF'] })
  requireShadow(
    @Arg('input', () => RequireShadowInput, { description: 'Whether it has to.' }) input: RequireShadowInput,
    @Ctx() { request, services }: ExtensionContext,
  ): Promise<RequireShadowPayload> {
    return payloadOf<RequireShadowPayload>(request, { required: null, userErrors: [] }, async () => ({
      required: await services.extensions.requireShadow(request, input),
      userErrors: [],
    }));
  }
}
