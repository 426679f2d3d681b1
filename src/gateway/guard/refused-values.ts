import {
  type ASTNode,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isNonNullType,
  isScalarType,
  isValueNode,
  Kind,
  TypeInfo,
  type ValueNode,
  visit,
  visitWithTypeInfo,
} from 'graphql';

const MOST_ERRORS = 10;

/**
 * What the validator found, except that a value that a scalar of ours refuses is told by the scalar's code,
 * with the field of the input that it stands in.
 */
export function withRefusedValues(
  errors: readonly GraphQLError[],
  schema: GraphQLSchema,
  document: DocumentNode,
): readonly GraphQLError[] {
  const placed = refusedValues(schema, document);
  if (placed.length === 0) return errors;
  const refused = new Set(placed.flatMap(({ nodes = [] }) => nodes));
  const others = errors.filter(
    ({ nodes = [], extensions }) => extensions.code === undefined && !nodes.some((node) => refused.has(node)),
  );
  return [...placed, ...others];
}

/** The field is named as for variables: below the argument, or the argument itself when it is the value. */
function refusedValues(schema: GraphQLSchema, document: DocumentNode): GraphQLError[] {
  const errors: GraphQLError[] = [];
  const typeInfo = new TypeInfo(schema);
  let argument = '';
  let place: string[] = [];
  visit(
    document,
    visitWithTypeInfo(typeInfo, {
      enter(node, key, parent) {
        if (node.kind === Kind.ARGUMENT) {
          argument = node.name.value;
          place = [];
        } else if (node.kind === Kind.OBJECT_FIELD) place.push(node.name.value);
        else if (isInList(node, parent)) place.push(String(key));
        const code = isValueNode(node) ? refusalOf(node, typeInfo.getInputType()) : null;
        if (code === null || errors.length === MOST_ERRORS) return;
        const extensions = { code, field: place.length === 0 ? [argument] : [...place] };
        errors.push(new GraphQLError(code, { nodes: node, extensions }));
      },
      leave(node, _key, parent) {
        if (node.kind === Kind.OBJECT_FIELD || isInList(node, parent)) place.pop();
      },
    }),
  );
  return errors;
}

/** The code with which a scalar of ours refuses a literal; null when it takes it. */
function refusalOf(node: ValueNode, type: ReturnType<TypeInfo['getInputType']>): string | null {
  const isNull = node.kind === Kind.NULL;
  // A single value may stand for a list of one; null may not.
  const scalar = isNull ? getNullableType(type) : getNamedType(type);
  if (!isScalarType(scalar) || node.kind === Kind.VARIABLE || (isNull && !isNonNullType(type))) return null;
  try {
    scalar.parseLiteral(node);
    return null;
  } catch (error) {
    const code = error instanceof GraphQLError ? error.extensions.code : null;
    return typeof code === 'string' ? code : null;
  }
}

function isInList(node: ASTNode, parent: ASTNode | readonly ASTNode[] | undefined): boolean {
  return Array.isArray(parent) && isValueNode(node);
}
