import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Row } from '../shared/index.ts';
import type { LedgerContext } from './ledger.context.ts';
import { LedgerOperation, Reference } from './operation.entity.ts';
import { OperationStatus, RecordChange } from './record-change.entity.ts';

/** What the system that keeps a record elsewhere answered about an operation. */
@Resolver(() => LedgerOperation)
export class OperationRecordResolver {
  @FieldResolver(() => OperationStatus, {
    description:
      'Whether it holds. DONE, unless another system keeps the record: then as that answered. A dry run doesn’t ask it.',
  })
  async status(
    @Root() { operationKey }: Row<LedgerOperation>,
    @Ctx() { loaders }: LedgerContext,
  ): Promise<OperationStatus> {
    return (await loaders.ledgers.change.load(operationKey))?.status ?? OperationStatus.DONE;
  }

  @FieldResolver(() => RecordChange, {
    nullable: true,
    description: 'What the system that keeps the record was asked for; null where we keep it.',
  })
  async record(
    @Root() { operationKey }: Row<LedgerOperation>,
    @Ctx() { loaders }: LedgerContext,
  ): Promise<RecordChange | null> {
    return await loaders.ledgers.change.load(operationKey);
  }
}

@Resolver(() => RecordChange)
export class RecordChangeResolver {
  @FieldResolver(() => LedgerOperation, {
    nullable: true,
    description: 'The operation that settled it; null while it is open, and where nothing was to be done.',
  })
  async settledBy(
    @Root() { settledByKey }: Row<RecordChange>,
    @Ctx() { loaders }: LedgerContext,
  ): Promise<LedgerOperation | null> {
    return settledByKey === null ? null : await loaders.ledgers.operation.load(settledByKey);
  }

  @FieldResolver(() => Reference, {
    nullable: true,
    description: 'The number under which the other system keeps it; null where it didn’t say.',
  })
  reference(@Root() { referenceType: type, referenceId: id }: Row<RecordChange>): Reference | null {
    return type === null || id === null ? null : { type, id };
  }
}
