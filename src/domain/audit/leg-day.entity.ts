import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** The legs of one local day in one account, as far as they are summed. */
@Entity({ tableName: 'leg_day' })
export class LegDay {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'text', fieldName: 'asset' })
  assetCode!: string;

  @PrimaryKey({ type: 'text' })
  account!: string;

  @PrimaryKey({ type: 'date' })
  day!: string;

  @Property({ columnType: 'numeric', type: 'string' })
  amount!: string;

  @Property({ type: 'bigint' })
  firstPosition!: bigint;

  @Property({ type: 'bigint' })
  lastPosition!: bigint;
}

/** How far a tenant's legs are summed. */
@Entity({ tableName: 'leg_rollup' })
export class LegRollUp {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @Property({ type: 'bigint' })
  position!: bigint;

  /** In which a day is a day: a later change of the program's doesn't move what is summed. */
  @Property({ type: 'text' })
  timeZone!: string;
}
