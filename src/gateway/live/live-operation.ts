import {
  type DocumentNode,
  type FieldNode,
  GraphQLIncludeDirective,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import stringify from 'safe-stable-stringify';
import type { Following } from '../../events/index.ts';
import { RequestFault } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { GatewayContext } from '../context.ts';
import { type Admitted, InvalidVariables } from '../guard/index.ts';

/** The argument with which every stream goes on. */
const PLACE = 'after';

/** What is followed by an operation. */
export interface LiveOperation {
  readonly following: Following;
  /** The same for all who are told the same, wherever they go on from. */
  readonly group: string;
}

const numbers = new WeakMap<DocumentNode, number>();
let documents = 0;

/** A document's number in this process: the guard remembers documents, so the same text is the same one. */
function numberOf(document: DocumentNode): number {
  const known = numbers.get(document);
  if (known !== undefined) return known;
  documents += 1;
  numbers.set(document, documents);
  return documents;
}

/**
 * Asks the root field's `subscribe` what is followed.
 * @throws InvalidVariables; RequestFault BAD_REQUEST, and what the domain refuses
 */
export async function liveOperation(
  schema: GraphQLSchema,
  admitted: Admitted,
  context: GatewayContext,
): Promise<LiveOperation> {
  const { document, operation, operationName = '' } = admitted;
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], admitted.variables);
  if (coerced === undefined) throw new InvalidVariables(operation, admitted.variables);
  const node = rootField(document, operation, coerced);
  const field = node === null ? undefined : schema.getSubscriptionType()?.getFields()[node.name.value];
  if (node === null || field?.subscribe === undefined) {
    throw new RequestFault('BAD_REQUEST', { details: { why: 'it follows nothing' } });
  }
  const args = getArgumentValues(field, node, coerced);
  const following = (await field.subscribe(undefined, args, context, undefined as never)) as Following;
  const told = { ...admitted.variables };
  const place = placeVariable(operation, document, node);
  if (place !== null) delete told[place];
  const group = stringify([numberOf(document), operationName, told, rightsOf(context.request)]) ?? '';
  return { following, group };
}

/** Whoever may see the same, in the same language. */
function rightsOf({ tenantKey, caller, language }: RequestContext): readonly unknown[] {
  return [tenantKey, caller.role, caller.memberKey, caller.extensionKey ?? null, language];
}

/** The one field of a subscription, through fragments; null where @skip or @include leave none. */
function rootField(
  document: DocumentNode,
  { selectionSet }: OperationDefinitionNode,
  variables: Record<string, unknown>,
): FieldNode | null {
  const search = ({ selections }: SelectionSetNode): FieldNode | null => {
    for (const node of selections) {
      const skip = getDirectiveValues(GraphQLSkipDirective, node, variables)?.if === true;
      if (skip || getDirectiveValues(GraphQLIncludeDirective, node, variables)?.if === false) continue;
      if (node.kind === Kind.FIELD) return node;
      const set =
        node.kind === Kind.INLINE_FRAGMENT ? node.selectionSet : fragmentOf(document, node.name.value);
      const found = set === undefined ? null : search(set);
      if (found !== null) return found;
    }
    return null;
  };
  return search(selectionSet);
}

function fragmentOf(document: DocumentNode, name: string): SelectionSetNode | undefined {
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION && node.name.value === name) return node.selectionSet;
  }
  return undefined;
}

/** The variable that says the place and nothing else, so that it doesn't tell what is shown. */
function placeVariable(
  operation: OperationDefinitionNode,
  document: DocumentNode,
  field: FieldNode,
): string | null {
  const value = field.arguments?.find(({ name }) => name.value === PLACE)?.value;
  if (value?.kind !== Kind.VARIABLE) return null;
  const name = value.name.value;
  let uses = 0;
  const count = {
    Variable: (node: { name: { value: string } }) => void (node.name.value === name && uses++),
  };
  for (const definition of document.definitions) {
    if (definition === operation || definition.kind === Kind.FRAGMENT_DEFINITION) visit(definition, count);
  }
  // Where it is declared, and where the place is.
  return uses === 2 ? name : null;
}
