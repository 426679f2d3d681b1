import { ArgsType, Field, ID, InputType, Int } from 'type-graphql';
import type { CallMode, CallOutcome, FailurePolicy, Stage } from '../../extension/index.ts';
import {
  DateTimeScalar,
  DRY_RUN_DESCRIPTION,
  JsonScalar,
  KEY_DESCRIPTION,
  PageArgs,
  PointsScalar,
} from '../shared/index.ts';
import type { Language, Runtime } from './extension.entity.ts';
import {
  ExtensionCallMode,
  ExtensionCallOutcome,
  ExtensionFailurePolicy,
  ExtensionRuntime,
  ExtensionStage,
  SandboxLanguage,
} from './extension.enums.types.ts';

@InputType({ description: 'A service of the enterprise that is asked.' })
export class ExtensionWebhookInput {
  @Field(() => String, {
    description: 'Where it is asked: a public https address, unless the operator allows its network.',
  })
  url!: string;
}

@InputType({ description: 'Code that is uploaded.' })
export class ExtensionSandboxInput {
  @Field(() => String, {
    description: 'A module with `export default`, a function of the input; at most 64 kB.',
  })
  code!: string;

  @Field(() => SandboxLanguage, { nullable: true, description: 'JAVASCRIPT when missing.' })
  language?: Language | null;
}

@InputType({ description: 'A plugin that the operator installed.' })
export class ExtensionPluginInput {
  @Field(() => String, { description: 'The plugin’s id, e.g. `welcome-note`.' })
  id!: string;

  @Field(() => JsonScalar, { nullable: true, description: 'What the plugin lets a tenant configure.' })
  configuration?: unknown;
}

@InputType({ description: 'The most that one answer may post in an asset.' })
export class ExtensionPostingLimitInput {
  @Field(() => String, { description: 'The asset’s code.' })
  asset!: string;

  @Field(() => PointsScalar, { description: 'How much at most; 0 = nothing.' })
  most!: bigint;
}

@InputType({
  description: 'When an extension steps back to SHADOW by itself, by its last 100 calls within ten minutes.',
})
export class ExtensionStepBackInput {
  @Field(() => Int, { nullable: true, description: 'So many of 100 calls failed: 1–100; 50 when missing.' })
  errorPercent?: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'One call in twenty took longer than this; however long when missing.',
  })
  latencyMs?: number | null;

  @Field(() => Int, { nullable: true, description: 'Never before so many calls: 1–100; 20 when missing.' })
  minimumCalls?: number | null;
}

/** What a revision is made of, beside its code. */
@InputType({ description: 'What a version is made of.' })
abstract class ExtensionSettingsInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => Int, { nullable: true, description: 'Which version of the extension point it answers.' })
  pointVersion?: number | null;

  @Field(() => ExtensionWebhookInput, { nullable: true, description: 'With WEBHOOK: who is asked.' })
  webhook?: ExtensionWebhookInput | null;

  @Field(() => ExtensionSandboxInput, { nullable: true, description: 'With SANDBOX: the code.' })
  sandbox?: ExtensionSandboxInput | null;

  @Field(() => ExtensionPluginInput, { nullable: true, description: 'With IN_PROCESS: the plugin.' })
  plugin?: ExtensionPluginInput | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'How long an answer is waited for: at most 1,000 for uploaded code, else 10,000; at first 500.',
  })
  deadlineMs?: number | null;

  @Field(() => ExtensionFailurePolicy, {
    nullable: true,
    description: 'What a failure comes to; at first as the extension point says.',
  })
  onFailure?: FailurePolicy | null;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'With DEFAULT: the answer that a failure comes to, as the extension point’s output.',
  })
  defaultOutput?: unknown;

  @Field(() => Int, {
    nullable: true,
    description: 'Lower ones are asked first, equal ones together; at first 100.',
  })
  priority?: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      'It is asked only where this is true: CEL over the facts of rules, e.g. `activity.type == "review"`.',
  })
  filter?: string | null;

  @Field(() => [ExtensionPostingLimitInput], {
    nullable: true,
    description: 'The assets that it may post, and how much in one answer; null = every asset, `[]` = none.',
  })
  postingLimits?: ExtensionPostingLimitInput[] | null;

  @Field(() => ExtensionStage, {
    nullable: true,
    description: 'Where the version begins; DRAFT when missing.',
  })
  stage?: Stage | null;

  @Field(() => Int, {
    nullable: true,
    description: 'With CANARY: for how many of 100 members its answers count, 1–99.',
  })
  canaryPercent?: number | null;

  @Field(() => ExtensionStepBackInput, {
    nullable: true,
    description: 'When it steps back by itself; null = as its fields say when missing.',
  })
  stepBack?: ExtensionStepBackInput | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({
  description:
    'A new extension. When missing: the newest version of the extension point, 500 ms, what the extension ' +
    'point says of failures, priority 100, stage DRAFT.',
})
export class RegisterExtensionInput extends ExtensionSettingsInput {
  @Field(() => String, {
    description: 'Its name, unique in the tenant: lower-case letters, digits, `-` and `_`.',
  })
  name!: string;

  @Field(() => String, { description: 'The extension point that it answers, e.g. `points.rule`.' })
  point!: string;

  @Field(() => ExtensionRuntime, { description: 'Where its code runs.' })
  runtime!: Runtime;
}

@InputType({
  description:
    'A new version of an extension’s code or settings, in DRAFT unless it says another stage. What is missing ' +
    'stays as it was; null takes away `filter`, `postingLimits`, `defaultOutput` and `stepBack`. What was ' +
    'LIVE goes on answering whoever the new version doesn’t. `priority` and `stepBack` hold at once, for all ' +
    'versions, and make no new one by themselves; nor does `stage`.',
})
export class UpdateExtensionInput extends ExtensionSettingsInput {
  @Field(() => ID, { description: 'Which extension.' })
  extensionId!: string;
}

@InputType({ description: 'The stage of an extension’s newest version.' })
export class SetExtensionStageInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'Which extension.' })
  extensionId!: string;

  @Field(() => ExtensionStage, { description: 'Which stage; nothing comes after RETIRED.' })
  stage!: Stage;

  @Field(() => Int, {
    nullable: true,
    description: 'With CANARY: for how many of 100 members its answers count, 1–99.',
  })
  canaryPercent?: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'Why, for those who ask later; at most 500 characters.',
  })
  reason?: string | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'Which earlier version is brought back.' })
export class RollBackExtensionInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'Which extension.' })
  extensionId!: string;

  @Field(() => Int, {
    nullable: true,
    description: 'Which version; the one that was LIVE before when missing.',
  })
  toVersion?: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'Why, for those who ask later; at most 500 characters.',
  })
  reason?: string | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'An extension that gets a new signing secret beside its last one.' })
export class RotateExtensionSecretInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'Which extension; one that is a webhook.' })
  extensionId!: string;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'What an extension is tried on: a sample, or a recorded call.' })
export class TestExtensionInput {
  @Field(() => ID, { description: 'Which extension; its newest version is asked.' })
  extensionId!: string;

  @Field(() => JsonScalar, {
    nullable: true,
    description:
      'Laid over the extension point’s example: objects key by key, lists item by item. The example itself ' +
      'when missing.',
  })
  sample?: unknown;

  @Field(() => ID, { nullable: true, description: 'A recorded call, which is asked again.' })
  callId?: string | null;
}

@InputType({ description: 'Which recorded calls are asked again.' })
export class ReplayExtensionCallsInput {
  @Field(() => ID, { description: 'Which extension; its newest version is asked.' })
  extensionId!: string;

  @Field(() => ExtensionCallOutcome, { nullable: true, description: 'Only those that came to this.' })
  outcome?: CallOutcome | null;

  @Field(() => ExtensionCallMode, { nullable: true, description: 'Only those of this mode.' })
  mode?: CallMode | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Only those that began then or later.' })
  since?: Date | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Only those that began before then.' })
  until?: Date | null;

  @Field(() => Int, { description: 'How many at most, the newest first: 1 to 100.' })
  first!: number;
}

@InputType({ description: 'Whether new code has to be in SHADOW before it counts.' })
export class RequireShadowInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => Boolean, { description: 'True: CANARY and LIVE are refused to what wasn’t in SHADOW.' })
  required!: boolean;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'What a plugin is to be configured by.' })
export class ConfigurePluginInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => String, { description: 'The plugin’s id, e.g. `risk-guard`.' })
  plugin!: string;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'As its `configurationSchema` says, all of it anew; null = the defaults.',
  })
  configuration?: unknown;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

/** The arguments of a list of calls. */
@ArgsType()
export class ExtensionCallsArgs extends PageArgs {
  @Field(() => ExtensionCallOutcome, { nullable: true, description: 'Only those that came to this.' })
  outcome?: CallOutcome | null;

  @Field(() => ExtensionCallMode, { nullable: true, description: 'Only those of this mode.' })
  mode?: CallMode | null;
}
