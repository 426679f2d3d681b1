import { createRequire } from 'node:module';
import { type DocumentNode, type GraphQLSchema, isListType, isNonNullType } from 'graphql';
import { RequestFault } from '../../kernel/errors.ts';

// The library's ES build brings a second graphql with it; its CommonJS build shares ours.
const require = createRequire(import.meta.url);
const { getComplexity } = require('graphql-query-complexity') as typeof import('graphql-query-complexity');

const MOST = 20_000;
const LARGEST_PAGE = 100;
/** What a list is taken to hold that has no `first`. */
const UNPAGED_LENGTH = 8;

/**
 * Refuses an operation that costs too much, or asks for a page outside of 1–100. A field costs one and what is
 * below it; a page costs that as often as it asks for.
 * @throws RequestFault QUERY_TOO_COMPLEX, PAGE_SIZE
 */
export function refuseCostly(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
  variables: Record<string, unknown>,
): void {
  let badPage = false;
  const cost = getComplexity({
    schema,
    query: document,
    operationName,
    variables,
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
  });
  if (badPage) throw new RequestFault('PAGE_SIZE', { field: ['first'] });
  if (!(cost <= MOST)) throw new RequestFault('QUERY_TOO_COMPLEX', { details: { cost, most: MOST } });
}
