import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  type GraphQLFormattedError,
  type GraphQLSchema,
  Kind,
  type VariableDefinitionNode,
} from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Logger } from 'pino';
import type { GatewayContext } from './context.ts';
import type { Admitted } from './guard/index.ts';
import { maskError, type VariableRules, variableErrors } from './mask.ts';

export interface MaskedResult {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly GraphQLFormattedError[];
}

type Compiled = CompiledQuery<Record<string, unknown>, Record<string, unknown>> | null;

/** Runs admitted queries and mutations, over whatever transport they came; what it answers is masked. */
export class Executor {
  readonly #schema: GraphQLSchema;
  readonly #variableRules: VariableRules;
  readonly #logger: Logger;
  readonly #compiled = new WeakMap<DocumentNode, Map<string, Compiled>>();

  /** @param hideSuggestions whether errors keep to themselves what else the schema offers */
  constructor(schema: GraphQLSchema, logger: Logger, hideSuggestions: boolean) {
    this.#schema = schema;
    this.#variableRules = { schema, hideSuggestions };
    this.#logger = logger;
  }

  async run(admitted: Admitted, context: GatewayContext): Promise<MaskedResult> {
    try {
      const compiled = this.#compile(admitted);
      const result =
        compiled === null
          ? await this.#interpret(admitted, context)
          : await compiled.query({}, context, admitted.variables);
      return this.mask(result, admitted, context);
    } catch (error) {
      return { errors: [maskError(error, context.request, this.#logger)] };
    }
  }

  /** A result as a client may see it. */
  mask(result: ExecutionResult, admitted: Admitted, { request }: GatewayContext): MaskedResult {
    const { data, errors } = result;
    if (errors === undefined || errors.length === 0) return { data };
    const unstarted = data === undefined ? variableErrors(this.#variableRules, admitted, request) : null;
    const masked = unstarted ?? errors.map((error) => maskError(error, request, this.#logger));
    return data === undefined ? { errors: masked } : { data, errors: masked };
  }

  async #interpret(
    { document, operationName, variables }: Admitted,
    context: GatewayContext,
  ): Promise<ExecutionResult> {
    return await execute({
      schema: this.#schema,
      document,
      operationName,
      variableValues: variables,
      contextValue: context,
    });
  }

  /** The compiled operation, remembered as long as its document; null where it can't be compiled. */
  #compile({ document, operation, operationName = '' }: Admitted): Compiled {
    const byName = this.#compiled.get(document) ?? new Map<string, Compiled>();
    this.#compiled.set(document, byName);
    const known = byName.get(operationName);
    if (known !== undefined) return known;
    let compiled: Compiled = null;
    if (operation.variableDefinitions?.some(hasDoubtfulDefault) === true) {
      byName.set(operationName, compiled);
      return compiled;
    }
    try {
      const outcome = compileQuery<Record<string, unknown>, Record<string, unknown>>(
        this.#schema,
        document,
        operationName === '' ? undefined : operationName,
        { disablingCapturingStackErrors: true },
      );
      if (isCompiledQuery(outcome)) compiled = outcome as unknown as NonNullable<Compiled>;
    } catch (error) {
      this.#logger.warn({ err: error }, 'an operation could not be compiled and is interpreted');
    }
    byName.set(operationName, compiled);
    return compiled;
  }
}

const PLAIN_TYPES = ['Boolean', 'Float', 'ID', 'Int', 'String'];

/**
 * graphql-jit takes a default for missing where null isn't allowed, and doesn't parse one of a scalar of
 * ours.
 */
function hasDoubtfulDefault({ defaultValue, type }: VariableDefinitionNode): boolean {
  if (defaultValue === undefined) return false;
  return type.kind !== Kind.NAMED_TYPE || !PLAIN_TYPES.includes(type.name.value);
}
