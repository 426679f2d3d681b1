import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type {
  CallMode,
  CallOutcome,
  CodeDraft,
  FailurePolicy,
  RevisionCode,
  Stage,
} from '../../extension/index.ts';

export type Runtime = RevisionCode['runtime'];
export type Language = Extract<CodeDraft, { readonly runtime: 'SANDBOX' }>['language'];

/** What was done to an extension. */
export type ChangeKind =
  | 'REGISTERED'
  | 'UPDATED'
  | 'STAGED'
  | 'ROLLED_BACK'
  | 'STEPPED_BACK'
  | 'SECRET_ROTATED';

/** The most that one answer may post in an asset, as it is stored. */
export interface StoredPostingLimit {
  readonly asset: string;
  readonly most: string;
}

/** An extension that a tenant registered. */
@Entity({ tableName: 'extension' })
export class RegisteredExtension {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'extension_id' })
  extensionKey!: string;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'text' })
  point!: string;

  @Property({ type: 'text' })
  runtime!: Runtime;

  @Property({ type: 'integer' })
  priority!: number;

  @Property({ type: 'text' })
  stage!: Stage;

  @Property({ type: 'integer' })
  canaryPercent!: number;

  @Property({ type: 'integer' })
  version!: number;

  @Property({ type: 'integer', nullable: true })
  liveVersion!: number | null;

  @Property({ type: 'integer', nullable: true })
  fallbackVersion!: number | null;

  @Property({ type: 'integer', nullable: true })
  shadowedVersion!: number | null;

  @Property({ type: 'integer', nullable: true })
  errorPercent!: number | null;

  @Property({ type: 'integer', nullable: true })
  latencyMs!: number | null;

  @Property({ type: 'integer', nullable: true })
  minimumCalls!: number | null;

  @Property({ type: 'blob', nullable: true })
  secrets!: Buffer | null;

  @Property({ type: 'datetime' })
  stagedAt!: Date;

  @Property({ type: 'datetime' })
  createdAt!: Date;
}

/** One state of an extension's code and settings. */
@Entity({ tableName: 'extension_revision' })
export class StoredRevision {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'extension_id' })
  extensionKey!: string;

  @PrimaryKey({ type: 'integer' })
  version!: number;

  @Property({ type: 'integer' })
  pointVersion!: number;

  @Property({ type: 'integer' })
  deadlineMs!: number;

  @Property({ type: 'text' })
  onFailure!: FailurePolicy;

  @Property({ type: 'json', nullable: true })
  defaultOutput!: unknown;

  @Property({ type: 'json', nullable: true })
  postingLimits!: readonly StoredPostingLimit[] | null;

  @Property({ type: 'text', nullable: true })
  filter!: string | null;

  @Property({ type: 'text', nullable: true })
  url!: string | null;

  @Property({ type: 'text', nullable: true })
  source!: string | null;

  @Property({ type: 'text', nullable: true })
  language!: Language | null;

  @Property({ type: 'text', nullable: true })
  code!: string | null;

  @Property({ type: 'text', nullable: true })
  digest!: string | null;

  @Property({ type: 'text', nullable: true })
  plugin!: string | null;

  @Property({ type: 'json', nullable: true })
  configuration!: unknown;

  @Property({ type: 'integer', nullable: true })
  restores!: number | null;

  @Property({ type: 'datetime' })
  madeAt!: Date;

  @Property({ type: 'text' })
  madeBy!: string;
}

/** What a tenant configured of a plugin of the operator; it never changes. */
@Entity({ tableName: 'plugin_configuration' })
export class StoredConfiguration {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'text' })
  plugin!: string;

  @PrimaryKey({ type: 'integer' })
  version!: number;

  /** Null: the plugin's defaults. */
  @Property({ type: 'json', nullable: true })
  configuration!: unknown;

  @Property({ type: 'datetime' })
  madeAt!: Date;

  @Property({ type: 'text' })
  madeBy!: string;
}

/** What was done to an extension, by whom and why. */
@Entity({ tableName: 'extension_change' })
export class StoredChange {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'extension_id' })
  extensionKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'change_id' })
  changeKey!: string;

  @Property({ type: 'text' })
  kind!: ChangeKind;

  @Property({ type: 'integer' })
  version!: number;

  @Property({ type: 'text', nullable: true })
  fromStage!: Stage | null;

  @Property({ type: 'text' })
  toStage!: Stage;

  @Property({ type: 'integer' })
  canaryPercent!: number;

  @Property({ type: 'text', nullable: true })
  reason!: string | null;

  @Property({ type: 'text' })
  madeBy!: string;

  @Property({ type: 'datetime' })
  madeAt!: Date;
}

/** One call of an extension; what was said is sealed. */
@Entity({ tableName: 'extension_call' })
export class StoredCall {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'call_id' })
  callKey!: string;

  @Property({ type: 'uuid', fieldName: 'extension_id' })
  extensionKey!: string;

  @Property({ type: 'integer' })
  version!: number;

  @Property({ type: 'text' })
  mode!: CallMode;

  @Property({ type: 'integer' })
  attempt!: number;

  @Property({ type: 'text' })
  outcome!: CallOutcome;

  @Property({ type: 'text' })
  idempotencyKey!: string;

  @Property({ type: 'datetime' })
  startedAt!: Date;

  @Property({ type: 'double' })
  durationMs!: number;

  @Property({ type: 'integer', nullable: true })
  differences!: number | null;

  /** As read: also of a seal that it shares with other calls. Null where that is forgotten already. */
  @Property({ type: 'blob', nullable: true })
  contents!: Buffer | null;

  /** The seal that it shares; null for calls that were sealed by themselves. */
  @Property({ type: 'uuid', fieldName: 'sealed_in', nullable: true })
  sealKey!: string | null;

  /** Which of those in its seal it is, from 0. */
  @Property({ type: 'integer', nullable: true })
  place!: number | null;

  @Property({ type: 'datetime' })
  recordedAt!: Date;
}

/** What was said in several calls, sealed together. */
@Entity({ tableName: 'call_seal' })
export class CallSeal {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'seal_id' })
  sealKey!: string;

  @Property({ type: 'blob' })
  contents!: Buffer;

  @Property({ type: 'datetime' })
  recordedAt!: Date;
}

/** Every class of this folder that MikroORM maps. */
export const extensionEntities = [
  RegisteredExtension,
  StoredRevision,
  StoredConfiguration,
  StoredChange,
  StoredCall,
  CallSeal,
];
