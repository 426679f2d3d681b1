import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EventStream } from './feed.ts';

/** What happened at a position of the feed that is no entry's. Rows are never changed. */
@Entity({ tableName: 'feed_event' })
export class StoredFeedEvent {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'bigint' })
  position!: bigint;

  @Property({ type: 'text' })
  stream!: EventStream;

  @Property({ type: 'text' })
  type!: string;

  @Property({ type: 'uuid', fieldName: 'member_id', nullable: true })
  memberKey!: string | null;

  /** The member, the change of a tier, the grant or the extension. */
  @Property({ type: 'uuid', fieldName: 'subject_id' })
  subjectKey!: string;

  @Property({ type: 'json', nullable: true })
  detail!: Readonly<Record<string, unknown>> | null;

  @Property({ type: 'datetime' })
  occurredAt!: Date;

  @Property({ type: 'datetime' })
  recordedAt!: Date;
}
