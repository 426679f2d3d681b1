import type { ErrorDetails } from '../kernel/errors.ts';
import type { FailurePolicy } from './extension-point.ts';

/** Why an answer, or a registration, can't be taken: a code of the catalogue and what its message names. */
export interface Fault {
  readonly code: string;
  readonly details: ErrorDetails;
  /** A message that comes ready made, e.g. of a thrown error; else the catalogue's. */
  readonly message?: string;
  /** In uploaded code, from 1. */
  readonly line?: number | null;
  readonly column?: number | null;
}

/** How far an extension may act. */
export type Stage = 'DRAFT' | 'SHADOW' | 'CANARY' | 'LIVE' | 'RETIRED';

/** Why it is called; told to the extension. */
export type CallMode = 'LIVE' | 'CANARY' | 'SHADOW' | 'TEST' | 'DRY_RUN';

/** What became of a call. */
export type CallOutcome =
  | 'OK'
  | 'INVALID_INPUT'
  | 'INVALID_OUTPUT'
  | 'TIMEOUT'
  | 'ERROR'
  | 'UNREACHABLE'
  | 'BREAKER_OPEN'
  | 'SKIPPED_BY_FILTER';

/** The most that one answer may post in an asset. */
export interface PostingLimit {
  readonly asset: string;
  readonly most: bigint;
}

/** What signs the calls of a webhook, newest first. */
export type Secrets = readonly [string] | readonly [string, string];

/** What answers, by its runtime. */
export type RevisionCode =
  | { readonly runtime: 'IN_PROCESS'; readonly plugin: string; readonly configuration: unknown }
  | {
      readonly runtime: 'WEBHOOK';
      readonly url: string;
      /** What signs, newest first; null where the secrets can't be opened: it isn't asked then. */
      readonly secrets: Secrets | null;
    }
  | {
      readonly runtime: 'SANDBOX';
      /** SHA-256 of the compiled code, in hexadecimal. */
      readonly digest: string;
      /** Compiled: JavaScript. */
      readonly code: string;
    };

/** One state of an extension's code and settings; it never changes. */
export interface Revision<Facts> {
  readonly version: number;
  readonly pointVersion: number;
  readonly code: RevisionCode;
  readonly deadlineMs: number;
  readonly onFailure: FailurePolicy;
  /** With DEFAULT: JSON that fits the point's output. */
  readonly defaultOutput: unknown;
  /** What it may post; null = every asset, as far as the asset's own limits go. */
  readonly postingLimits: readonly PostingLimit[] | null;
  /** Whether it wants to be asked; null = always. */
  readonly filter: ((facts: Facts) => boolean) | null;
}

/** One extension of a tenant, as far as it is asked now. */
export interface Registration<Facts> {
  readonly tenantKey: string;
  readonly extensionKey: string;
  readonly name: string;
  readonly point: string;
  /** Lower ones are asked first. */
  readonly priority: number;
  /** Of the newest revision. */
  readonly stage: Stage;
  readonly canaryPercent: number;
  /** The newest revision, as far as its stage goes; null in DRAFT. */
  readonly newest: Revision<Facts> | null;
  /** What answers whoever the newest one doesn't: the last revision that was LIVE. */
  readonly live: Revision<Facts> | null;
}

/** Who answers what, kept by the domain of extensions. */
export interface Registrations<Facts> {
  /** Of one point, in order of priority; remembered for at most a second. */
  of(tenantKey: string, point: string): Promise<readonly Registration<Facts>[]>;
  /** The tenant's code, as extensions are told it. */
  tenantCode(tenantKey: string): Promise<string>;
}

/** One call, as it is kept. */
export interface CallRecord {
  readonly tenantKey: string;
  readonly extensionKey: string;
  readonly callKey: string;
  readonly version: number;
  readonly mode: CallMode;
  readonly attempt: number;
  readonly outcome: CallOutcome;
  readonly idempotencyKey: string;
  readonly startedAt: Date;
  /** Waiting for its turn included; 0 where it wasn't asked. */
  readonly durationMs: number;
  readonly input: unknown;
  /** Null where there is none. */
  readonly output: unknown;
  readonly fault: Fault | null;
  readonly logs: readonly string[];
  /** SHADOW: in what its answer differs from the one that counted; null where they can't be compared. */
  readonly differences: readonly Difference[] | null;
}

/** Where two answers differ; a side without a value lacks it. */
export interface Difference {
  /** E.g. `postings.0.amount`. */
  readonly path: string;
  readonly live?: unknown;
  readonly shadow?: unknown;
}

/** Keeps calls. Never throws, and never makes the caller wait. */
export interface CallRecorder {
  record(call: CallRecord): void;
}

/** What somebody wants to register, before it was looked at. */
export type CodeDraft =
  | { readonly runtime: 'IN_PROCESS'; readonly plugin: string; readonly configuration: unknown }
  | { readonly runtime: 'WEBHOOK'; readonly url: string }
  | {
      readonly runtime: 'SANDBOX';
      readonly source: string;
      readonly language: 'JAVASCRIPT' | 'TYPESCRIPT';
    };

/** What a draft became: its code (a webhook's is its address, as it was given), or what is wrong with it. */
export type CheckedDraft =
  | { readonly code: Exclude<RevisionCode, { runtime: 'WEBHOOK' }> | { runtime: 'WEBHOOK'; url: string } }
  | { readonly faults: readonly Fault[] };

/** What the domain of extensions needs of the runtimes, beside being asked through them. */
export interface Workbench<Facts> {
  /** Checks what is to be registered: compiles code, resolves an address, reads a configuration. */
  check(tenantKey: string, point: string, draft: CodeDraft): Promise<CheckedDraft>;
  /** Why a plugin can't take a configuration, null being its defaults; null when it can. */
  checkConfiguration(plugin: string, configuration: unknown): Fault | null;
  /** A first signing secret; with the newest one of before, both. */
  newSecrets(newest?: string): Secrets;
  /** Sends the signed challenge that goes before CANARY and LIVE; null when it came back. */
  challenge(tenantKey: string, extensionKey: string, code: RevisionCode): Promise<Fault | null>;
  /** Calls one revision by itself, as TEST, and has its answer judged. Not recorded: that is the caller's to do. */
  test(
    registration: Pick<Registration<Facts>, 'tenantKey' | 'extensionKey' | 'point'>,
    revision: Revision<Facts>,
    question: {
      readonly input: unknown;
      readonly idempotencyKey: string;
      readonly now: Date;
      judge?(output: unknown, limits: readonly PostingLimit[] | null): Promise<Fault | null>;
    },
  ): Promise<CallRecord>;
  /** Whether calls are kept away now: by a breaker, or since the tenant's uploaded code is suspended. */
  isBroken(
    registration: Pick<Registration<Facts>, 'tenantKey' | 'extensionKey' | 'stage'>,
    code: RevisionCode,
  ): boolean;
}
