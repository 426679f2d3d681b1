import { Field, ObjectType } from 'type-graphql';
import { Hold } from './hold.entity.ts';
import { LedgerPayload } from './ledger.payloads.types.ts';

@ObjectType({ simpleResolvers: true, description: 'What mutations of one hold answer.' })
abstract class HoldPayload extends LedgerPayload {
  @Field(() => Hold, {
    nullable: true,
    description: 'The hold as the operation left it; null when it was refused.',
  })
  hold!: Hold | null;
}

@ObjectType({ simpleResolvers: true, description: 'What `holdPoints` answers.' })
export class HoldPointsPayload extends HoldPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `captureHold` answers.' })
export class CaptureHoldPayload extends HoldPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `releaseHold` answers.' })
export class ReleaseHoldPayload extends HoldPayload {}
