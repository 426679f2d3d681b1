import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType, DateTimeScalar, edgeType, MoneyObject, PointsScalar } from '../shared/index.ts';
import { ASSET_KINDS, ASSET_RECORDS, type AssetDefinition } from './asset.schema.ts';
import type { ProgramDefinition } from './program.schema.ts';

/** One version of a tenant's program. Versions are never changed: operations pin them. */
@ObjectType({
  simpleResolvers: true,
  description: 'One version of the program. What was made under it names it for ever.',
})
@Entity({ tableName: 'program' })
export class ProgramVersion {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @Field(() => Int, { description: 'Its number; the first is 1.' })
  @PrimaryKey({ type: 'integer' })
  version!: number;

  @Property({ type: 'json' })
  definition!: ProgramDefinition;

  @Field(() => DateTimeScalar, { description: 'When it came into force.' })
  @Property({ type: 'datetime' })
  appliedAt!: Date;

  @Field(() => String, {
    description: 'Who applied it: an API key’s id, the subject of a token, or `cli`.',
  })
  @Property({ type: 'text' })
  appliedBy!: string;
}

@ObjectType({ simpleResolvers: true, description: 'One version of a list.' })
export class ProgramVersionEdge extends edgeType(() => ProgramVersion, 'version of the program') {}

@ObjectType({ simpleResolvers: true, description: 'A page of versions of the program, newest first.' })
export class ProgramVersionConnection extends connectionType(
  () => ProgramVersionEdge,
  'versions of the program',
) {}

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

export const AssetRecord = Object.fromEntries(ASSET_RECORDS.map((record) => [record, record])) as {
  [Record in (typeof ASSET_RECORDS)[number]]: Record;
};
registerEnumType(AssetRecord, {
  name: 'AssetRecord',
  description: 'Who keeps the record of an asset.',
  valuesConfig: {
    INTERNAL: { description: 'Our ledgers are the record.' },
    EXTERNAL: {
      description: 'The enterprise’s own system is the record; our ledgers are the mirror of it.',
    },
  },
});

@ObjectType({
  simpleResolvers: true,
  description: 'What a ledger counts: points, growth value, stored value or a token.',
})
export class Asset {
  /** Where the name comes from. */
  definition!: AssetDefinition;

  /** Of the program that it is of. */
  currency!: string;

  @Field(() => String, { description: 'The tenant’s own code, e.g. `points`.' })
  code!: string;

  @Field(() => AssetKind, { description: 'What kind of thing it is.' })
  kind!: keyof typeof AssetKind;

  @Field(() => AssetRecord, {
    description:
      'Who keeps its record. Where another system does, our ledgers are a mirror of what it was asked.',
  })
  recordOf!: keyof typeof AssetRecord;

  @Field(() => Boolean, { description: 'Whether members may spend it.' })
  spendable!: boolean;

  @Field(() => Boolean, { description: 'Whether members may give it to each other.' })
  transferable!: boolean;

  @Field(() => Int, {
    description: 'How many decimal places an amount has when people read it: with 2, `1234` reads 12.34.',
  })
  scale!: number;
}

@ObjectType({ simpleResolvers: true, description: 'What an asset is worth: so much of it is so much money.' })
export class AssetRate {
  @Field(() => PointsScalar, { description: 'How much of the asset.' })
  amount!: bigint;

  @Field(() => MoneyObject, { description: 'How much money that is, in the program’s currency.' })
  money!: MoneyObject;
}

@ObjectType({ simpleResolvers: true, description: 'What members get for what they do.' })
export class Rule {
  @Field(() => String, { description: 'The tenant’s own code, e.g. `purchase-points`.' })
  code!: string;

  @Field(() => String, { description: 'Its name, in the caller’s language.' })
  name!: string;

  @Field(() => String, { description: 'The type of activity that it answers, e.g. `purchase`.' })
  trigger!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Its condition, a CEL expression; null when it always applies.',
  })
  when!: string | null;

  @Field(() => Int, { description: 'Rules of lower numbers are asked first.' })
  order!: number;

  @Field(() => String, {
    nullable: true,
    description: 'Of the rules of one such group only the first that gives something does; null without one.',
  })
  exclusive!: string | null;
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
