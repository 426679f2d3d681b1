import { Field, ObjectType } from 'type-graphql';
import { UserError } from '../shared/index.ts';
import { BenefitUse } from './benefit-use.entity.ts';
import { Grant } from './grant.entity.ts';

@ObjectType({ simpleResolvers: true, description: 'What mutations of granted benefits answer.' })
abstract class GrantPayload {
  @Field(() => Grant, {
    nullable: true,
    description: 'The granted benefit as it was left; null when it was refused.',
  })
  grant!: Grant | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What mutations of uses answer.' })
abstract class UsePayload extends GrantPayload {
  @Field(() => BenefitUse, { nullable: true, description: 'The use; null when it was refused.' })
  use!: BenefitUse | null;
}

@ObjectType({ simpleResolvers: true, description: 'What `grantBenefit` answers.' })
export class GrantBenefitPayload extends GrantPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `revokeGrant` answers.' })
export class RevokeGrantPayload extends GrantPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `useBenefit` answers.' })
export class UseBenefitPayload extends UsePayload {}

@ObjectType({ simpleResolvers: true, description: 'What `undoBenefitUse` answers.' })
export class UndoBenefitUsePayload extends UsePayload {}
