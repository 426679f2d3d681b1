import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** The tier that a member holds in a ladder, as stored. */
@Entity({ tableName: 'member_tier' })
export class MemberTier {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'member_id' })
  memberKey!: string;

  @PrimaryKey({ type: 'text' })
  ladder!: string;

  @Property({ type: 'text', nullable: true })
  tier!: string | null;

  @Property({ type: 'datetime' })
  since!: Date;

  @Property({ type: 'datetime', nullable: true })
  belowSince!: Date | null;

  @Property({ type: 'datetime', nullable: true })
  warnedAt!: Date | null;

  @Property({ type: 'text', nullable: true })
  hand!: 'RAISED' | 'LOWERED' | null;

  @Property({ type: 'datetime', nullable: true })
  handUntil!: Date | null;

  @Property({ type: 'datetime' })
  enrolledAt!: Date;
}

/** What a member did toward a metric on one local day. */
@Entity({ tableName: 'metric_day' })
export class MetricDay {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'member_id' })
  memberKey!: string;

  @PrimaryKey({ type: 'text' })
  metric!: string;

  @PrimaryKey({ type: 'date' })
  day!: string;

  @Property({ type: 'bigint' })
  amount!: bigint;
}
