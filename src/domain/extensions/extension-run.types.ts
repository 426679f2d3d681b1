import { Field, Float, ID, Int, ObjectType } from 'type-graphql';
import type { CallOutcome } from '../../extension/index.ts';
import { JsonScalar } from '../shared/index.ts';
import { ExtensionCallOutcome } from './extension.enums.types.ts';
import { ExtensionCallError } from './extension.types.ts';

@ObjectType({ simpleResolvers: true, description: 'What became of a test.' })
export class ExtensionRun {
  @Field(() => ID, { description: 'The call, as it is kept.' })
  callId!: string;

  @Field(() => ExtensionCallOutcome, { description: 'What became of it.' })
  outcome!: CallOutcome;

  @Field(() => Float, { description: 'How long it took, waiting for its turn included.' })
  durationMs!: number;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'What it answered, without personal data; null where it didn’t.',
  })
  output!: unknown;

  @Field(() => [String], { description: 'What the code logged.' })
  logs!: readonly string[];

  @Field(() => ExtensionCallError, { nullable: true, description: 'Why it failed; null where it didn’t.' })
  error!: ExtensionCallError | null;
}

@ObjectType({ simpleResolvers: true, description: 'Where an answer differs from the one that was recorded.' })
export class ExtensionReplayDifference {
  @Field(() => String, { description: 'Where, e.g. `postings.0.amount`.' })
  path!: string;

  @Field(() => JsonScalar, { nullable: true, description: 'What was answered; null where nothing.' })
  before!: unknown;

  @Field(() => JsonScalar, { nullable: true, description: 'What is answered now; null where nothing.' })
  now!: unknown;
}

@ObjectType({ simpleResolvers: true, description: 'A recorded call that was asked again.' })
export class ExtensionReplay {
  @Field(() => ID, { description: 'The recorded call.' })
  callId!: string;

  @Field(() => ExtensionCallOutcome, { description: 'What had become of it.' })
  before!: CallOutcome;

  @Field(() => ExtensionRun, { description: 'What becomes of it now.' })
  now!: ExtensionRun;

  @Field(() => [ExtensionReplayDifference], { description: 'In what the answers differ.' })
  differences!: ExtensionReplayDifference[];
}

@ObjectType({ simpleResolvers: true, description: 'What came of asking recorded calls again.' })
export class ExtensionReplayReport {
  @Field(() => Int, { description: 'How many answers are the same.' })
  same!: number;

  @Field(() => Int, { description: 'How many answers are not the same, those that fail now included.' })
  different!: number;

  @Field(() => Int, {
    description: 'How many fail now; those that failed alike before count as the same, too.',
  })
  failed!: number;

  @Field(() => Int, { description: 'How many were not asked again, because the time for it was over.' })
  notAsked!: number;

  @Field(() => [ExtensionReplay], { description: 'Each call, the newest first.' })
  calls!: ExtensionReplay[];
}
