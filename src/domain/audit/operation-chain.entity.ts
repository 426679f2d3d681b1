import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** One operation in the order of the feed, sealed by the hash of its content and of all before it. */
@Entity({ tableName: 'operation_chain' })
export class ChainedOperation {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  /** Of its first entry, in the tenant's feed. */
  @PrimaryKey({ type: 'bigint' })
  position!: bigint;

  @Property({ type: 'uuid', fieldName: 'operation_id' })
  operationKey!: string;

  @Property({ type: 'blob' })
  hash!: Buffer;
}
