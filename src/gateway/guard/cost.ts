import { createRequire } from 'node:module';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
} from 'graphql';
import { RequestFault } from '../../kernel/errors.ts';
import { InvalidDocument, isIntrospection } from './document.ts';

// The library's ES build brings a second graphql with it; its CommonJS build shares ours.
const require = createRequire(import.meta.url);
const { getComplexity } = require('graphql-query-complexity') as typeof import('graphql-query-complexity');

const MOST = 20_000;
/** What tools ask first, the whole schema, costs some 27,000, though its answer is small. */
const MOST_INTROSPECTION = 40_000;
const MOST_NODES = 10_000;
const LARGEST_PAGE = 100;
/** What a list is taken to hold that has no `first`. */
const UNPAGED_LENGTH = 8;

/**
 * Refuses an operation that costs too much, or asks for a page outside of 1–100. A field costs one and what
 * is below it; a page costs that as often as it asks for.
 * @param variables such as can be coerced
 * @throws RequestFault QUERY_TOO_COMPLEX, PAGE_SIZE
 * @throws InvalidDocument when the variables leave a required argument without a value
 */
export function refuseCostly(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
): void {
  const most = isIntrospection(operation) ? MOST_INTROSPECTION : MOST;
  const { cost, badPage } = costOf(schema, document, operation, variables);
  if (badPage) throw new RequestFault('PAGE_SIZE', { field: ['first'] });
  if (!(cost <= most)) throw new RequestFault('QUERY_TOO_COMPLEX', { details: { cost, most } });
}

function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
): { cost: number; badPage: boolean } {
  let badPage = false;
  const options: Parameters<typeof getComplexity>[0] = {
    schema,
    query: document,
    operationName: operation.name?.value,
    variables,
    maxQueryNodes: MOST_NODES,
    estimators: [
      ({ args, childComplexity, field }) => {
        if ('first' in args) {
          const first = Number(args.first);
          if (!(first >= 1 && first <= LARGEST_PAGE)) badPage = true;
          return 1 + Math.min(Math.max(first, 1), LARGEST_PAGE) * childComplexity;
        }
        const type = isNonNullType(field.type) ? field.type.ofType : field.type;
        // A connection's edges were multiplied by its `first` already.
        const isUnpaged = isListType(type) && field.name !== 'edges' && !field.name.startsWith('__');
        return 1 + (isUnpaged ? UNPAGED_LENGTH : 1) * childComplexity;
      },
    ],
  };
  try {
    return { cost: getComplexity(options), badPage };
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    // With a place in the document, an argument is wrong; without one, there are too many nodes to count.
    if (error.nodes !== undefined) throw new InvalidDocument('BAD_USER_INPUT', [error]);
    throw new RequestFault('QUERY_TOO_COMPLEX', { details: { cost: `>${MOST_NODES}`, most: MOST } });
  }
}
