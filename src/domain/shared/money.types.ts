import { Field, InputType, ObjectType } from 'type-graphql';
import { fromMinorUnits, type Money } from '../../kernel/money.ts';
import { DecimalScalar } from './scalars.ts';

@ObjectType('Money', { simpleResolvers: true, description: 'An amount of money.' })
export class MoneyObject {
  @Field(() => DecimalScalar, { description: 'The amount in the currency’s major unit, e.g. `"238.00"`.' })
  value!: string;

  @Field(() => String, { description: 'The currency, ISO 4217, e.g. `CNY`.' })
  currency!: string;
}

@InputType({ description: 'An amount of money.' })
export class MoneyInput {
  @Field(() => DecimalScalar, { description: 'The amount in the currency’s major unit, e.g. `"238.00"`.' })
  value!: string;

  @Field(() => String, { description: 'The currency, ISO 4217, e.g. `CNY`.' })
  currency!: string;
}

export function toMoneyObject({ minor, currency }: Money): MoneyObject {
  return { value: fromMinorUnits(minor, currency), currency };
}
