import {
  type DocumentNode,
  type GraphQLSchema,
  getVariableValues,
  type OperationDefinitionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { RequestFault } from '../../kernel/errors.ts';
import type { Caller } from '../../kernel/request-context.ts';
import { refuseCostly } from './cost.ts';
import { type DocumentFacts, readDocument } from './document.ts';
import { refuseUnstorable } from './text.ts';

const REMEMBERED_DOCUMENTS = 1_000;
const REMEMBERED_CHARACTERS = 20_000_000;
const REMEMBERED_COSTS = 1_000;
const LONGEST_QUERY = 100_000;
const DEEPEST_VARIABLES = 24;
const MOST_VARIABLE_VALUES = 20_000;
/** More than these are checked before they are coerced, because each wrong one would make an error. */
const FEW_VARIABLE_VALUES = 500;

/** An operation as it arrives, over HTTP or WebSocket. */
export interface IncomingOperation {
  readonly query?: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
}

/** An operation that may run. */
export interface Admitted {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly operationName: string | undefined;
  readonly variables: Record<string, unknown>;
}

/** Variables that can't be coerced to the types that their operation declares. */
export class InvalidVariables extends Error {
  readonly operation: OperationDefinitionNode;
  readonly variables: Record<string, unknown>;

  constructor(operation: OperationDefinitionNode, variables: Record<string, unknown>) {
    super('BAD_USER_INPUT');
    this.operation = operation;
    this.variables = variables;
  }
}

/**
 * The one guard: nothing is executed that it has not admitted, over whatever transport it came. What it finds
 * out about a document is remembered; what depends on the caller or the variables is checked each time.
 */
export class Guard {
  readonly #schema: GraphQLSchema;
  readonly #introspection: boolean;
  readonly #documents = new LRUCache<string, DocumentFacts>({
    max: REMEMBERED_DOCUMENTS,
    maxSize: REMEMBERED_CHARACTERS,
    sizeCalculation: (_, query) => query.length,
  });
  /** Documents with variables of which the cost is known to be fine. */
  readonly #affordable = new LRUCache<string, true>({ max: REMEMBERED_COSTS });

  constructor(schema: GraphQLSchema, options: { introspection: boolean }) {
    this.#schema = schema;
    this.#introspection = options.introspection;
  }

  /**
   * @throws InvalidDocument for what can't be parsed or validated
   * @throws InvalidVariables
   * @throws RequestFault BAD_REQUEST, QUERY_TOO_LARGE, QUERY_TOO_COMPLEX, PAGE_SIZE, VARIABLES_TOO_LARGE,
   *   OPERATION_NOT_FOUND, INTROSPECTION_DISABLED, FORBIDDEN
   */
  admit(incoming: IncomingOperation, caller: Caller): Admitted {
    const { query, operationName, variables, values } = typed(incoming);
    const facts = this.#factsOf(query);
    const name = operationName ?? (facts.operations.size === 1 ? [...facts.operations.keys()][0] : undefined);
    const operation = name === undefined ? undefined : facts.operations.get(name);
    if (operation === undefined) throw new RequestFault('OPERATION_NOT_FOUND');
    if (operation.asksForSchema && !this.#introspection) throw new RequestFault('INTROSPECTION_DISABLED');
    for (const { field, roles } of operation.restrictions) {
      if (!roles.includes(caller.role)) {
        throw new RequestFault('FORBIDDEN', { details: { what: field }, httpStatus: 403 });
      }
    }
    if (values > FEW_VARIABLE_VALUES) this.#refuseInvalid(operation.node, variables);
    this.#refuseCostly(query, facts.document, operation.node, variables);
    return { document: facts.document, operation: operation.node, operationName, variables };
  }

  #factsOf(query: string): DocumentFacts {
    const known = this.#documents.get(query);
    if (known !== undefined) return known;
    const facts = readDocument(this.#schema, query, !this.#introspection);
    this.#documents.set(query, facts);
    return facts;
  }

  #refuseCostly(
    query: string,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown>,
  ): void {
    // Numbers can change the cost, as page sizes, and booleans, for @include and @skip; nothing else can.
    const deciding = Object.entries(variables).filter(([, value]) =>
      ['number', 'boolean'].includes(typeof value),
    );
    const id = `${operation.name?.value ?? ''} ${JSON.stringify(deciding)} ${query}`;
    if (this.#affordable.has(id)) return;
    this.#refuseInvalid(operation, variables);
    refuseCostly(this.#schema, document, operation, variables);
    this.#affordable.set(id, true);
  }

  #refuseInvalid(operation: OperationDefinitionNode, variables: Record<string, unknown>): void {
    const definitions = operation.variableDefinitions ?? [];
    const { errors } = getVariableValues(this.#schema, definitions, variables, { maxErrors: 1 });
    if (errors !== undefined) throw new InvalidVariables(operation, variables);
  }
}

interface TypedOperation {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Record<string, unknown>;
  /** How many values the variables hold. */
  readonly values: number;
}

function typed({ query, operationName, variables }: IncomingOperation): TypedOperation {
  const bad = (why: string): RequestFault => new RequestFault('BAD_REQUEST', { details: { why } });
  if (typeof query !== 'string' || query === '') throw bad('"query" is missing');
  if (query.length > LONGEST_QUERY) {
    throw new RequestFault('QUERY_TOO_LARGE', { details: { what: 'characters', most: LONGEST_QUERY } });
  }
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') {
    throw bad('"operationName" is no string');
  }
  const given = variables ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) throw bad('"variables" is no object');
  const values = countValues(given);
  const name = operationName === null || operationName === '' ? undefined : operationName;
  return { query, operationName: name, variables: given as Record<string, unknown>, values };
}

/**
 * Counts with a stack of its own, because variables nested 200,000 deep would overflow the engine's.
 * @throws RequestFault VARIABLES_TOO_LARGE
 */
function countValues(variables: object): number {
  let values = 0;
  const stack: { value: object; depth: number }[] = [{ value: variables, depth: 0 }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next.depth > DEEPEST_VARIABLES) throw new RequestFault('VARIABLES_TOO_LARGE');
    for (const value of Object.values(next.value)) {
      values += 1;
      if (values > MOST_VARIABLE_VALUES) throw new RequestFault('VARIABLES_TOO_LARGE');
      if (typeof value === 'string') refuseUnstorable(value);
      if (typeof value === 'object' && value !== null) stack.push({ value, depth: next.depth + 1 });
    }
  }
  return values;
}
