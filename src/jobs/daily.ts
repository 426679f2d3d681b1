import { findDailyState, finishDay } from '../domain/tenants/index.ts';
import { localDate } from '../kernel/calendar.ts';
import { announceTierChanges } from './announce.ts';
import { daysToDo, recordBirthdays } from './birthdays.ts';
import type { RecordingParts } from './own-activities.ts';
import type { PluginJobs } from './plugin-jobs.ts';
import { type SettleParts, settleTenant } from './settle.ts';

/** Takes a tenant's tiers through their daily review. */
export interface TierReviewer {
  review(tenantKey: string): Promise<{ readonly reviewed: number; readonly changed: number }>;
}

/** Makes what tiers stand on, for tenants that never had it. */
export interface TierPreparer {
  prepare(tenantKey: string): Promise<void>;
}

/** Brings the benefits that tiers carry into step with the program. */
export interface TierGrantKeeper {
  bringIntoStep(tenantKey: string): Promise<number>;
}

/** Keeps what the ledger is proven by. */
export interface ProofUpkeep {
  /** Sums the legs that no day has yet. */
  rollUp(tenantKey: string, timeZone: string): Promise<unknown>;
  /** Seals what was committed since the last time. */
  seal(tenantKey: string): Promise<unknown>;
}

/** Watches extensions and their calls. */
export interface ExtensionKeeper {
  /** Takes back whoever fails too often or is too slow. */
  watch(tenantKey: string): Promise<number>;
  /** Forgets calls that are old enough. */
  forgetOld(tenantKey: string): Promise<number>;
  /** How many days calls are kept. */
  readonly callDays: number;
}

/** Keeps the feed from growing for ever. */
export interface EventKeeper {
  /** Forgets events that are old enough. */
  forgetOld(tenantKey: string): Promise<number>;
  /** How many days events are kept. */
  readonly eventDays: number;
}

/** Tells endpoints of events, beside the jobs and in the same processes. */
export interface EndpointKeeper {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Goes on where nobody tells, gives up what was tried long enough, and forgets what is old. */
  tidy(tenantKey: string): Promise<{ readonly givenUp: number; readonly forgotten: number }>;
}

/** Tells extensions what expired. */
export interface ExpiryTeller {
  /** Tells some of what wasn't told yet. */
  tell(tenantKey: string): Promise<{ readonly told: number; readonly isAll: boolean }>;
  /** Whether a plugin of the operator's is told, of every tenant. */
  readonly isForAll: boolean;
}

/** Asks the systems that keep records elsewhere for what is written down. */
export interface RecordKeeper {
  /** All that is due; answers how many ledgers were gone through. */
  catchUp(tenantKey: string): Promise<number>;
}

/** Holds our mirrors against the records that other systems keep. */
export interface ReconciliationKeeper {
  reconcile(
    tenantKey: string,
  ): Promise<{ readonly compared: number; readonly differ: number; readonly adopted: number }>;
}

/** Has extensions evaluate tiers. */
export interface TierEvaluator {
  /** Evaluates some of what is due. */
  evaluateDue(tenantKey: string): Promise<{ readonly changed: number; readonly isAll: boolean }>;
}

/** What the jobs stand on. */
export interface JobParts extends SettleParts, RecordingParts {
  readonly tiers: TierReviewer;
  readonly preparation: TierPreparer;
  readonly tierGrants: TierGrantKeeper;
  readonly proof: ProofUpkeep;
  readonly extensions: ExtensionKeeper;
  readonly events: EventKeeper;
  readonly endpoints: EndpointKeeper;
  readonly expiries: ExpiryTeller;
  readonly records: RecordKeeper;
  readonly reconciliation: ReconciliationKeeper;
  readonly evaluation: TierEvaluator;
  /** Tells plugins of events, likewise. */
  readonly listeners: Pick<EndpointKeeper, 'start' | 'stop'>;
  /** What plugins do as time passes, among the jobs. */
  readonly pluginJobs: Pick<PluginJobs, 'tasks' | 'due' | 'queue' | 'forbiddenFlags'>;
}

/** What was done of what time had brought. */
export interface CaughtUp {
  /** How many operations were made of what fell due and what expired. */
  readonly operations: number;
  /** The local day that was begun, `YYYY-MM-DD`; null when it was begun before. */
  readonly day: string | null;
}

/**
 * Does the work of a tenant's local day, if it has not been done: settles, records birthdays (those of days
 * that were missed too), reviews tiers and announces their changes. Whatever breaks off is done again at the
 * next call; two at once do each thing once, because activities have keys and a review finds nothing to do.
 * @returns null when the day's work was done before
 * @throws Refusal NO_PROGRAM
 */
export async function runDaily(parts: JobParts, tenantKey: string): Promise<CaughtUp | null> {
  const { database, programs, tiers, preparation, tierGrants, proof } = parts;
  const program = await programs.inForce(tenantKey);
  const { now, day: last } = await findDailyState(database.read(tenantKey), tenantKey);
  const today = localDate(now, program.definition.timeZone);
  if (last !== null && last >= today) return null;
  if (last === null) await preparation.prepare(tenantKey);
  const operations = await settleTenant(parts, tenantKey);
  const failures = [
    ...(await recordBirthdays(parts, tenantKey, program, daysToDo(last, today))),
    ...(await failuresOf(tiers.review(tenantKey))),
    ...(await failuresOf(tierGrants.bringIntoStep(tenantKey))),
    ...(await failuresOf(proof.rollUp(tenantKey, program.definition.timeZone))),
  ];
  // What can't be announced says so in its own row, and doesn't keep the day open.
  const unannounced = await announceTierChanges(parts, tenantKey, program);
  if (failures.length === 0) await database.transaction(tenantKey, (tx) => finishDay(tx, tenantKey, today));
  refuseFailures([...failures, ...unannounced]);
  return { operations, day: today };
}

/**
 * Does what time has brought to a tenant up to now; within a day, what falls due and the changes of tiers.
 * What was committed is sealed, whatever came of that.
 * @throws Refusal NO_PROGRAM
 */
export async function catchUp(parts: JobParts, tenantKey: string): Promise<CaughtUp> {
  try {
    return await bringUpToDate(parts, tenantKey);
  } finally {
    await parts.proof.seal(tenantKey);
  }
}

async function bringUpToDate(parts: JobParts, tenantKey: string): Promise<CaughtUp> {
  const begun = await runDaily(parts, tenantKey);
  if (begun !== null) return begun;
  const operations = await settleTenant(parts, tenantKey);
  await announceTenant(parts, tenantKey);
  return { operations, day: null };
}

/**
 * Asks the rules about changes of tiers that they were not asked about yet.
 * @throws Refusal NO_PROGRAM
 */
export async function announceTenant(parts: JobParts, tenantKey: string): Promise<void> {
  const program = await parts.programs.inForce(tenantKey);
  refuseFailures(await announceTierChanges(parts, tenantKey, program));
}

/** Reviews a tenant's tiers now, whatever was reviewed today. */
export async function reviewTenant(
  parts: JobParts,
  tenantKey: string,
): Promise<{ readonly reviewed: number; readonly changed: number }> {
  const reviewed = await parts.tiers.review(tenantKey);
  await announceTenant(parts, tenantKey);
  return reviewed;
}

async function failuresOf(work: Promise<unknown>): Promise<unknown[]> {
  return await work.then(
    () => [],
    (error: unknown) => [error],
  );
}

function refuseFailures(failures: readonly unknown[]): void {
  const [first] = failures;
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} things of a day failed.`);
  if (first !== undefined) throw first;
}
