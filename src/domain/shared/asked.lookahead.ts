import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLResolveInfo,
  Kind,
  type SelectionSetNode,
} from 'graphql';

export type Fragments = Readonly<Record<string, FragmentDefinitionNode>>;

/** The fields of a selection, those of its fragments included. */
export function fieldsOf(selections: SelectionSetNode | undefined, fragments: Fragments): FieldNode[] {
  return (selections?.selections ?? []).flatMap((node) => {
    if (node.kind === Kind.FIELD) return [node];
    if (node.kind === Kind.INLINE_FRAGMENT) return fieldsOf(node.selectionSet, fragments);
    return fieldsOf(fragments[node.name.value]?.selectionSet, fragments);
  });
}

/** The fields that an operation asks of what is being resolved, or along a path of fields below it. */
export function askedFields(
  { fieldNodes, fragments }: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>,
  ...path: readonly string[]
): FieldNode[] {
  let fields = fieldNodes.flatMap(({ selectionSet }) => fieldsOf(selectionSet, fragments));
  for (const step of path) {
    fields = fields
      .filter(({ name }) => name.value === step)
      .flatMap(({ selectionSet }) => fieldsOf(selectionSet, fragments));
  }
  return fields;
}
