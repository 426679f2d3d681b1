import { Field, Float, Int, ObjectType } from 'type-graphql';
import type { CallMode, CallOutcome, FailurePolicy, PointKind, Stage } from '../../extension/index.ts';
import { connectionType, DateTimeScalar, edgeType, JsonScalar, Node, PointsScalar } from '../shared/index.ts';
import type { ChangeKind, Language, Runtime } from './extension.entity.ts';
import {
  ExtensionCallMode,
  ExtensionCallOutcome,
  ExtensionChangeKind,
  ExtensionFailurePolicy,
  ExtensionHealthState,
  ExtensionPointKind,
  ExtensionRuntime,
  ExtensionStage,
  type NameOf,
  SandboxLanguage,
} from './extension.enums.types.ts';

@ObjectType({ simpleResolvers: true, description: 'A typed question that the product asks extensions.' })
export class ExtensionPointObject {
  @Field(() => String, { description: 'What it is called, e.g. `points.rule`.' })
  name!: string;

  @Field(() => Int, { description: 'Which version of the question.' })
  version!: number;

  @Field(() => ExtensionPointKind, { description: 'How it stands to what happens.' })
  kind!: PointKind;

  @Field(() => String, { description: 'When it is asked, and what an answer means.' })
  description!: string;

  @Field(() => JsonScalar, {
    description: 'What it is asked with, as JSON Schema; `pii` marks personal data.',
  })
  inputSchema!: unknown;

  @Field(() => JsonScalar, { description: 'What it may be answered with, as JSON Schema.' })
  outputSchema!: unknown;

  @Field(() => JsonScalar, {
    description: '`{ input, output }`: what it may be asked with, and an answer to that.',
  })
  example!: unknown;
}

@ObjectType({ simpleResolvers: true, description: 'What a runtime allows; null where it has no such limit.' })
export class ExtensionLimits {
  @Field(() => Int, { nullable: true, description: 'How much memory the code has.' })
  memoryBytes!: number | null;

  @Field(() => Int, { description: 'The longest deadline.' })
  deadlineMs!: number;

  @Field(() => Int, { nullable: true, description: 'How large the code may be.' })
  codeBytes!: number | null;

  @Field(() => Int, { nullable: true, description: 'How large the JSON of an input may be.' })
  inputBytes!: number | null;

  @Field(() => Int, { nullable: true, description: 'How large the JSON of an answer may be.' })
  outputBytes!: number | null;

  @Field(() => Int, { nullable: true, description: 'How deep the JSON may nest.' })
  jsonDepth!: number | null;

  @Field(() => Int, { nullable: true, description: 'How many lines a call may log.' })
  logLines!: number | null;
}

@ObjectType({ simpleResolvers: true, description: 'The service that is asked.' })
export class ExtensionWebhook {
  @Field(() => String, { description: 'Its address.' })
  url!: string;
}

@ObjectType({ simpleResolvers: true, description: 'The code that was uploaded.' })
export class ExtensionSandbox {
  @Field(() => String, { description: 'As it was uploaded.' })
  code!: string;

  @Field(() => SandboxLanguage, { description: 'What it is written in.' })
  language!: Language;
}

@ObjectType({ simpleResolvers: true, description: 'The operator’s plugin that answers.' })
export class ExtensionPlugin {
  @Field(() => String, { description: 'Its name, as the operator installed it.' })
  id!: string;

  @Field(() => JsonScalar, { nullable: true, description: 'What the tenant configured; null where nothing.' })
  configuration!: unknown;
}

@ObjectType({ simpleResolvers: true, description: 'The most that one answer may post in an asset.' })
export class ExtensionPostingLimit {
  @Field(() => String, { description: 'The asset’s code.' })
  asset!: string;

  @Field(() => PointsScalar, { description: 'How much at most.' })
  most!: bigint;
}

@ObjectType({ simpleResolvers: true, description: 'When an extension steps back to SHADOW by itself.' })
export class ExtensionStepBack {
  @Field(() => Int, { description: 'When so many of 100 calls failed.' })
  errorPercent!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'When one call in twenty took longer than this; null = however long.',
  })
  latencyMs!: number | null;

  @Field(() => Int, { description: 'Never before so many calls.' })
  minimumCalls!: number;
}

@ObjectType({
  simpleResolvers: true,
  description:
    'How an extension did in the last hour: its last 1,000 calls at most, without tests and dry runs.',
})
export class ExtensionHealth {
  @Field(() => ExtensionHealthState, { description: 'All of it in one word.' })
  state!: NameOf<typeof ExtensionHealthState>;

  @Field(() => Int, { description: 'How often it was asked.' })
  calls!: number;

  @Field(() => Int, { description: 'How many of the calls failed.' })
  failures!: number;

  @Field(() => Float, {
    nullable: true,
    description: 'Half of the calls took at most this; null without calls.',
  })
  p50Ms!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: 'All but one in a hundred took at most this; null without calls.',
  })
  p99Ms!: number | null;
}

@ObjectType({ simpleResolvers: true, description: 'Why a call failed.' })
export class ExtensionCallError {
  @Field(() => String, { description: 'A stable code, e.g. `WEBHOOK_TIMEOUT`.' })
  code!: string;

  @Field(() => String, { description: 'What happened, in the caller’s language where the product says it.' })
  message!: string;

  @Field(() => Int, { nullable: true, description: 'In uploaded code: the line, from 1.' })
  line!: number | null;

  @Field(() => Int, { nullable: true, description: 'In uploaded code: the column, from 1.' })
  column!: number | null;
}

@ObjectType({
  simpleResolvers: true,
  description: 'Where a shadow’s answer differs from the one that counted.',
})
export class ExtensionDifference {
  @Field(() => String, { description: 'Where, e.g. `postings.0.amount`.' })
  path!: string;

  @Field(() => JsonScalar, { nullable: true, description: 'What counted; null where it had nothing there.' })
  live!: unknown;

  @Field(() => JsonScalar, { nullable: true, description: 'What the shadow said; null where nothing.' })
  shadow!: unknown;
}

@ObjectType({
  simpleResolvers: true,
  implements: Node,
  description: 'One call of an extension, without personal data.',
})
export class ExtensionCall extends Node {
  @Field(() => ExtensionCallMode, { description: 'Why it was called.' })
  mode!: CallMode;

  @Field(() => ExtensionCallOutcome, { description: 'What became of it.' })
  outcome!: CallOutcome;

  @Field(() => DateTimeScalar, { description: 'When it began.' })
  startedAt!: Date;

  @Field(() => Float, { description: 'How long it took, waiting for its turn included.' })
  durationMs!: number;

  @Field(() => Int, { description: 'From 1; a request whose commit failed asks again.' })
  attempt!: number;

  @Field(() => Int, { description: 'Which version of the extension was asked.' })
  version!: number;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'What it was asked with; personal data is `"[redacted]"`.',
  })
  input!: unknown;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'What it answered, redacted alike; null where it didn’t.',
  })
  output!: unknown;

  @Field(() => ExtensionCallError, { nullable: true, description: 'Why it failed; null where it didn’t.' })
  error!: ExtensionCallError | null;

  @Field(() => [String], { description: 'What the code logged.' })
  logs!: readonly string[];

  @Field(() => [ExtensionDifference], {
    nullable: true,
    description:
      'With SHADOW: in what it differs, `[]` where in nothing; null where answers can’t be compared.',
  })
  differences!: ExtensionDifference[] | null;
}

@ObjectType({ simpleResolvers: true, description: 'One call of a list.' })
export class ExtensionCallEdge extends edgeType<ExtensionCall>(() => ExtensionCall, 'call') {}

@ObjectType({ simpleResolvers: true, description: 'A page of calls, newest first.' })
export class ExtensionCallConnection extends connectionType<ExtensionCall>(
  () => ExtensionCallEdge,
  'calls',
) {}

@ObjectType({ simpleResolvers: true, description: 'One state of an extension’s code and settings.' })
export class ExtensionRevision {
  @Field(() => Int, { description: 'Which one, from 1.' })
  version!: number;

  @Field(() => Int, { description: 'Which version of the extension point it answers.' })
  pointVersion!: number;

  @Field(() => Int, { description: 'How long an answer is waited for, its turn included.' })
  deadlineMs!: number;

  @Field(() => ExtensionFailurePolicy, { description: 'What a failure comes to.' })
  onFailure!: FailurePolicy;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'With DEFAULT: what a failure comes to; else null.',
  })
  defaultOutput!: unknown;

  @Field(() => String, {
    nullable: true,
    description: 'The condition, in CEL, on which it is asked; null = always.',
  })
  filter!: string | null;

  @Field(() => String, { nullable: true, description: 'Of uploaded code: SHA-256 of what runs.' })
  digest!: string | null;

  @Field(() => Int, { nullable: true, description: 'The version that it brought back; null if none.' })
  restores!: number | null;

  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  madeAt!: Date;

  @Field(() => String, { description: 'Who made it: a key’s id, or a person.' })
  madeBy!: string;
}

@ObjectType({ simpleResolvers: true, description: 'One version of a list.' })
export class ExtensionRevisionEdge extends edgeType<ExtensionRevision>(() => ExtensionRevision, 'version') {}

@ObjectType({ simpleResolvers: true, description: 'A page of versions, newest first.' })
export class ExtensionRevisionConnection extends connectionType<ExtensionRevision>(
  () => ExtensionRevisionEdge,
  'versions',
) {}

@ObjectType({ simpleResolvers: true, description: 'What was done to an extension.' })
export class ExtensionChange {
  @Field(() => ExtensionChangeKind, { description: 'What it was.' })
  kind!: ChangeKind;

  @Field(() => Int, { description: 'The newest version then.' })
  version!: number;

  @Field(() => ExtensionStage, { nullable: true, description: 'The stage before; null at the first.' })
  fromStage!: Stage | null;

  @Field(() => ExtensionStage, { description: 'The stage after it.' })
  toStage!: Stage;

  @Field(() => Int, { description: 'With CANARY: for how many of 100 members; else 0.' })
  canaryPercent!: number;

  @Field(() => String, { nullable: true, description: 'Why, as it was said.' })
  reason!: string | null;

  @Field(() => String, { description: 'Who did it: a key’s id, a person, or `membergraph` itself.' })
  madeBy!: string;

  @Field(() => DateTimeScalar, { description: 'When it was done.' })
  madeAt!: Date;
}

@ObjectType({ simpleResolvers: true, description: 'One change of a list.' })
export class ExtensionChangeEdge extends edgeType<ExtensionChange>(() => ExtensionChange, 'change') {}

@ObjectType({ simpleResolvers: true, description: 'A page of changes, newest first.' })
export class ExtensionChangeConnection extends connectionType<ExtensionChange>(
  () => ExtensionChangeEdge,
  'changes',
) {}

@ObjectType({
  simpleResolvers: true,
  implements: Node,
  description: 'An answerer of an extension point. Code and settings are those of its newest version.',
})
export class Extension extends Node {
  @Field(() => String, { description: 'Its name, unique in the tenant.' })
  name!: string;

  @Field(() => ExtensionPointObject, { description: 'The question that it answers.' })
  point!: ExtensionPointObject;

  @Field(() => ExtensionRuntime, { description: 'Where its code runs.' })
  runtime!: Runtime;

  @Field(() => ExtensionStage, { description: 'How far the newest version may act.' })
  stage!: Stage;

  @Field(() => Int, { description: 'With CANARY: for how many of 100 members its answers count; else 0.' })
  canaryPercent!: number;

  @Field(() => Int, { description: 'The newest version of code and settings, from 1.' })
  version!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'The version that answers whoever the newest one doesn’t; null without one.',
  })
  liveVersion!: number | null;

  @Field(() => Boolean, {
    description: 'Whether nobody registered it: the operator’s plugin, which answers for every tenant.',
  })
  isImplied!: boolean;

  @Field(() => Int, { description: 'How long an answer is waited for, its turn included.' })
  deadlineMs!: number;

  @Field(() => ExtensionFailurePolicy, { description: 'What a failure comes to.' })
  onFailure!: FailurePolicy;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'With DEFAULT: what a failure comes to; else null.',
  })
  defaultOutput!: unknown;

  @Field(() => Int, { description: 'Lower ones are asked first; equal ones together.' })
  priority!: number;

  @Field(() => String, {
    nullable: true,
    description: 'The condition, in CEL, on which it is asked; null = always.',
  })
  filter!: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'One extension of a list.' })
export class ExtensionEdge extends edgeType<Extension>(() => Extension, 'extension') {}

@ObjectType({
  simpleResolvers: true,
  description: 'A page of extensions, newest first; the operator’s plugins at the end.',
})
export class ExtensionConnection extends connectionType<Extension>(() => ExtensionEdge, 'extensions') {}
