import type { z } from 'zod';
import type { CallContext, ExtensionPoint } from './extension-point.ts';

/** What happens when an answerer throws, is late, or answers something else than the point's schema. */
export type FailurePolicy = 'FAIL_CLOSED' | 'FAIL_OPEN';

/** One registered answerer of an extension point. */
export interface Answerer {
  readonly point: ExtensionPoint<z.ZodType, z.ZodType>;
  readonly answer: (input: never, context: CallContext) => unknown;
}

/** A package that brings answerers, in the gateway's own process. */
export interface Plugin {
  /** The folder's name: kebab-case. */
  readonly id: string;
  readonly version: number;
  readonly description: string;
  /** How long an asynchronous answer may take; 500 when missing. */
  readonly deadlineMs?: number;
  /** FAIL_CLOSED when missing: a failure refuses the request with EXTENSION_UNAVAILABLE. */
  readonly onFailure?: FailurePolicy;
  /** Lower ones are asked first; 100 when missing. */
  readonly priority?: number;
  readonly answers: readonly Answerer[];
}

/** Answers an extension point by a function whose types follow from the point's schemas. */
export function answers<Input extends z.ZodType, Output extends z.ZodType>(
  point: ExtensionPoint<Input, Output>,
  answer: (input: z.infer<Input>, context: CallContext) => z.input<Output> | Promise<z.input<Output>>,
): Answerer {
  return { point, answer };
}

export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}
