import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** Up to where a tenant's feed was looked through for mirrors that moved. */
@Entity({ tableName: 'mirror_place' })
export class MirrorPlace {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @Property({ type: 'bigint' })
  position!: bigint;
}

/** When a mirror is to be compared with its record next. */
@Entity({ tableName: 'mirror_check' })
export class MirrorCheck {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'ledger_id' })
  ledgerKey!: string;

  @Property({ type: 'text', fieldName: 'asset' })
  assetCode!: string;

  @Property({ type: 'datetime' })
  dueAt!: Date;

  @Property({ type: 'datetime', nullable: true })
  checkedAt!: Date | null;
}
