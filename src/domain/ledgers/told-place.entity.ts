import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** Up to where in a tenant's feed those who answer a point were told. */
@Entity({ tableName: 'told_place' })
export class ToldPlace {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'text' })
  point!: string;

  @Property({ type: 'bigint' })
  position!: bigint;

  @Property({ type: 'datetime', nullable: true })
  failingSince!: Date | null;
}
