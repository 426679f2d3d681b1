import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/**
 * Operations that were sealed together, in the order of the feed, each by the hash of its content and of all
 * before it.
 */
@Entity({ tableName: 'operation_chain' })
export class SealedRun {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  /** Of the first one's first entry, in the tenant's feed. */
  @PrimaryKey({ type: 'bigint' })
  position!: bigint;

  @Property({ type: 'array', fieldName: 'operation_ids' })
  operationKeys!: string[];

  @Property({ type: 'array' })
  offsets!: number[];

  @Property({ type: 'blob' })
  hashes!: Buffer;
}
