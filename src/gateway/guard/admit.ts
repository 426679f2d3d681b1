import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import { RequestFault } from '../../kernel/errors.ts';
import type { Caller } from '../../kernel/request-context.ts';
import { refuseCostly } from './cost.ts';
import { type DocumentFacts, readDocument } from './document.ts';

const REMEMBERED_DOCUMENTS = 1_000;
const REMEMBERED_CHARACTERS = 20_000_000;
const REMEMBERED_COSTS = 1_000;
const LONGEST_QUERY = 100_000;
const DEEPEST_VARIABLES = 24;
const MOST_VARIABLE_VALUES = 20_000;

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

/**
 * The one guard: nothing is executed that it has not admitted, over whatever transport it came. What it finds out
 * about a document is remembered; what depends on the caller or the variables is checked each time.
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
   * @throws RequestFault BAD_REQUEST, QUERY_TOO_LARGE, QUERY_TOO_COMPLEX, PAGE_SIZE, VARIABLES_TOO_LARGE,
   *   OPERATION_NOT_FOUND, INTROSPECTION_DISABLED, FORBIDDEN
   */
  admit(incoming: IncomingOperation, caller: Caller): Admitted {
    const { query, operationName, variables } = typed(incoming);
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
    this.#refuseCostly(query, facts.document, operationName, variables);
    return { document: facts.document, operation: operation.node, operationName, variables };
  }

  #factsOf(query: string): DocumentFacts {
    const known = this.#documents.get(query);
    if (known !== undefined) return known;
    const facts = readDocument(this.#schema, query);
    this.#documents.set(query, facts);
    return facts;
  }

  #refuseCostly(
    query: string,
    document: DocumentNode,
    operationName: string | undefined,
    variables: Record<string, unknown>,
  ): void {
    // Only numbers can change the cost: page sizes. So operations with equal numbers cost the same.
    const numbers = Object.entries(variables).filter(([, value]) => typeof value === 'number');
    const id = `${operationName ?? ''} ${JSON.stringify(numbers)} ${query}`;
    if (this.#affordable.has(id)) return;
    refuseCostly(this.#schema, document, operationName, variables);
    this.#affordable.set(id, true);
  }
}

interface TypedOperation {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Record<string, unknown>;
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
  refuseLargeVariables(given);
  return { query, operationName: operationName ?? undefined, variables: given as Record<string, unknown> };
}

/** Walks with a stack of its own, because variables nested 200,000 deep would overflow the engine's. */
function refuseLargeVariables(variables: object): void {
  let values = 0;
  const stack: { value: unknown; depth: number }[] = [{ value: variables, depth: 0 }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    values += 1;
    if (values > MOST_VARIABLE_VALUES || next.depth > DEEPEST_VARIABLES)
      throw new RequestFault('VARIABLES_TOO_LARGE');
    if (typeof next.value !== 'object' || next.value === null) continue;
    for (const value of Object.values(next.value)) {
      if (typeof value === 'object' && value !== null) stack.push({ value, depth: next.depth + 1 });
      else values += 1;
    }
  }
}
