import type { GraphQLFormattedError } from 'graphql';
import type { MaskedResult } from '../execute.ts';

/** One event as a group's subscribers see it. */
export class Rendered {
  readonly result: MaskedResult;
  #bytes: Buffer | null = null;

  constructor(result: MaskedResult) {
    this.result = result;
  }

  /** Why it can't be shown at all; null when it can, though maybe not every part of it. */
  get fault(): GraphQLFormattedError | null {
    const { data, errors = [] } = this.result;
    return (data ?? null) === null ? (errors[0] ?? null) : null;
  }

  /** As JSON: written once, however many are sent it. */
  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(JSON.stringify(this.result));
    return this.#bytes;
  }
}
