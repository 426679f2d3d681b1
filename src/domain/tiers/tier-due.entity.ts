import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** A member's tier in a ladder that an extension is to evaluate. */
@Entity({ tableName: 'tier_due' })
export class TierDue {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'member_id' })
  memberKey!: string;

  @PrimaryKey({ type: 'text' })
  ladder!: string;

  @Property({ type: 'uuid', fieldName: 'mark_id' })
  markKey!: string;

  @Property({ type: 'text' })
  cause!: 'REACHED' | 'REVIEWED' | 'PROGRAM';

  @Property({ type: 'integer' })
  failures!: number;

  @Property({ type: 'datetime' })
  nextAttemptAt!: Date;
}
