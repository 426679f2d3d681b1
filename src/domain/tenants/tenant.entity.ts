import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { Language } from '../../kernel/errors.ts';
import type { LocalizedText } from '../../kernel/localized.ts';

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

/** The position of the last entry in the tenant's feed. */
@Entity({ tableName: 'tenant_feed' })
export class TenantFeed {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @Property({ type: 'bigint' })
  position!: bigint;
}

/** A server's credential. Only its hash is kept. */
@Entity({ tableName: 'api_key' })
export class ApiKey {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'key_id' })
  keyKey!: string;

  @Property({ type: 'blob' })
  keyHash!: Buffer;

  @Property({ type: 'text' })
  role!: 'STAFF';

  @Property({ type: 'text' })
  label!: string;

  @Property({ type: 'datetime' })
  createdAt!: Date;

  @Property({ type: 'datetime', nullable: true })
  revokedAt!: Date | null;
}
