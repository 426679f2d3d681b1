import {
  coerceInputValue,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isInputType,
  isListType,
  isScalarType,
  Kind,
  typeFromAST,
} from 'graphql';
import type { Logger } from 'pino';
import { Refusal, RequestFault, renderMessage } from '../kernel/errors.ts';
import type { RequestContext } from '../kernel/request-context.ts';
import { isAway } from '../persistence/index.ts';
import { errorCatalogue } from './catalogue.ts';
import type { Admitted } from './guard/index.ts';

const MOST_VARIABLE_ERRORS = 10;

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
 * An execution error as a client may see it: what is meant for clients keeps its code, everything else is a
 * fault of ours, logged under the request's id and told as INTERNAL_SERVER_ERROR or SERVICE_UNAVAILABLE.
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
  const fault = new RequestFault(isAway(cause) ? 'SERVICE_UNAVAILABLE' : 'INTERNAL_SERVER_ERROR', {
    details: { requestId: reader.requestId },
  });
  return { ...faultToError(fault, reader), ...place };
}

/** Whether an error as it is told says that the database is away. */
export function isUnavailable({ extensions }: GraphQLFormattedError): boolean {
  return extensions?.code === 'SERVICE_UNAVAILABLE';
}

function codeOf(error: unknown): string | null {
  const code = (error as { extensions?: { code?: unknown } } | null)?.extensions?.code;
  return typeof code === 'string' ? code : null;
}

/** What variables are read with. */
export interface VariableRules {
  readonly schema: GraphQLSchema;
  /** Whether errors keep to themselves what else the schema offers. */
  readonly hideSuggestions: boolean;
}

/** Enough is told. */
class EnoughErrors extends Error {}

/**
 * Why the variables of an operation can't be coerced, with the path below the variable; null when they can.
 * At most the first ten reasons. Worked out only when something is wrong, since it does the work a second
 * time.
 */
export function variableErrors(
  rules: VariableRules,
  input: Pick<Admitted, 'operation' | 'variables'>,
  reader: Reader,
): GraphQLFormattedError[] | null {
  const errors: GraphQLFormattedError[] = [];
  try {
    collectVariableErrors(rules, input, (name, type, path, value, error) => {
      errors.push(
        variableError(
          name,
          path,
          codeOf(error.originalError) ?? codeOf(error) ?? refusedBy(type, path, value),
          error,
          reader,
        ),
      );
      if (errors.length === MOST_VARIABLE_ERRORS) throw new EnoughErrors();
    });
  } catch (error) {
    if (!(error instanceof EnoughErrors)) throw error;
  }
  return errors.length === 0 ? null : errors;
}

type Path = readonly (string | number)[];

function collectVariableErrors(
  { schema, hideSuggestions }: VariableRules,
  { operation, variables }: Pick<Admitted, 'operation' | 'variables'>,
  tell: (name: string, type: GraphQLInputType, path: Path, value: unknown, error: GraphQLError) => void,
): void {
  for (const { variable, type: typeNode, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    const type = typeFromAST(schema, typeNode);
    if (type === undefined || !isInputType(type)) continue;
    const value = variables[name];
    if (value === undefined && (defaultValue !== undefined || typeNode.kind !== Kind.NON_NULL_TYPE)) continue;
    coerceInputValue(
      value,
      type,
      (path, wrong, error) => tell(name, type, path, wrong, error),
      hideSuggestions,
    );
  }
}

/** The code with which a scalar of ours refuses a null that stands in its place; null for other mistakes. */
function refusedBy(type: GraphQLInputType, path: Path, value: unknown): string | null {
  if (value !== null) return null;
  let at: GraphQLInputType | undefined = type;
  for (const step of path) {
    at = at === undefined ? undefined : getNullableType(at);
    if (isListType(at) && typeof step === 'number') at = at.ofType;
    else if (isInputObjectType(at)) at = at.getFields()[step]?.type;
  }
  const scalar = at === undefined ? undefined : getNullableType(at);
  if (!isScalarType(scalar)) return null;
  try {
    scalar.parseValue(null);
    return null;
  } catch (error) {
    return codeOf(error);
  }
}

function variableError(
  name: string,
  path: Path,
  code: string | null,
  error: GraphQLError,
  reader: Reader,
): GraphQLFormattedError {
  // Below `input` as in user errors; a variable that is a value by itself is named by its own name.
  const field = path.length > 0 ? path.map(String) : [name];
  if (code !== null && code in errorCatalogue) return faultToError(new RequestFault(code, { field }), reader);
  const message = `Variable "$${[name, ...path].join('.')}": ${error.message}`;
  return { message, extensions: { code: 'BAD_USER_INPUT', field } };
}
