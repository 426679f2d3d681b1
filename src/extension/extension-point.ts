import type { z } from 'zod';

/** A typed question that the product asks: JSON in, JSON out, no side effects on our data. */
export interface ExtensionPoint<Input extends z.ZodType, Output extends z.ZodType> {
  /** `noun.verb`, e.g. `member.create`. */
  readonly name: string;
  readonly version: number;
  /** When it is asked, and what an answer means. */
  readonly description: string;
  readonly input: Input;
  readonly output: Output;
}

export function defineExtensionPoint<Input extends z.ZodType, Output extends z.ZodType>(
  point: ExtensionPoint<Input, Output>,
): ExtensionPoint<Input, Output> {
  return point;
}

/** What an answerer is told about the call. */
export interface CallContext {
  /** The tenant's code. */
  readonly tenant: string;
  /** LIVE, or DRY_RUN when nothing will be written. */
  readonly mode: 'LIVE' | 'DRY_RUN';
  /** The same for every attempt at the same request. */
  readonly idempotencyKey: string;
  /** Fires when the answer is no longer waited for. */
  readonly signal: AbortSignal;
}

/** One extension's answer, checked against the point's schema. */
export interface Answer<Output> {
  readonly extension: { readonly name: string; readonly version: number };
  readonly output: Output;
}

/** What the asker knows of the call. */
export type CallFacts = Omit<CallContext, 'signal'>;

/** How a domain asks the extension points that it owns; the plugin host stands behind it. */
export interface Asker {
  /**
   * Asks everyone who answers this point, in order of priority, with no transaction open.
   * @throws Refusal EXTENSION_UNAVAILABLE when one that fails closed throws, is late or answers wrongly
   */
  ask<Input extends z.ZodType, Output extends z.ZodType>(
    point: ExtensionPoint<Input, Output>,
    input: z.input<Input>,
    facts: CallFacts,
  ): Promise<Answer<z.output<Output>>[]>;
}
