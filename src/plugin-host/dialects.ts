import type { z } from 'zod';
import type { ExtensionPoint, Fault } from '../extension/index.ts';
import { faultOf, writeJson } from './json.ts';
import type { Checked } from './runtimes/runtime.types.ts';

type Step = NonNullable<ExtensionPoint['previous']>;

/** An input as one version of the point has it. */
export type Spoken =
  | { readonly point: ExtensionPoint; readonly json: string; readonly value: unknown; readonly fault: null }
  | { readonly fault: Fault };

/** One question in every version of its point: who answers an earlier one is asked in that. */
export class Dialects {
  readonly #point: ExtensionPoint;
  readonly #input: unknown;
  readonly #spoken = new Map<number, Spoken>();

  constructor(point: ExtensionPoint, input: unknown) {
    this.#point = point;
    this.#input = input;
  }

  /** The question, for those who answer a version. */
  inputIn(version: number): Spoken {
    const known = this.#spoken.get(version);
    if (known !== undefined) return known;
    const spoken = this.#translated(version);
    this.#spoken.set(version, spoken);
    return spoken;
  }

  /** An output in a version, as the newest one has it. Never throws. */
  outputFrom(version: number, output: unknown): Checked {
    const steps = stepsTo(this.#point, version) ?? [];
    const speaker = steps.at(-1)?.point ?? this.#point;
    const first = read('OUTPUT_INVALID', speaker.output, () => output);
    return steps.reduceRight<Checked>((checked, step, index) => {
      if (checked.fault !== null) return checked;
      const later = index === 0 ? this.#point : (steps[index - 1]?.point ?? this.#point);
      return read('OUTPUT_INVALID', later.output, () => step.fromOutput(checked.value));
    }, first);
  }

  #translated(version: number): Spoken {
    const steps = stepsTo(this.#point, version);
    if (steps === null) {
      return { fault: { code: 'POINT_UNKNOWN', details: { point: this.#point.name, version } } };
    }
    // Before the schema walks it.
    const written = writeJson('INPUT_INVALID', this.#input);
    if (written.fault !== null) return { fault: written.fault };
    const first = read('INPUT_INVALID', this.#point.input, () => this.#input);
    const last = steps.reduce<Checked>(
      (checked, { point, toInput }) =>
        checked.fault === null
          ? read('INPUT_INVALID', point.input, () => toInput(checked.value as never))
          : checked,
      first,
    );
    if (last.fault !== null) return { fault: last.fault };
    const told = writeJson('INPUT_INVALID', last.value);
    if (told.fault !== null) return { fault: told.fault };
    const { json } = told;
    const point = steps.at(-1)?.point ?? this.#point;
    return { point, json, value: JSON.parse(json), fault: null };
  }
}

/** The way from the newest version of a point to another one; null where there is none. */
function stepsTo(point: ExtensionPoint, version: number): Step[] | null {
  const steps: Step[] = [];
  let at: ExtensionPoint = point;
  while (at.version !== version) {
    if (at.previous === undefined) return null;
    steps.push(at.previous);
    at = at.previous.point;
  }
  return steps;
}

/** One version of a point. */
export function pointIn(point: ExtensionPoint, version: number): ExtensionPoint | null {
  const steps = stepsTo(point, version);
  return steps === null ? null : (steps.at(-1)?.point ?? point);
}

/** What a schema makes of a value, which may be one that only throws. */
function read(code: 'INPUT_INVALID' | 'OUTPUT_INVALID', schema: z.ZodType, value: () => unknown): Checked {
  try {
    const { data, error } = schema.safeParse(value());
    return error === undefined ? { value: data, fault: null } : { fault: faultOf(code, error) };
  } catch {
    return { fault: { code, details: { path: '.', problem: 'it can’t be read' } } };
  }
}
