import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { AssetDefinition, ProgramDefinition } from './program.schema.ts';
import { ASSET_KINDS } from './program.schema.ts';

/** One version of a tenant's program. Versions are never changed: operations pin them. */
@Entity({ tableName: 'program' })
export class ProgramVersion {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'integer' })
  version!: number;

  @Property({ type: 'json' })
  definition!: ProgramDefinition;

  @Property({ type: 'datetime' })
  appliedAt!: Date;

  @Property({ type: 'text' })
  appliedBy!: string;
}

export const AssetKind = Object.fromEntries(ASSET_KINDS.map((kind) => [kind, kind])) as {
  [Kind in (typeof ASSET_KINDS)[number]]: Kind;
};
registerEnumType(AssetKind, {
  name: 'AssetKind',
  description: 'What a ledger counts.',
  valuesConfig: {
    POINTS: { description: 'Points that members earn and spend.' },
    GROWTH: { description: 'Growth value: what tiers are reached by; not spent.' },
    STORED_VALUE: { description: 'Money that a member has paid in, in minor units.' },
    TOKEN: { description: 'Tokens, stamps and the like.' },
  },
});

@ObjectType({
  simpleResolvers: true,
  description: 'What a ledger counts: points, growth value, stored value or a token.',
})
export class Asset {
  /** Where the name comes from. */
  definition!: AssetDefinition;

  @Field(() => String, { description: 'The tenant’s own code, e.g. `points`.' })
  code!: string;

  @Field(() => AssetKind, { description: 'What kind of thing it is.' })
  kind!: keyof typeof AssetKind;

  @Field(() => Boolean, { description: 'Whether members may spend it.' })
  spendable!: boolean;

  @Field(() => Boolean, { description: 'Whether members may give it to each other.' })
  transferable!: boolean;
}

@ObjectType({
  simpleResolvers: true,
  description: 'A tenant’s whole loyalty definition, in the version in force.',
})
export class Program {
  definition!: ProgramDefinition;

  @Field(() => ID, { description: 'An opaque id.' })
  id!: string;

  @Field(() => Int, {
    description: 'The version in force; operations name the version that they were made under.',
  })
  version!: number;

  @Field(() => String, { description: 'The time zone in which its days, months and years are counted.' })
  timeZone!: string;

  @Field(() => String, { description: 'The currency of its amounts of money, ISO 4217.' })
  currency!: string;

  @Field(() => [Asset], { description: 'Its assets, in the order of the program file.' })
  assets!: Asset[];
}
