import { ArgsType, Field } from 'type-graphql';
import { PageArgs } from '../shared/index.ts';
import { DifferenceStatus } from './mirror-difference.entity.ts';

@ArgsType()
export class DifferenceArgs extends PageArgs {
  @Field(() => String, { nullable: true, description: 'Only those in this asset.' })
  asset?: string | null;

  @Field(() => DifferenceStatus, { nullable: true, description: 'Only those of which this became.' })
  status?: DifferenceStatus | null;
}
