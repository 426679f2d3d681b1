import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType } from 'type-graphql';
import type { LocalizedText } from '../../kernel/localized.ts';
import { DateTimeScalar, Node } from '../shared/index.ts';
import type { Entry } from './entry.entity.ts';
import { ExplanationOutcome, OperationKind } from './ledger.enums.types.ts';
import type { Allocation } from './lot.entity.ts';

@ObjectType({ simpleResolvers: true, description: 'A rule of the program, in the version that was asked.' })
export class RuleReference {
  @Field(() => String, { description: 'The rule’s code.' })
  code!: string;

  @Field(() => Int, { description: 'The version of the program that holds it.' })
  version!: number;
}

@ObjectType({ simpleResolvers: true, description: 'An extension, in the version that was asked.' })
export class ExtensionReference {
  @Field(() => String, { description: 'The extension’s name.' })
  name!: string;

  @Field(() => Int, { description: 'Its version.' })
  version!: number;
}

/** As stored: the summary in every language. */
export interface StoredExplanation {
  readonly rule: RuleReference | null;
  readonly extension: ExtensionReference | null;
  /** Of an extension: that it dropped what the program's rules proposed. */
  readonly replaces?: true | readonly string[];
  readonly outcome: ExplanationOutcome;
  readonly summary: LocalizedText;
}

@ObjectType({ simpleResolvers: true, description: 'Why something was given, or why not.' })
export class Explanation {
  @Field(() => RuleReference, {
    nullable: true,
    description: 'The rule that was asked; null when it was an extension.',
  })
  rule!: RuleReference | null;

  @Field(() => ExtensionReference, {
    nullable: true,
    description: 'The extension that was asked; null when it was a rule.',
  })
  extension!: ExtensionReference | null;

  @Field(() => ExplanationOutcome, { description: 'What came of it.' })
  outcome!: ExplanationOutcome;

  @Field(() => String, { description: 'The same in a sentence, in the caller’s language.' })
  summary!: string;
}

@ObjectType({
  simpleResolvers: true,
  description: 'What an operation refers to outside, e.g. an order or a ticket.',
})
export class Reference {
  @Field(() => String, { description: 'What it is, e.g. `order`.' })
  type!: string;

  @Field(() => String, { description: 'Its number there.' })
  id!: string;
}

/** One business act; it happens once per idempotency key. */
@Entity({ tableName: 'operation' })
@ObjectType({
  simpleResolvers: true,
  description: 'One business act: an earn, a redeem, an expiry. It happens once per idempotency key.',
  implements: Node,
})
export class LedgerOperation {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'operation_id' })
  operationKey!: string;

  @Field(() => OperationKind, { description: 'What it did.' })
  @Property({ type: 'text' })
  kind!: OperationKind;

  @Field(() => Int, { description: 'The version of the program that it was made under.' })
  @Property({ type: 'integer' })
  programVersion!: number;

  @Property({ type: 'uuid', fieldName: 'activity_id', nullable: true })
  activityKey!: string | null;

  @Field(() => String, { nullable: true, description: 'Why, in the words of whoever asked for it.' })
  @Property({ type: 'text', nullable: true })
  reason!: string | null;

  @Property({ type: 'text', nullable: true })
  referenceType!: string | null;

  @Property({ type: 'text', nullable: true })
  referenceId!: string | null;

  /** The operation that this one takes back. */
  @Property({ type: 'uuid', fieldName: 'ref_operation_id', nullable: true })
  refOperationKey!: string | null;

  /** Why, as stored. */
  @Property({ type: 'json', fieldName: 'explanation', nullable: true })
  storedExplanation!: StoredExplanation | null;

  @Field(() => Boolean, {
    description: 'Whether it paid stored value back to the member in money, instead of spending it.',
  })
  @Property({ type: 'boolean' })
  paysBack!: boolean;

  @Property({ type: 'array', fieldName: 'ledger_ids' })
  ledgerKeys!: string[];

  @Property({ type: 'array' })
  versions!: bigint[];

  /** SHA-256 of what it was decided from; null for what was made before this was kept. */
  @Property({ type: 'blob', nullable: true })
  inputHash!: Buffer | null;

  @Field(() => DateTimeScalar, { description: 'When it was made, in business time.' })
  @Property({ type: 'datetime' })
  createdAt!: Date;

  /** Its entries, where they are known already. */
  writtenEntries?: Entry[];

  /** What it took from lots, where that is known already. */
  writtenAllocations?: Allocation[];
}
