import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { LegAccount } from './leg.policy.ts';

/** The program's own side of an operation: with the operation's entries it sums to zero. */
@Entity({ tableName: 'leg' })
export class Leg {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  /** Of the operation's first entry, in the tenant's feed. */
  @PrimaryKey({ type: 'bigint' })
  position!: bigint;

  @PrimaryKey({ type: 'text', fieldName: 'asset' })
  assetCode!: string;

  @PrimaryKey({ type: 'text' })
  account!: LegAccount;

  @Property({ type: 'uuid', fieldName: 'operation_id' })
  operationKey!: string;

  @Property({ type: 'bigint' })
  amount!: bigint;

  @Property({ type: 'datetime' })
  recordedAt!: Date;
}
