import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { RequestFault } from '../kernel/errors.ts';
import { errorCatalogue } from './catalogue.ts';
import { InvalidDocument, InvalidVariables } from './guard/index.ts';
import { faultToError, maskError, type Reader, variableErrors } from './mask.ts';
import type { GatewayParts } from './parts.ts';

/** Why an operation isn't executed, as its client may see it: the same over every transport. */
export function refusalErrors(parts: GatewayParts, error: unknown, reader: Reader): GraphQLFormattedError[] {
  if (error instanceof InvalidDocument)
    return error.errors.map((one) => documentError(one, error.code, reader));
  if (error instanceof InvalidVariables) {
    const rules = { schema: parts.schema, hideSuggestions: !parts.guardOptions.introspection };
    const fallback = faultToError(new RequestFault('BAD_USER_INPUT'), reader);
    return variableErrors(rules, error, reader) ?? [fallback];
  }
  if (error instanceof RequestFault) return [faultToError(error, reader)];
  return [maskError(error, reader, parts.logger)];
}

/** An error of the parser or the validator; what a scalar refuses is told with the scalar's own code. */
function documentError(error: GraphQLError, fallback: string, reader: Reader): GraphQLFormattedError {
  const { message, locations, extensions } = error;
  const { code, field } = extensions as { code?: unknown; field?: string[] };
  const isOurs = typeof code === 'string' && code in errorCatalogue;
  const told = isOurs
    ? faultToError(new RequestFault(code, { field }), reader)
    : { message, extensions: { code: fallback } };
  return { ...told, ...(locations === undefined ? {} : { locations }) };
}

/** An error that is sent as it was made for its reader. */
export class ToldError extends GraphQLError {
  readonly #told: GraphQLFormattedError;

  constructor(told: GraphQLFormattedError) {
    super(told.message, { extensions: told.extensions });
    this.#told = told;
  }

  override toJSON(): GraphQLFormattedError {
    return this.#told;
  }
}
