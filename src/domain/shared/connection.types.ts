import { type ClassType, Field, ObjectType } from 'type-graphql';

@ObjectType({ simpleResolvers: true, description: 'Where a page of a list ends.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether there is more after this page.' })
  hasNextPage!: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'The cursor of the last edge; pass it as `after` to go on.',
  })
  endCursor!: string | null;
}

/** One item of a list with its cursor. */
export interface EdgeOf<Node> {
  cursor: string;
  node: Node;
}

/** One page of a list. */
export interface ConnectionOf<Node> {
  edges: EdgeOf<Node>[];
  pageInfo: PageInfo;
}

/** Declares `<Name>Edge` and `<Name>Connection` over a node type; extend what it returns to name them. */
export function edgeType<Node extends object>(nodeType: () => ClassType<Node>, what: string) {
  @ObjectType({ simpleResolvers: true, description: `One ${what} of a list.` })
  abstract class Edge implements EdgeOf<Node> {
    @Field(() => String, { description: 'Where this item stands; pass it as `after` to go on behind it.' })
    cursor!: string;

    @Field(nodeType, { description: `The ${what}.` })
    node!: Node;
  }
  return Edge;
}

export function connectionType<Node extends object>(edge: () => ClassType<EdgeOf<Node>>, what: string) {
  @ObjectType({ simpleResolvers: true, description: `A page of a list of ${what}.` })
  abstract class Connection implements ConnectionOf<Node> {
    @Field(() => [edge()], { description: 'The items of this page.' })
    edges!: EdgeOf<Node>[];

    @Field(() => PageInfo, { description: 'Where this page ends.' })
    pageInfo!: PageInfo;
  }
  return Connection;
}

/** A page from `first + 1` rows: the one too many tells that there is more. */
export function toPage<Node>(
  rows: readonly Node[],
  first: number,
  cursorOf: (node: Node) => string,
): ConnectionOf<Node> {
  const edges = rows.slice(0, first).map((node) => new PlacedEdge(node, cursorOf));
  return { edges, pageInfo: new PageEnd(rows.length > first, edges.at(-1)) };
}

/** Works its cursor out when it is asked for: most lists are read without. */
class PlacedEdge<Node> implements EdgeOf<Node> {
  readonly node: Node;
  readonly #cursorOf: (node: Node) => string;

  constructor(node: Node, cursorOf: (node: Node) => string) {
    this.node = node;
    this.#cursorOf = cursorOf;
  }

  get cursor(): string {
    return this.#cursorOf(this.node);
  }
}

class PageEnd implements PageInfo {
  readonly hasNextPage: boolean;
  readonly #last: { readonly cursor: string } | undefined;

  constructor(hasNextPage: boolean, last: { readonly cursor: string } | undefined) {
    this.hasNextPage = hasNextPage;
    this.#last = last;
  }

  get endCursor(): string | null {
    return this.#last?.cursor ?? null;
  }
}
