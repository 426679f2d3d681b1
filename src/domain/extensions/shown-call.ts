import type { Change } from '../../kernel/differences.ts';
import { Refusal } from '../../kernel/errors.ts';
import { toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { toUserErrors } from '../shared/index.ts';
import type { CallFacts } from './call.repository.ts';
import type { CallContents } from './call-log.ts';
import type { ExtensionCall, ExtensionCallError } from './extension.types.ts';
import type { ExtensionRun } from './extension-run.types.ts';
import { allPoints, type JsonSchema, showPoint } from './points.policy.ts';
import {
  mapSentences,
  personalTexts,
  REDACTED,
  redact,
  schemaAt,
  scrub,
  scrubLine,
} from './redaction.policy.ts';

type Facts = Omit<CallFacts, 'differences'>;

const UNREADABLE: CallContents = {
  ...{ input: null, output: null, logs: [], differences: null },
  fault: { code: 'CALL_UNREADABLE', details: {} },
};

/** Shows what was said in calls of a point, without what any version of it marks as personal. */
export class CallScreen {
  readonly #ctx: RequestContext;
  readonly #inputs: readonly JsonSchema[];
  readonly #outputs: readonly JsonSchema[];

  constructor(ctx: RequestContext, point: string) {
    this.#ctx = ctx;
    const shown = allPoints()
      .filter(({ name }) => name === point)
      .map(showPoint);
    this.#inputs = shown.map(({ inputSchema }) => inputSchema);
    this.#outputs = shown.map(({ outputSchema }) => outputSchema);
  }

  /** @param contents null when they can't be read any more */
  call(facts: Facts, contents: CallContents | null): ExtensionCall & { readonly extensionKey: string } {
    const { extensionKey, callKey, mode, outcome, startedAt, durationMs, attempt, version } = facts;
    const said = contents ?? UNREADABLE;
    const personal = this.personal(said);
    const differences = said.differences?.map(({ path, live, shadow }) => ({
      path: scrub(path, personal),
      live: this.#place(path, live, personal),
      shadow: this.#place(path, shadow, personal),
    }));
    return {
      ...{
        id: toPublicId('extensionCall', callKey),
        extensionKey,
        mode,
        outcome,
        startedAt,
        attempt,
        version,
      },
      durationMs: rounded(durationMs),
      input: scrub(redact(said.input, ...this.#inputs), personal),
      output: mapSentences(scrub(redact(said.output, ...this.#outputs), personal), (sentence) =>
        this.#line(sentence, said, personal),
      ),
      error: this.#error(said, personal),
      logs: said.logs.map((line) => this.#line(line, said, personal)),
      differences: differences ?? null,
    };
  }

  run(facts: Facts, contents: CallContents): ExtensionRun {
    const { id, outcome, durationMs, output, logs, error } = this.call(facts, contents);
    return { callId: id, outcome, durationMs, output, logs, error };
  }

  differences(found: readonly Change[], personal: ReadonlySet<string>) {
    return found.map(({ path, before, now }) => ({
      path: scrub(path, personal),
      before: this.#place(path, before, personal),
      now: this.#place(path, now, personal),
    }));
  }

  /** The personal texts of a call, which may turn up in what is free text. */
  personal({ input, output }: Pick<CallContents, 'input' | 'output'>): Set<string> {
    return new Set([...personalTexts(input, ...this.#inputs), ...personalTexts(output, ...this.#outputs)]);
  }

  /** A value out of an output. */
  #place(path: string, value: unknown, personal: ReadonlySet<string>): unknown {
    if (value === undefined) return null;
    const found = this.#outputs.map((schema) => schemaAt(schema, path));
    if (found.some(({ isPersonal }) => isPersonal)) return REDACTED;
    return scrub(redact(value, ...found.flatMap(({ schemas }) => schemas)), personal);
  }

  /** What code says in its own words. */
  #line(line: string, { input, output }: CallContents, personal: ReadonlySet<string>): string {
    const scrubbed = scrubLine(scrub(line, personal), input, ...this.#inputs);
    return scrubLine(scrubbed, output, ...this.#outputs);
  }

  #error(said: CallContents, personal: ReadonlySet<string>): ExtensionCallError | null {
    const { fault } = said;
    if (fault === null) return null;
    const { code, details, message, line = null, column = null } = fault;
    const [told] = toUserErrors(this.#ctx, new Refusal([{ code, field: null, details, message }]));
    return { code, message: this.#line(told?.message ?? code, said, personal), line, column };
  }
}

/** To a thousandth of a millisecond. */
export function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}
