import {
  type CheckedDraft,
  type CodeDraft,
  DEADLINE_MS,
  type Fault,
  type PostingLimit,
  type Workbench,
} from '../../extension/index.ts';
import { type ErrorDetails, Refusal, type RefusalReason, refuse } from '../../kernel/errors.ts';
import type { Database } from '../../persistence/index.ts';
import { checkCondition, type ExpressionFacts } from '../expressions/index.ts';
import type { ProgramService } from '../programs/index.ts';
import type { Runtime, StoredPostingLimit, StoredRevision } from './extension.entity.ts';
import type { RegisterExtensionInput, UpdateExtensionInput } from './extension.inputs.ts';
import { readNow } from './extension.repository.ts';
import { allPoints, misfit, pointNamed } from './points.policy.ts';
import { refusePartly } from './stage.policy.ts';

/** What a runtime allows; null where it has no such limit. */
export interface RuntimeLimits {
  readonly memoryBytes: number | null;
  readonly deadlineMs: number;
  readonly codeBytes: number | null;
  readonly inputBytes: number | null;
  readonly outputBytes: number | null;
  readonly jsonDepth: number | null;
  readonly logLines: number | null;
}

/** What of a revision says what runs. */
export type CodeColumns = Pick<
  StoredRevision,
  'url' | 'source' | 'language' | 'code' | 'digest' | 'plugin' | 'configuration'
>;

/** What of a revision says how it is asked. */
export type Settings = Pick<
  StoredRevision,
  'pointVersion' | 'deadlineMs' | 'onFailure' | 'defaultOutput' | 'postingLimits' | 'filter'
>;

type Given = Omit<RegisterExtensionInput, 'name' | 'point' | 'runtime'> | UpdateExtensionInput;

/** An answer that is only tried, beside what was asked. */
export interface Tried {
  readonly point: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly limits: readonly PostingLimit[] | null;
  readonly now: Date;
}

export interface DraftParts {
  readonly database: Database;
  readonly programs: ProgramService;
  /** Holds what an answer gives against its limits and the program, as where it counts; null where it may. */
  readonly judge: (tenantKey: string, tried: Tried) => Promise<Fault | null>;
  readonly workbench: Workbench<ExpressionFacts>;
  readonly limits: Readonly<Record<Runtime, RuntimeLimits>>;
}

/** Whose draft it is. */
export interface DraftOf {
  readonly tenantKey: string;
  readonly point: string;
  readonly runtime: Runtime;
}

const WANTED = { IN_PROCESS: 'plugin', WEBHOOK: 'webhook', SANDBOX: 'sandbox' } as const;
/** A service may be registered before its name is known: the challenge finds out whether it is there. */
const MAY_COME = 'WEBHOOK_NAME_UNKNOWN';
const NOTHING: CodeColumns = {
  ...{ url: null, source: null, language: null, code: null, digest: null, plugin: null },
  configuration: null,
};

/** The settings of whoever says nothing. @throws Refusal EXTENSION_POINT_UNKNOWN */
export function defaultSettings(point: string, version: number | null | undefined): Settings {
  const found = pointOf(point, version);
  return {
    ...{ pointVersion: found.version, deadlineMs: DEADLINE_MS, onFailure: found.onThrow },
    ...{ defaultOutput: null, postingLimits: null, filter: null },
  };
}

/**
 * Reads the settings that were given, over those of before.
 * @throws Refusal EXTENSION_POINT_UNKNOWN, DEADLINE_INVALID, FILTER_INVALID, DEFAULT_OUTPUT_MISSING,
 *   DEFAULT_OUTPUT_INVALID, what a judge says of it, POSTING_LIMIT_INVALID, RECORD_KEEPER_BOUND, NO_PROGRAM
 */
export async function readSettings(
  { database, programs, judge, limits }: DraftParts,
  { tenantKey, point, runtime }: DraftOf,
  given: Given,
  base: Settings,
): Promise<Settings> {
  const found = pointOf(point, given.pointVersion ?? base.pointVersion);
  if (found.keepsRecord === true) refuseStandIns(found.name, given);
  const deadlineMs = given.deadlineMs ?? base.deadlineMs;
  const most = limits[runtime].deadlineMs;
  if (deadlineMs < 1 || deadlineMs > most) throw refuse('DEADLINE_INVALID', ['deadlineMs'], { most });
  const onFailure = given.onFailure ?? base.onFailure;
  const defaultOutput = given.defaultOutput === undefined ? base.defaultOutput : given.defaultOutput;
  if (onFailure === 'DEFAULT' && defaultOutput === null)
    throw refuse('DEFAULT_OUTPUT_MISSING', ['defaultOutput']);
  const why = defaultOutput === null ? null : misfit(found.output, defaultOutput);
  if (why !== null) throw refuse('DEFAULT_OUTPUT_INVALID', ['defaultOutput'], { why });
  const postingLimits =
    given.postingLimits === undefined
      ? base.postingLimits
      : await readPostingLimits(programs, tenantKey, given.postingLimits);
  if (defaultOutput !== null && (given.defaultOutput ?? given.postingLimits ?? null) !== null) {
    const allowed = postingLimits?.map(({ asset, most }) => ({ asset, most: BigInt(most) })) ?? null;
    const now = await readNow(database.read(tenantKey));
    const fault = await judge(tenantKey, { point, input: {}, output: defaultOutput, limits: allowed, now });
    if (fault !== null) throw new Refusal([{ ...fault, field: ['defaultOutput'] }]);
  }
  return {
    ...{ pointVersion: found.version, deadlineMs, onFailure, defaultOutput, postingLimits },
    filter: given.filter === undefined ? base.filter : readFilter(given.filter),
  };
}

/**
 * Nothing stands in for who keeps a record, for nobody else knows it.
 * @throws Refusal RECORD_KEEPER_BOUND
 */
function refuseStandIns(point: string, given: Given): void {
  const { onFailure = null, filter = null, defaultOutput = null, stage = null } = given;
  if (stage !== null) refusePartly(point, stage);
  const wrong = [
    ...(onFailure === null || onFailure === 'FAIL_CLOSED' ? [] : ['onFailure']),
    ...(filter === null || filter.trim() === '' ? [] : ['filter']),
    ...(defaultOutput === null ? [] : ['defaultOutput']),
  ];
  const [field] = wrong;
  if (field !== undefined) throw refuse('RECORD_KEEPER_BOUND', [field], { point });
}

/** Whether what was given makes a new revision. */
export function isRevised(given: Given): boolean {
  const { webhook, sandbox, plugin, pointVersion, deadlineMs, onFailure } = given;
  const isGiven = [webhook, sandbox, plugin, pointVersion, deadlineMs, onFailure].some(
    (value) => value !== undefined && value !== null,
  );
  const { defaultOutput, filter, postingLimits } = given;
  return isGiven || [defaultOutput, filter, postingLimits].some((value) => value !== undefined);
}

/**
 * Reads the code that was given; null when none was.
 * @throws Refusal RUNTIME_MISMATCH, and what the runtime finds wrong
 */
export async function readCode(
  { workbench }: DraftParts,
  { tenantKey, point, runtime }: DraftOf,
  given: Given,
): Promise<CodeColumns | null> {
  const wanted = WANTED[runtime];
  for (const other of Object.values(WANTED)) {
    const isGiven = given[other] !== undefined && given[other] !== null;
    if (other !== wanted && isGiven) throw refuse('RUNTIME_MISMATCH', [other], { runtime, wanted });
  }
  const draft = draftOf(runtime, given);
  if (draft === null) return null;
  return columnsOf(draft, await workbench.check(tenantKey, point, draft));
}

/** @throws Refusal RUNTIME_MISMATCH */
export function refuseWithoutCode(runtime: Runtime): Refusal {
  return refuse('RUNTIME_MISMATCH', [WANTED[runtime]], { runtime, wanted: WANTED[runtime] });
}

function pointOf(name: string, version: number | null | undefined) {
  const found = pointNamed(name, version);
  if (found !== null) return found;
  const isKnown = pointNamed(name) !== null;
  const known = [...new Set(allPoints().map((one) => `${one.name} (${one.version})`))].join(', ');
  const point = isKnown ? `${name} (${version})` : name;
  throw refuse('EXTENSION_POINT_UNKNOWN', [isKnown ? 'pointVersion' : 'point'], { point, known });
}

function draftOf(runtime: Runtime, { webhook, sandbox, plugin }: Given): CodeDraft | null {
  if (runtime === 'WEBHOOK') return webhook ? { runtime, url: webhook.url } : null;
  if (runtime === 'SANDBOX')
    return sandbox ? { runtime, source: sandbox.code, language: sandbox.language ?? 'JAVASCRIPT' } : null;
  return plugin ? { runtime, plugin: plugin.id, configuration: plugin.configuration ?? undefined } : null;
}

/** @throws Refusal for what is wrong with it */
function columnsOf(draft: CodeDraft, checked: CheckedDraft): CodeColumns {
  if ('faults' in checked) {
    const mayCome = draft.runtime === 'WEBHOOK' && checked.faults.every(({ code }) => code === MAY_COME);
    if (!mayCome) throw new Refusal(checked.faults.map((fault) => reasonOf(draft, fault)));
  }
  if (draft.runtime === 'WEBHOOK') return { ...NOTHING, url: draft.url };
  if (draft.runtime === 'IN_PROCESS')
    return { ...NOTHING, plugin: draft.plugin, configuration: draft.configuration ?? null };
  const { source, language } = draft;
  if ('faults' in checked || checked.code.runtime !== 'SANDBOX')
    throw new Error('Code for the sandbox was checked as something else.');
  const { code, digest } = checked.code;
  return { ...NOTHING, source, language, code, digest };
}

const FIELDS: Readonly<Record<Runtime, readonly string[]>> = {
  WEBHOOK: ['webhook', 'url'],
  SANDBOX: ['sandbox', 'code'],
  IN_PROCESS: ['plugin', 'id'],
};

function reasonOf({ runtime }: CodeDraft, { code, details, message, line, column }: Fault): RefusalReason {
  const isConfiguration = runtime === 'IN_PROCESS' && code.includes('CONFIG');
  const isPlaced = line !== null && line !== undefined;
  const place: ErrorDetails = isPlaced ? { line, column: column ?? 1 } : {};
  const where = isPlaced ? ` (${place.line}:${place.column})` : '';
  return {
    code,
    field: isConfiguration ? ['plugin', 'configuration'] : FIELDS[runtime],
    details: { ...details, ...place },
    ...(message === undefined ? {} : { message: `${message}${where}` }),
  };
}

/** @throws Refusal FILTER_INVALID */
function readFilter(filter: string | null): string | null {
  if (filter === null || filter.trim() === '') return null;
  const finding = checkCondition(filter);
  if (finding === null) return filter;
  const { offset, message } = finding;
  throw refuse('FILTER_INVALID', ['filter'], { offset, why: message.replace(/\.$/, '') });
}

/** @throws Refusal POSTING_LIMIT_INVALID, NO_PROGRAM */
async function readPostingLimits(
  programs: ProgramService,
  tenantKey: string,
  given: readonly { readonly asset: string; readonly most: bigint }[] | null,
): Promise<StoredPostingLimit[] | null> {
  if (given === null) return null;
  const { assets } = await programs.inForce(tenantKey);
  const seen = new Set<string>();
  for (const [index, { asset, most }] of given.entries()) {
    if (!assets.has(asset) || seen.has(asset) || most < 0n)
      throw refuse('POSTING_LIMIT_INVALID', ['postingLimits', String(index)], { asset });
    seen.add(asset);
  }
  return given.map(({ asset, most }) => ({ asset, most: String(most) }));
}
