import type { Role } from '../kernel/request-context.ts';

/** A transaction on the plugin's own tables: row-level security shows the tenant's rows alone. */
export interface PluginSql {
  /** Business time, as the transaction began. */
  readonly now: Date;
  /** The tenant's key, for `tenant_id`. */
  readonly tenantKey: string;
  /** Bigints come as BigInt, timestamps as Date. Values are always $1, $2 … and never part of the text. */
  run<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** What the parts of a plugin are told, whatever they do. */
export interface PartContext<Configuration = unknown> {
  /** The tenant's code. */
  readonly tenant: string;
  /** What the tenant configured by `configurePlugin`, as the plugin's schema made it; else the defaults. */
  readonly configuration: Configuration;
  /** Fires when it is no longer waited for. */
  readonly signal: AbortSignal;
  /** All of it is committed, or nothing, when it throws. Only for plugins with tables. */
  transaction<T>(work: (sql: PluginSql) => Promise<T>): Promise<T>;
}

/** What a field is told beside its arguments. */
export interface FieldContext<Configuration = unknown> extends PartContext<Configuration> {
  readonly caller: {
    readonly role: Role;
    /** The member that a MEMBER caller is, by public id. */
    readonly memberId: string | null;
  };
}

interface GuardedField {
  /** Who may ask for it; staff alone when missing. */
  readonly roles?: readonly Role[];
}

/** A field of objects that the product has. */
export interface ObjectField extends GuardedField {
  /**
   * Answers for many objects at once; who isn't in the answer has null.
   * @param keys members and ledgers by public id, benefits by code, tiers by `ladder/code`
   */
  load(
    keys: readonly string[],
    args: Record<string, unknown>,
    context: FieldContext,
  ): Promise<ReadonlyMap<string, unknown>>;
}

/** A query or a mutation. */
export interface RootField extends GuardedField {
  resolve(args: Record<string, unknown>, context: FieldContext): unknown;
}

/** Types that a plugin can add fields to. */
export const EXTENDABLE_TYPES = ['Member', 'Ledger', 'Tier', 'Benefit'] as const;
export const EXTENDABLE_ROOTS = ['Query', 'Mutation'] as const;

/** What a plugin adds to the GraphQL schema; names begin with the plugin's: `riskGuard_`, `RiskGuard_`. */
export interface PluginSchema {
  /** `type`, `input` and `enum` of its own, and `extend type` of what can be extended. */
  readonly sdl: string;
  readonly fields: {
    readonly [Type in (typeof EXTENDABLE_TYPES)[number]]?: Readonly<Record<string, ObjectField>>;
  } & { readonly [Root in (typeof EXTENDABLE_ROOTS)[number]]?: Readonly<Record<string, RootField>> };
}

/** One step of a plugin's tables; it never changes once it was applied. */
export interface PluginMigration {
  /** `0001_what_it_does`: numbered without a gap. */
  readonly name: string;
  readonly sql: string;
}

/** The plugin's own tables; each begins its keys with `tenant_id uuid not null`. */
export interface PluginTables {
  readonly migrations: readonly PluginMigration[];
}

/** An event as endpoints are told it: `schema/events` has what `data` holds, by stream. */
export interface PluginEvent {
  readonly id: string;
  /** E.g. `points.earned`. */
  readonly type: string;
  /** RFC 3339. */
  readonly occurredAt: string;
  readonly tenant: string;
  readonly member: { readonly id: string } | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Hears what happens, in the order of the tenant's feed; only in plugins with tables. */
export interface PluginListener {
  /** Its place in each feed is kept under this name. */
  readonly name: string;
  /** E.g. `points.earned`; everything when missing. */
  readonly types?: readonly string[];
  /**
   * What it writes by `sql` happens once for each event; anything else may happen again: when it throws, or
   * takes more than five seconds, all is rolled back and it is told the same events later.
   */
  hear(events: readonly PluginEvent[], context: PartContext & { readonly sql: PluginSql }): Promise<void>;
}

/** What a job is told. */
export interface JobContext<Configuration = unknown> extends PartContext<Configuration> {
  /** The moment that it is due, by its cron line; the same at each try. */
  readonly due: Date;
}

/** Work that time brings, for each tenant with a program; only in plugins with tables. */
export interface PluginJob {
  /** What was done is kept under this name. */
  readonly name: string;
  /** When, in the five fields of cron: `30 3 * * *` is at half past three every night. */
  readonly cron: string;
  /** Whose clock the line means, e.g. `Asia/Shanghai`; that of the tenant's program when missing. */
  readonly timeZone?: string;
  /** How long a run may take; 30,000 when missing, at most 600,000. */
  readonly deadlineMs?: number;
  /**
   * One gateway of all runs it. When it throws, or takes too long, it is tried again: seven times within
   * eleven minutes, then when it is due next. Of moments that were missed the last one is run.
   */
  run(context: JobContext): Promise<void>;
}
