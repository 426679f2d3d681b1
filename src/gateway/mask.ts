import {
  coerceInputValue,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  isInputType,
  Kind,
  typeFromAST,
} from 'graphql';
import type { Logger } from 'pino';
import { Refusal, RequestFault, renderMessage } from '../kernel/errors.ts';
import type { RequestContext } from '../kernel/request-context.ts';
import { errorCatalogue } from './catalogue.ts';
import type { Admitted } from './guard/index.ts';

/** Connection failures of PostgreSQL and of the network. */
const AWAY = /^(08|57P0|53300|ECONN|EPIPE|ETIMEDOUT)/;

/** Who reads an error, and under which id it is logged. */
export type Reader = Pick<RequestContext, 'language' | 'requestId'>;

/** A fault as an entry of GraphQL `errors`. */
export function faultToError(fault: RequestFault, reader: Reader): GraphQLFormattedError {
  const template = errorCatalogue[fault.code];
  const message =
    template === undefined ? fault.code : renderMessage(template, reader.language, fault.details);
  const field = fault.field === null ? {} : { field: [...fault.field] };
  return { message, extensions: { code: fault.code, ...field } };
}

/**
 * An execution error as a client may see it: what is meant for clients keeps its code, everything else is a fault
 * of ours, logged under the request's id and told as INTERNAL_SERVER_ERROR or SERVICE_UNAVAILABLE.
 */
export function maskError(error: unknown, reader: Reader, logger: Logger): GraphQLFormattedError {
  const { locations, path, originalError } = (error ?? {}) as Partial<GraphQLError>;
  const cause = originalError ?? error;
  const place = {
    ...(locations === undefined ? {} : { locations }),
    ...(path === undefined ? {} : { path }),
  };
  if (cause instanceof RequestFault) return { ...faultToError(cause, reader), ...place };
  if (cause instanceof Refusal) {
    const [reason] = cause.reasons;
    const fault = new RequestFault(reason?.code ?? 'BAD_REQUEST', {
      details: reason?.details,
      field: reason?.field ?? undefined,
    });
    return { ...faultToError(fault, reader), ...place };
  }
  const code = codeOf(cause);
  // An argument's literal that a scalar refuses is the client's fault; it carries a code of ours.
  if (code !== null && code in errorCatalogue && cause instanceof GraphQLError) {
    return { ...faultToError(new RequestFault(code), reader), ...place };
  }
  logger.error({ err: cause, requestId: reader.requestId }, 'an operation failed');
  const isAway = AWAY.test(String((cause as { code?: unknown } | null)?.code ?? ''));
  const fault = new RequestFault(isAway ? 'SERVICE_UNAVAILABLE' : 'INTERNAL_SERVER_ERROR', {
    details: { requestId: reader.requestId },
  });
  return { ...faultToError(fault, reader), ...place };
}

function codeOf(error: unknown): string | null {
  const code = (error as { extensions?: { code?: unknown } } | null)?.extensions?.code;
  return typeof code === 'string' ? code : null;
}

/**
 * Why the variables of an operation can't be coerced, with the path below the variable; null when they can.
 * Worked out only when execution failed before it began, since it does the work a second time.
 */
export function variableErrors(
  schema: GraphQLSchema,
  { operation, variables }: Admitted,
  reader: Reader,
): GraphQLFormattedError[] | null {
  const errors: GraphQLFormattedError[] = [];
  for (const { variable, type: typeNode, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    const type = typeFromAST(schema, typeNode);
    if (type === undefined || !isInputType(type)) continue;
    const value = variables[name];
    if (value === undefined && (defaultValue !== undefined || typeNode.kind !== Kind.NON_NULL_TYPE)) continue;
    coerceInputValue(value, type, (path, _invalid, error) => {
      errors.push(variableError(name, path, error, reader));
    });
  }
  return errors.length === 0 ? null : errors;
}

function variableError(
  name: string,
  path: readonly (string | number)[],
  error: GraphQLError,
  reader: Reader,
): GraphQLFormattedError {
  const code = codeOf(error.originalError) ?? codeOf(error);
  // Below `input` as in user errors; a variable that is a value by itself is named by its own name.
  const field = path.length > 0 ? path.map(String) : [name];
  if (code !== null && code in errorCatalogue) return faultToError(new RequestFault(code, { field }), reader);
  const message = `Variable "$${[name, ...path].join('.')}": ${error.message}`;
  return { message, extensions: { code: 'BAD_USER_INPUT', field } };
}
