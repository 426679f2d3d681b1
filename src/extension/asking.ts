import type { z } from 'zod';
import type { ExtensionPoint, FailurePolicy } from './extension-point.ts';
import type { Fault, PostingLimit } from './registration.ts';

/** What the asking domain knows of its question. */
export interface Question<Facts, Out> {
  /** DRY_RUN when nothing will be written. */
  readonly mode: 'LIVE' | 'DRY_RUN';
  /** The same for every attempt at the same request. */
  readonly idempotencyKey: string;
  /**
   * Whom it is about, for canaries: the member's public id, or their first identity before there is one. Null
   * where the answer is who it is: then nobody is drawn, and a canary is asked.
   */
  readonly subject: string | null;
  /** Business time. */
  readonly now: Date;
  /** What filters look at; worked out only where somebody has one. */
  facts(): Facts;
  /** Holds an output against what its answerer may propose; null where it may. */
  judge?(output: Out, limits: readonly PostingLimit[] | null): Fault | null | Promise<Fault | null>;
  /** Whether this answer decides it, so that no more need be asked; by default, any to what is DELEGATED. */
  enough?(output: Out): boolean;
  /**
   * Told of each that gave no good answer and refuses nothing, since it fails open or the point is TOLD: else
   * nobody could see that it was asked.
   */
  failed?(extension: string, onFailure: FailurePolicy): void;
}

/** One extension's answer, checked against the point's schema and by the question's judge. */
export interface Answer<Out> {
  readonly extension: { readonly name: string; readonly version: number };
  readonly output: Out;
  /** Whether it failed, and this is what it declared for that case. */
  readonly isFallback: boolean;
}

/** Those who answer a point for a tenant now. A use case keeps to them until it ends. */
export interface Answerers<Facts, Input, Out> {
  /** Whether it doesn't matter whom it is about: no filter, and no canary. Then one question may be about several. */
  readonly areAskedAlike: boolean;
  /**
   * Asks them in order of priority, those of the same one together, with no transaction open. The answers
   * come in order of priority.
   * @throws Refusal EXTENSION_UNAVAILABLE when one that fails closed throws, is late or answers wrongly
   */
  ask(input: Input, question: Question<Facts, Out>): Promise<Answer<Out>[]>;
}

/** How a domain asks the extension points that it owns; the plugin host stands behind it. */
export interface Asker<Facts> {
  /** Null where nobody answers, so that nothing has to be prepared. */
  find<Input extends z.ZodType, Output extends z.ZodType>(
    tenantKey: string,
    point: ExtensionPoint<Input, Output>,
  ): Promise<Answerers<Facts, z.input<Input>, z.output<Output>> | null>;
}
