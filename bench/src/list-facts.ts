import type { TierFacts } from './card-facts.ts';
import { fromPublicId } from './ids.ts';

/**
 * What a page of members says, however a contender words it: moments in milliseconds, stored keys for ids.
 */
export interface ListFacts {
  readonly members: readonly { readonly entries: readonly unknown[]; readonly [fact: string]: unknown }[];
  readonly hasNextPage: boolean;
  readonly totalCount: number;
  /** Where the next page begins, in the contender's own words. */
  readonly endCursor: string | null;
}

interface Page<Node> {
  readonly members: {
    readonly edges: readonly { readonly node: Node }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
    readonly totalCount: number;
  };
}
interface Entry {
  readonly kind: string;
  readonly amount: string;
  readonly occurredAt: string;
}
interface Edges<Node> {
  readonly edges: readonly { readonly node: Node }[];
}
interface Shared {
  readonly displayName: string;
  readonly enrolledAt: string;
}

export type ProductList = Page<
  Shared & {
    readonly id: string;
    readonly tier: TierFacts | null;
    readonly ledger: {
      readonly balance: { readonly available: string };
      readonly entries: Edges<Entry & { readonly id: string; readonly balanceAfter: string }>;
    } | null;
  }
>;

export type PostgraphileList = Page<
  Shared & {
    readonly memberId: string;
    readonly tier: { readonly nodes: readonly TierFacts[] };
    readonly ledger: {
      readonly nodes: readonly {
        readonly posted: string;
        readonly held: string;
        readonly entries: Edges<Entry & { readonly version: string; readonly postedAfter: string }>;
      }[];
    };
  }
>;

export function listFactsOfProduct({ members }: ProductList): ListFacts {
  return {
    members: members.edges.map(({ node }) => ({
      ...memberFacts(fromPublicId(node.id), node, node.tier),
      available: node.ledger?.balance.available,
      entries: (node.ledger?.entries.edges ?? []).map((edge) => {
        // An entry's id ends with its version, in base 36.
        const version = Number.parseInt(edge.node.id.split('_').at(-1) ?? '', 36);
        return entryFacts(edge.node, String(version), edge.node.balanceAfter);
      }),
    })),
    ...members.pageInfo,
    totalCount: members.totalCount,
  };
}

export function listFactsOfPostgraphile({ members }: PostgraphileList): ListFacts {
  return {
    members: members.edges.map(({ node }) => {
      const [ledger] = node.ledger.nodes;
      return {
        ...memberFacts(node.memberId, node, node.tier.nodes[0] ?? null),
        // PostGraphile shows the columns; its caller subtracts.
        available: ledger === undefined ? undefined : String(BigInt(ledger.posted) - BigInt(ledger.held)),
        entries: (ledger?.entries.edges ?? []).map((edge) =>
          entryFacts(edge.node, edge.node.version, edge.node.postedAfter),
        ),
      };
    }),
    ...members.pageInfo,
    totalCount: members.totalCount,
  };
}

function memberFacts(memberKey: string, { displayName, enrolledAt }: Shared, tier: TierFacts | null) {
  return { memberKey, displayName, enrolledAt: Date.parse(enrolledAt), tier };
}

function entryFacts({ kind, amount, occurredAt }: Entry, version: string, balanceAfter: string): unknown {
  return { version, kind, amount, balanceAfter, occurredAt: Date.parse(occurredAt) };
}
