import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  specifiedRules,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { RequestFault } from '../../kernel/errors.ts';
import type { Role } from '../../kernel/request-context.ts';
import { withRefusedValues } from './refused-values.ts';
import { refuseUnstorable } from './text.ts';

const MOST_TOKENS = 4_000;
const MOST_FIELDS = 500;
const MOST_ALIASES = 50;
const MOST_DIRECTIVES = 50;
const MOST_FRAGMENTS = 50;
const DEEPEST = 15;
const DEEPEST_INTROSPECTION = 20;
const MOST_VALIDATION_ERRORS = 10;

/** What the guard knows of one operation of a document, whoever sends it. */
export interface OperationFacts {
  readonly node: OperationDefinitionNode;
  readonly asksForSchema: boolean;
  /** The roles that may ask for each field that is restricted; a caller must be named in all of them. */
  readonly restrictions: readonly { readonly field: string; readonly roles: readonly Role[] }[];
}

export interface DocumentFacts {
  readonly document: DocumentNode;
  /** By name; an anonymous one under ''. */
  readonly operations: ReadonlyMap<string, OperationFacts>;
}

/**
 * A document that can't be executed; `errors` are those of the parser, of the validator, or of an argument.
 */
export class InvalidDocument extends Error {
  readonly code: 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED' | 'BAD_USER_INPUT';
  readonly errors: readonly GraphQLError[];

  constructor(code: InvalidDocument['code'], errors: readonly GraphQLError[]) {
    super(code);
    this.code = code;
    this.errors = errors;
  }
}

/**
 * Parses, bounds and validates a document. Sizes are bounded before anything that is worse than linear runs.
 * @param hideSuggestions whether errors keep to themselves what else the schema offers
 * @throws InvalidDocument
 * @throws RequestFault QUERY_TOO_LARGE
 */
export function readDocument(schema: GraphQLSchema, query: string, hideSuggestions: boolean): DocumentFacts {
  const document = parseBounded(query);
  refuseLarge(document);
  const errors = faultsOf(schema, document, hideSuggestions);
  if (errors.length > 0) {
    throw new InvalidDocument('GRAPHQL_VALIDATION_FAILED', withRefusedValues(errors, schema, document));
  }
  const operations = new Map<string, OperationFacts>();
  for (const node of document.definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION) continue;
    operations.set(node.name?.value ?? '', factsOf(schema, document, node));
  }
  return { document, operations };
}

function faultsOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  hideSuggestions: boolean,
): readonly GraphQLError[] {
  try {
    return validate(schema, document, specifiedRules, { maxErrors: MOST_VALIDATION_ERRORS, hideSuggestions });
  } catch (error) {
    // A rule that looks for the field of a subscription throws where a variable decides on it.
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

function parseBounded(query: string): DocumentNode {
  try {
    return parse(query, { maxTokens: MOST_TOKENS });
  } catch (error) {
    throw new InvalidDocument('GRAPHQL_PARSE_FAILED', [error as GraphQLError]);
  }
}

function refuseLarge(document: DocumentNode): void {
  const counts = { fields: 0, aliases: 0, directives: 0, fragments: 0 };
  visit(document, {
    Field(node) {
      counts.fields += 1;
      if (node.alias !== undefined) counts.aliases += 1;
    },
    Directive() {
      counts.directives += 1;
    },
    StringValue({ value }) {
      refuseUnstorable(value);
    },
    FragmentDefinition() {
      counts.fragments += 1;
    },
  });
  const limits = {
    fields: MOST_FIELDS,
    aliases: MOST_ALIASES,
    directives: MOST_DIRECTIVES,
    fragments: MOST_FRAGMENTS,
  };
  for (const [what, most] of Object.entries(limits)) {
    if (counts[what as keyof typeof counts] > most) {
      throw new RequestFault('QUERY_TOO_LARGE', { details: { what, most } });
    }
  }
  refuseDeep(document);
}

function refuseDeep(document: DocumentNode): void {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }
  // Each fragment's depth is worked out once, so that fragments in fragments stay linear.
  const known = new Map<string, number>();
  const depthOf = (selections: SelectionSetNode | undefined, spreading: ReadonlySet<string>): number => {
    let deepest = 0;
    for (const node of selections?.selections ?? []) {
      let depth = 0;
      if (node.kind === Kind.FIELD) depth = 1 + depthOf(node.selectionSet, spreading);
      else if (node.kind === Kind.INLINE_FRAGMENT) depth = depthOf(node.selectionSet, spreading);
      else if (!spreading.has(node.name.value)) {
        const name = node.name.value;
        depth = known.get(name) ?? depthOf(fragments.get(name)?.selectionSet, new Set([...spreading, name]));
        known.set(name, depth);
      }
      deepest = Math.max(deepest, depth);
    }
    return deepest;
  };
  for (const node of document.definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION) continue;
    const most = isIntrospection(node) ? DEEPEST_INTROSPECTION : DEEPEST;
    if (depthOf(node.selectionSet, new Set()) > most) {
      throw new RequestFault('QUERY_TOO_LARGE', { details: { what: 'levels', most } });
    }
  }
}

export function isIntrospection({ selectionSet }: OperationDefinitionNode): boolean {
  return selectionSet.selections.every(
    (node) => node.kind === Kind.FIELD && node.name.value.startsWith('__'),
  );
}

function factsOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  node: OperationDefinitionNode,
): OperationFacts {
  const restrictions = new Map<string, readonly Role[]>();
  let asksForSchema = false;
  const seen = new Set<string>();
  const typeInfo = new TypeInfo(schema);
  const look = (selections: OperationDefinitionNode | FragmentDefinitionNode): void => {
    visit(
      selections,
      visitWithTypeInfo(typeInfo, {
        Field() {
          const parent = typeInfo.getParentType();
          const field = typeInfo.getFieldDef();
          if (field === null || field === undefined) return;
          if (field.name === '__schema' || field.name === '__type') asksForSchema = true;
          const roles = rolesOf(field, parent?.name);
          if (roles !== null) restrictions.set(`${parent?.name}.${field.name}`, roles);
        },
        FragmentSpread(spread) {
          if (seen.has(spread.name.value)) return;
          seen.add(spread.name.value);
          const fragment = document.definitions.find(
            (one): one is FragmentDefinitionNode =>
              one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === spread.name.value,
          );
          if (fragment !== undefined) pending.push(fragment);
        },
      }),
    );
  };
  const pending: (OperationDefinitionNode | FragmentDefinitionNode)[] = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) look(next);
  return {
    node,
    asksForSchema,
    restrictions: [...restrictions].map(([field, roles]) => ({ field, roles })),
  };
}

const ROOTS = new Set(['Query', 'Mutation', 'Subscription']);

/** Root fields are for staff unless they say otherwise; other fields are for everyone unless they say so. */
function rolesOf(field: GraphQLField<unknown, unknown>, parent: string | undefined): readonly Role[] | null {
  if (field.name.startsWith('__') || getNamedType(field.type).name.startsWith('__')) return null;
  const declared = field.extensions.roles;
  if (Array.isArray(declared)) return declared as Role[];
  return parent !== undefined && ROOTS.has(parent) ? ['STAFF'] : null;
}
