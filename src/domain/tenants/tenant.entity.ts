import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import type { Language } from '../../kernel/errors.ts';
import type { LocalizedText } from '../../kernel/localized.ts';
import { connectionType, DateTimeScalar, edgeType } from '../shared/index.ts';

/** Which tenant a code means; the only table that belongs to no tenant. */
@Entity({ tableName: 'tenant_directory' })
export class TenantDirectory {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @Property({ type: 'text' })
  code!: string;
}

/** An enterprise: the unit of isolation. */
@Entity({ tableName: 'tenant' })
export class Tenant {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @Property({ type: 'text' })
  code!: string;

  @Property({ type: 'json' })
  name!: LocalizedText;

  /** A sandbox tenant may move its clock. */
  @Property({ type: 'boolean' })
  sandbox!: boolean;

  @Property({ type: 'text' })
  locale!: Language;

  @Property({ type: 'interval' })
  clockOffset!: string;

  @Property({ type: 'integer', nullable: true })
  programVersion!: number | null;

  @Property({ type: 'datetime' })
  createdAt!: Date;
}

/** The last position of the tenant's feed, be it an entry's or an event's. */
@Entity({ tableName: 'tenant_feed' })
export class TenantFeed {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @Property({ type: 'bigint' })
  position!: bigint;

  /** Events up to here may be forgotten. */
  @Property({ type: 'bigint' })
  eventsFrom!: bigint;
}

export const ApiKeyRole = { STAFF: 'STAFF', DEVELOPER: 'DEVELOPER' } as const;
registerEnumType(ApiKeyRole, {
  name: 'ApiKeyRole',
  description: 'What a key may do.',
  valuesConfig: {
    STAFF: { description: 'All that staff may do.' },
    DEVELOPER: { description: 'To look at one extension, to try it and to change what doesn’t count yet.' },
  },
});

/** A server's credential. Only its hash is kept. */
@ObjectType({ simpleResolvers: true, description: 'A server’s credential. Its secret is kept nowhere.' })
@Entity({ tableName: 'api_key' })
export class ApiKey {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'key_id' })
  keyKey!: string;

  @Property({ type: 'blob' })
  keyHash!: Buffer;

  @Field(() => ApiKeyRole, { description: 'What it may do.' })
  @Property({ type: 'text' })
  role!: keyof typeof ApiKeyRole;

  @Property({ type: 'uuid', fieldName: 'extension_id', nullable: true })
  extensionKey!: string | null;

  @Field(() => String, { description: 'What it is for.' })
  @Property({ type: 'text' })
  label!: string;

  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  @Property({ type: 'datetime' })
  createdAt!: Date;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When it was taken back; null while it works.',
  })
  @Property({ type: 'datetime', nullable: true })
  revokedAt!: Date | null;
}

type ShownApiKey = Omit<ApiKey, 'keyHash'>;

@ObjectType({ simpleResolvers: true, description: 'One API key of a list.' })
export class ApiKeyEdge extends edgeType<ShownApiKey>(() => ApiKey, 'API key') {}

@ObjectType({ simpleResolvers: true, description: 'A page of API keys, newest first.' })
export class ApiKeyConnection extends connectionType<ShownApiKey>(() => ApiKeyEdge, 'API keys') {}

/** The local day up to which a tenant's daily work is done. */
@Entity({ tableName: 'daily_run' })
export class DailyRun {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @Property({ type: 'date' })
  day!: string;

  @Property({ type: 'datetime' })
  finishedAt!: Date;
}
