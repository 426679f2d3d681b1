import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { Stream } from '../../events/index.ts';
import type { Fault } from '../../extension/index.ts';

export type EndpointStatus = 'ACTIVE' | 'PAUSED' | 'DISABLED' | 'REMOVED';
export type DeliveryState = 'PENDING' | 'DELIVERED' | 'DEAD';

/** Where a tenant is told of its events. */
@Entity({ tableName: 'event_endpoint' })
export class StoredEndpoint {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'endpoint_id' })
  endpointKey!: string;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'text' })
  url!: string;

  @Property({ type: 'array', nullable: true })
  streams!: Stream[] | null;

  @Property({ type: 'array', nullable: true })
  types!: string[] | null;

  @Property({ type: 'array', nullable: true })
  assets!: string[] | null;

  @Property({ type: 'blob' })
  secrets!: Buffer;

  @Property({ type: 'text' })
  status!: EndpointStatus;

  @Property({ type: 'json', nullable: true })
  disabledBy!: Fault | null;

  @Property({ type: 'bigint' })
  position!: bigint;

  @Property({ type: 'datetime' })
  activeSince!: Date;

  @Property({ type: 'datetime', nullable: true })
  failingSince!: Date | null;

  @Property({ type: 'json', nullable: true })
  fault!: Fault | null;

  @Property({ type: 'datetime' })
  createdAt!: Date;

  @Property({ type: 'text' })
  createdBy!: string;
}

/** The order that a member's events are told in. */
@Entity({ tableName: 'event_lane' })
export class StoredLane {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'endpoint_id' })
  endpointKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'lane_id' })
  laneKey!: string;

  @Property({ type: 'bigint' })
  asked!: bigint;

  @Property({ type: 'integer' })
  failures!: number;

  @Property({ type: 'datetime' })
  nextAttemptAt!: Date;

  @Property({ type: 'uuid', nullable: true })
  holder!: string | null;

  @Property({ type: 'datetime', nullable: true })
  leasedUntil!: Date | null;
}

/** One event that an endpoint is to be told. */
@Entity({ tableName: 'event_delivery' })
export class StoredDelivery {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'endpoint_id' })
  endpointKey!: string;

  @PrimaryKey({ type: 'bigint' })
  position!: bigint;

  @Property({ type: 'uuid', fieldName: 'lane_id' })
  laneKey!: string;

  @Property({ type: 'text' })
  type!: string;

  @Property({ type: 'text' })
  state!: DeliveryState;

  @Property({ type: 'integer' })
  attempts!: number;

  @Property({ type: 'datetime' })
  dueSince!: Date;

  @Property({ type: 'datetime', nullable: true })
  nextAttemptAt!: Date | null;

  @Property({ type: 'datetime', nullable: true })
  deliveredAt!: Date | null;

  @Property({ type: 'integer', nullable: true })
  status!: number | null;

  @Property({ type: 'json', nullable: true })
  fault!: Fault | null;

  @Property({ type: 'datetime' })
  createdAt!: Date;
}

/** One attempt at telling an event. */
@Entity({ tableName: 'event_attempt' })
export class StoredAttempt {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'endpoint_id' })
  endpointKey!: string;

  @PrimaryKey({ type: 'bigint' })
  position!: bigint;

  @PrimaryKey({ type: 'integer' })
  attempt!: number;

  @Property({ type: 'datetime' })
  startedAt!: Date;

  @Property({ type: 'double' })
  durationMs!: number;

  @Property({ type: 'integer', nullable: true })
  status!: number | null;

  @Property({ type: 'json', nullable: true })
  fault!: Fault | null;
}
