import { Field, Int, ObjectType } from 'type-graphql';
import { DateTimeScalar, JsonScalar, UserError } from '../shared/index.ts';

@ObjectType({
  simpleResolvers: true,
  description: 'A plugin that the operator installed, as it is for this tenant.',
})
export class InstalledPlugin {
  @Field(() => String, { description: 'Its name, e.g. `risk-guard`.' })
  id!: string;

  @Field(() => Int, { description: 'The plugin’s own version.' })
  version!: number;

  @Field(() => String, { description: 'What it does.' })
  description!: string;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'What a tenant can configure, as JSON Schema with defaults; null where there is nothing.',
  })
  configurationSchema!: unknown;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'What the tenant configured; null = the defaults. What is missing in it has its default.',
  })
  configuration!: unknown;

  @Field(() => Int, { description: 'How often it was configured; 0 = never.' })
  configurationVersion!: number;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was last; null = never.' })
  configuredAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'Who did; null = nobody.' })
  configuredBy!: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'What `configurePlugin` answers.' })
export class ConfigurePluginPayload {
  @Field(() => InstalledPlugin, { nullable: true, description: 'The plugin; null when it was refused.' })
  plugin!: InstalledPlugin | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}
