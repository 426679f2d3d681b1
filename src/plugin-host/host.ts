import type { z } from 'zod';
import type {
  Answer,
  Answerers,
  Asker,
  CallMode,
  CallRecord,
  CallRecorder,
  ExtensionPoint,
  FailurePolicy,
  Fault,
  Question,
  Registration,
  Registrations,
  Revision,
} from '../extension/index.ts';
import { differencesOf } from '../kernel/differences.ts';
import { refuse } from '../kernel/errors.ts';
import { refuseInTransaction } from '../persistence/index.ts';
import { type Asking, type Called, Caller, judged, notCalled } from './caller.ts';
import { Dialects } from './dialects.ts';
import type { Quarantined } from './plugin-checks.ts';
import type { Runtimes } from './runtimes/runtimes.ts';
import { Shadows } from './shadows.ts';
import { asksAlike, type Casting, cast, mayBeAsked } from './stages.ts';

/** Told when an extension fails; its input is never passed on, since it holds personal data. */
export interface Failure {
  readonly extension: string;
  readonly point: string;
  readonly mode: CallMode;
  readonly fault: Fault | null;
  /** What a plugin threw. */
  readonly error?: unknown;
}

export interface HostListener {
  onFailure(failure: Failure): void;
  /** A shadow wasn't asked, since too many are under way. */
  onShadowDropped(): void;
}

export interface HostParts<Facts> {
  readonly registrations: Registrations<Facts>;
  readonly recorder: CallRecorder;
  readonly runtimes: Runtimes;
  readonly listener: HostListener;
  /** Optional plugins that aren't asked. */
  readonly quarantined?: readonly Quarantined[];
}

/** A question under way. */
interface Talk<Facts> extends Asking {
  readonly mode: 'LIVE' | 'DRY_RUN';
  readonly facts: () => Facts;
  readonly failed: (extension: string, onFailure: FailurePolicy) => void;
}

interface Part<Facts> extends Casting<Facts> {
  readonly registration: Registration<Facts>;
}

interface AskedFor<Facts> {
  readonly registration: Registration<Facts>;
  readonly revision: Revision<Facts>;
  readonly mode: CallMode;
}

/** What one extension's answer comes to. */
interface Settled {
  /** Null where it doesn't say anything: it didn't want to, or failed open. */
  readonly answer: Answer<unknown> | null;
  /** It failed, and nothing may be done without it. */
  readonly isRefused: boolean;
}

/** One that is being asked. */
interface Begun<Facts> extends Part<Facts> {
  readonly settled: Promise<Settled>;
  /** The same, but it never rejects. */
  readonly over: Promise<Settled>;
}

const SILENT: Settled = { answer: null, isRefused: false };

/** Asks whoever answers an extension point: checks, records, lives with failures. Never in a transaction. */
export class PluginHost<Facts> implements Asker<Facts> {
  readonly quarantined: readonly Quarantined[];
  readonly #parts: HostParts<Facts>;
  readonly #caller: Caller;
  readonly #shadows: Shadows;

  constructor(parts: HostParts<Facts>) {
    this.#parts = parts;
    this.quarantined = parts.quarantined ?? [];
    this.#caller = new Caller(parts.runtimes);
    this.#shadows = new Shadows(() => parts.listener.onShadowDropped());
  }

  async find<Input extends z.ZodType, Output extends z.ZodType>(
    tenantKey: string,
    point: ExtensionPoint<Input, Output>,
  ): Promise<Answerers<Facts, z.input<Input>, z.output<Output>> | null> {
    const { registrations } = this.#parts;
    const asked = (await registrations.of(tenantKey, point.name)).filter(mayBeAsked);
    if (asked.length === 0) return null;
    const tenant = await registrations.tenantCode(tenantKey);
    return {
      areAskedAlike: asked.every(asksAlike),
      ask: async (input, question) => {
        refuseInTransaction();
        const { idempotencyKey, now, judge, mode } = question;
        let facts: Facts | undefined;
        const talk: Talk<Facts> = {
          ...{ tenantKey, tenant, idempotencyKey, now, mode },
          // What is known of the types ends here: extensions only know JSON.
          point: point as unknown as ExtensionPoint,
          dialects: new Dialects(point as unknown as ExtensionPoint, input),
          judge: judge as Asking['judge'],
          failed: (...by) => question.failed?.(...by),
          facts: () => {
            facts ??= question.facts();
            return facts;
          },
        };
        const parts = asked.map((registration) => ({
          registration,
          ...cast(registration, question.subject),
        }));
        return (await this.#ask(talk, parts, question)) as Answer<z.output<Output>>[];
      },
    };
  }

  /** Ends when no shadow is under way. The runtimes are closed by whoever opened them. */
  async close(): Promise<void> {
    await this.#shadows.close();
  }

  /** @throws Refusal EXTENSION_UNAVAILABLE */
  async #ask<Out>(
    talk: Talk<Facts>,
    parts: readonly Part<Facts>[],
    { enough }: Question<Facts, Out>,
  ): Promise<Answer<unknown>[]> {
    const answers: Answer<unknown>[] = [];
    const decides = enough ?? (() => talk.point.kind === 'DELEGATED');
    const isEnough = (): boolean => answers.some(({ output }) => decides(output as Out));
    const begun: Begun<Facts>[] = [];
    try {
      for (const group of groupsOf(talk.point, parts)) {
        if (isEnough()) break;
        const asked = this.#askTogether(talk, group);
        begun.push(...asked);
        for (const { registration, settled } of asked) {
          const { answer, isRefused } = await settled;
          if (isRefused) throw refuse('EXTENSION_UNAVAILABLE', null, { extension: registration.name });
          if (answer !== null) answers.push(answer);
        }
      }
      return answers;
    } finally {
      if (talk.mode === 'LIVE') this.#beginShadows(talk, begun);
    }
  }

  #askTogether(talk: Talk<Facts>, group: readonly Part<Facts>[]): Begun<Facts>[] {
    let turn: Promise<unknown> = Promise.resolve();
    return group.map((part) => {
      // One call of a tenant runs in the sandbox at a time, and waiting there would count as the code's time.
      const isInTurn = part.counted?.revision.code.runtime === 'SANDBOX';
      const settled = isInTurn ? turn.then(() => this.#settle(talk, part)) : this.#settle(talk, part);
      // Whoever comes before it may refuse, and then nobody hears of this one.
      const over = settled.catch(() => SILENT);
      if (isInTurn) turn = over;
      return { ...part, settled, over };
    });
  }

  /** They begin when all whose answer counts are done, whatever came of that. */
  #beginShadows(talk: Talk<Facts>, begun: readonly Begun<Facts>[]): void {
    if (begun.every(({ shadow }) => shadow === null)) return;
    void Promise.all(begun.map(({ over }) => over)).then((settled) => {
      for (const [index, { registration, shadow }] of begun.entries()) {
        if (shadow === null) continue;
        const asked = { registration, revision: shadow, mode: 'SHADOW' } as const;
        this.#shadows.run(talk.tenantKey, () => this.#shadow(talk, asked, settled[index] ?? SILENT));
      }
    });
  }

  async #settle(talk: Talk<Facts>, { registration, counted }: Part<Facts>): Promise<Settled> {
    if (counted === null) return SILENT;
    const { revision } = counted;
    const mode = talk.mode === 'DRY_RUN' ? talk.mode : counted.mode;
    const called = await this.#call(talk, { registration, revision, mode });
    this.#record(talk, registration, called);
    const { outcome } = called.record;
    const extension = { name: registration.name, version: revision.version };
    if (outcome === 'OK') {
      return { answer: { extension, output: called.value, isFallback: false }, isRefused: false };
    }
    if (outcome === 'SKIPPED_BY_FILTER') return SILENT;
    if (talk.point.kind === 'TOLD' || revision.onFailure === 'FAIL_OPEN') {
      talk.failed(registration.name, revision.onFailure);
      return SILENT;
    }
    if (revision.onFailure === 'FAIL_CLOSED') return { answer: null, isRefused: true };
    const fallback = await judged(talk, revision, revision.defaultOutput);
    // A default that no longer fits can't stand for an answer, and its owner didn't say "go on without".
    if (fallback.fault !== null) return { answer: null, isRefused: true };
    return { answer: { extension, output: fallback.value, isFallback: true }, isRefused: false };
  }

  async #shadow(talk: Talk<Facts>, asked: AskedFor<Facts>, { answer, isRefused }: Settled): Promise<void> {
    try {
      const called = await this.#call(talk, asked);
      // What the end of the process did to it says nothing about the extension.
      if (this.#shadows.isClosed) return;
      const isComparable = called.record.outcome === 'OK' && !isRefused;
      const counted = answer === null ? talk.point.neutral : answer.output;
      const differences = isComparable
        ? differencesOf(counted, called.value).map(({ before: live, now, ...at }) => ({
            ...at,
            live,
            shadow: now,
          }))
        : null;
      this.#record(talk, asked.registration, { ...called, record: { ...called.record, differences } });
    } catch (error) {
      const { name, point } = asked.registration;
      this.#parts.listener.onFailure({ extension: name, point, mode: 'SHADOW', fault: null, error });
    }
  }

  /** Calls one revision, if it wants to be asked. */
  async #call(talk: Talk<Facts>, { registration, revision, mode }: AskedFor<Facts>): Promise<Called> {
    const asked = { registration, revision: revision as Revision<never>, mode };
    const { filter } = revision;
    if (filter !== null) {
      const facts = talk.facts();
      try {
        if (!filter(facts)) return notCalled(talk, asked, null);
      } catch (error) {
        const why = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
        return notCalled(talk, asked, { code: 'FILTER_FAILED', details: { why } });
      }
    }
    return await this.#caller.call(talk, asked);
  }

  #record({ point }: Talk<Facts>, { name }: Registration<Facts>, { record, error }: Called): void {
    this.#parts.recorder.record(record);
    if (isFailed(record)) {
      const { mode } = record;
      const fault = withoutWords(record);
      this.#parts.listener.onFailure({ extension: name, point: point.name, mode, fault, error });
    }
  }
}

function isFailed({ outcome }: CallRecord): boolean {
  return outcome !== 'OK' && outcome !== 'SKIPPED_BY_FILTER';
}

/** What is wrong with an answer names what stands in it, which may be what it was told about a member. */
function withoutWords({ outcome, fault }: CallRecord): Fault | null {
  return outcome === 'INVALID_OUTPUT' && fault !== null ? { code: fault.code, details: {} } : fault;
}

/** Those who are asked together: of one priority; one at a time where the first answer is what happens. */
function groupsOf<Facts>({ kind }: ExtensionPoint, parts: readonly Part<Facts>[]): Part<Facts>[][] {
  const ordered = parts.toSorted((a, b) => a.registration.priority - b.registration.priority);
  if (kind === 'DELEGATED') return ordered.map((part) => [part]);
  return [...Map.groupBy(ordered, ({ registration }) => registration.priority).values()];
}
