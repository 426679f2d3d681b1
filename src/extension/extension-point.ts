import type { z } from 'zod';

/**
 * How a question stands to what happens:
 * - ASKED before something is done, and everybody's answer counts;
 * - DELEGATED: the first answer that says something is what happens, nobody else is asked;
 * - TOLD after it was done: the answer changes nothing. Who fails closed is told again; nobody is refused.
 */
export type PointKind = 'ASKED' | 'DELEGATED' | 'TOLD';

/** What a failure comes to: a refusal, the point's neutral answer, or one given at registration. */
export type FailurePolicy = 'FAIL_CLOSED' | 'FAIL_OPEN' | 'DEFAULT';

/** How long an answer is waited for where nobody says otherwise. */
export const DEADLINE_MS = 500;

/** The first version of the product: what came with it needn't say so. */
export const FIRST_VERSION = '0.1.0';

/** A typed question that the product asks: JSON in, JSON out, no side effects on our data. */
export interface ExtensionPoint<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  /** `noun.verb`, e.g. `member.create`. */
  readonly name: string;
  readonly version: number;
  /** The product's version that brought it; `FIRST_VERSION` when missing. */
  readonly since?: string;
  /** When it is asked, and what an answer means. */
  readonly description: string;
  readonly kind: PointKind;
  /** What a throw, a late answer and one of another shape mean, unless a registration says otherwise. */
  readonly onThrow: Exclude<FailurePolicy, 'DEFAULT'>;
  /**
   * Whoever answers keeps the record: nothing stands in for an answer, so it fails closed, is asked about
   * everything, and answers for all members or for none.
   */
  readonly keepsRecord?: boolean;
  /** `.meta({ pii: true })` marks personal data: it isn't shown in the call log. */
  readonly input: Input;
  readonly output: Output;
  /** The answer that changes nothing. */
  readonly neutral: z.output<Output>;
  /** What documentation shows, and what a sample of `testExtension` is laid over. */
  readonly example: { readonly input: z.input<Input>; readonly output: z.input<Output> };
  /** The version before this one, for those who still answer it. */
  readonly previous?: PreviousVersion<Input, Output>;
}

/** How to speak with those who answer the version before. */
export interface PreviousVersion<Input extends z.ZodType, Output extends z.ZodType> {
  readonly point: ExtensionPoint;
  toInput(input: z.output<Input>): unknown;
  fromOutput(output: unknown): z.output<Output>;
}

export function defineExtensionPoint<Input extends z.ZodType, Output extends z.ZodType>(
  point: ExtensionPoint<Input, Output>,
): ExtensionPoint<Input, Output> {
  return point;
}
