import { Field, ObjectType } from 'type-graphql';
import { UserError } from '../shared/index.ts';
import { Extension } from './extension.types.ts';
import { ExtensionReplayReport, ExtensionRun } from './extension-run.types.ts';
import type { ExtensionView } from './extension-view.types.ts';

const ERRORS = 'Why it was refused; empty when it was done.';

@ObjectType({ simpleResolvers: true, description: 'What changes of an extension answer.' })
abstract class ExtensionChangedPayload {
  @Field(() => Extension, { nullable: true, description: 'The extension; null when it was refused.' })
  extension!: ExtensionView | null;

  @Field(() => [UserError], { description: ERRORS })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What an extension that was given a secret answers.' })
abstract class ExtensionSecretPayload extends ExtensionChangedPayload {
  @Field(() => String, {
    nullable: true,
    description:
      'What signs the calls of a webhook (Standard Webhooks). Shown this once: null for other runtimes, in a ' +
      'replay and in a dry run.',
  })
  signingSecret!: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'What `registerExtension` answers.' })
export class RegisterExtensionPayload extends ExtensionSecretPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `updateExtension` answers.' })
export class UpdateExtensionPayload extends ExtensionChangedPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `setExtensionStage` answers.' })
export class SetExtensionStagePayload extends ExtensionChangedPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `rollBackExtension` answers.' })
export class RollBackExtensionPayload extends ExtensionChangedPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `rotateExtensionSecret` answers.' })
export class RotateExtensionSecretPayload extends ExtensionSecretPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `testExtension` answers.' })
export class TestExtensionPayload {
  @Field(() => ExtensionRun, { nullable: true, description: 'What became of it; null when it was refused.' })
  run!: ExtensionRun | null;

  @Field(() => [UserError], { description: ERRORS })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What `replayExtensionCalls` answers.' })
export class ReplayExtensionCallsPayload {
  @Field(() => ExtensionReplayReport, { nullable: true, description: 'What came of it; null when refused.' })
  report!: ExtensionReplayReport | null;

  @Field(() => [UserError], { description: ERRORS })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What `requireShadow` answers.' })
export class RequireShadowPayload {
  @Field(() => Boolean, { nullable: true, description: 'What holds now; null when it was refused.' })
  required!: boolean | null;

  @Field(() => [UserError], { description: ERRORS })
  userErrors!: UserError[];
}
