/** What a member card says, however a contender words it: moments in milliseconds, ledgers sorted. */
export interface CardFacts {
  readonly displayName: string;
  readonly ledgers: readonly unknown[];
  readonly version: string;
  readonly entries: readonly unknown[];
  readonly hasNextPage: boolean;
  readonly grants: readonly unknown[];
  readonly tags: readonly string[];
}

interface Expiring {
  readonly amount: string;
  readonly expiresAt: string;
}
interface Entry {
  readonly kind: string;
  readonly amount: string;
  readonly version: string;
  readonly reason: string | null;
  readonly occurredAt: string;
}

export interface ProductCard {
  readonly member: {
    readonly displayName: string;
    readonly ledgers: readonly {
      readonly asset: { readonly code: string };
      readonly balance: { readonly available: string; readonly pending: string; readonly held: string };
      readonly expiring: readonly Expiring[];
    }[];
    readonly ledger: {
      readonly version: string;
      readonly entries: {
        readonly edges: readonly { readonly node: Entry & { readonly balanceAfter: string } }[];
        readonly pageInfo: { readonly hasNextPage: boolean };
      };
    };
    readonly grants: {
      readonly edges: readonly {
        readonly node: {
          readonly usesLeft: number | null;
          readonly validUntil: string | null;
          readonly benefit: { readonly code: string };
        };
      }[];
    };
    readonly tags: readonly { readonly code: string }[];
  };
}

export interface PostgraphileCard {
  readonly member: {
    readonly displayName: string;
    readonly ledgers: {
      readonly nodes: readonly {
        readonly asset: string;
        readonly posted: string;
        readonly pending: string;
        readonly held: string;
        readonly expiring: { readonly nodes: readonly Expiring[] };
      }[];
    };
    readonly ledger: {
      readonly nodes: readonly {
        readonly version: string;
        readonly entries: {
          readonly edges: readonly { readonly node: Entry & { readonly postedAfter: string } }[];
          readonly pageInfo: { readonly hasNextPage: boolean };
        };
      }[];
    };
    readonly grants: {
      readonly nodes: readonly {
        readonly usesLeft: string | null;
        readonly validUntil: string | null;
        readonly benefit: string;
      }[];
    };
    readonly tags: readonly string[];
  };
}

export function factsOfProduct({ member }: ProductCard): CardFacts {
  const { entries, version } = member.ledger;
  return {
    displayName: member.displayName,
    ledgers: sorted(
      member.ledgers.map(({ asset, balance, expiring }) => ({
        ...{ asset: asset.code, available: balance.available, pending: balance.pending, held: balance.held },
        expiring: expiring.map(expiringFacts),
      })),
    ),
    version,
    entries: entries.edges.map(({ node }) => entryFacts(node, node.balanceAfter)),
    hasNextPage: entries.pageInfo.hasNextPage,
    grants: member.grants.edges.map(({ node }) =>
      grantFacts(node.benefit.code, node.usesLeft, node.validUntil),
    ),
    tags: member.tags.map(({ code }) => code),
  };
}

export function factsOfPostgraphile({ member }: PostgraphileCard): CardFacts {
  const [ledger] = member.ledger.nodes;
  return {
    displayName: member.displayName,
    ledgers: sorted(
      member.ledgers.nodes.map(({ asset, posted, pending, held, expiring }) => ({
        // PostGraphile shows the columns; its caller subtracts.
        ...{ asset, available: String(BigInt(posted) - BigInt(held)), pending, held },
        expiring: expiring.nodes.map(expiringFacts),
      })),
    ),
    version: ledger?.version ?? '',
    entries: ledger?.entries.edges.map(({ node }) => entryFacts(node, node.postedAfter)) ?? [],
    hasNextPage: ledger?.entries.pageInfo.hasNextPage ?? false,
    grants: member.grants.nodes.map(({ benefit, usesLeft, validUntil }) =>
      grantFacts(benefit, usesLeft, validUntil),
    ),
    tags: member.tags,
  };
}

function sorted<Ledger extends { asset: string }>(ledgers: Ledger[]): Ledger[] {
  return ledgers.sort((a, b) => (a.asset < b.asset ? -1 : 1));
}

function expiringFacts({ amount, expiresAt }: Expiring): unknown {
  return { amount, expiresAt: Date.parse(expiresAt) };
}

function entryFacts({ kind, amount, version, reason, occurredAt }: Entry, balanceAfter: string): unknown {
  return { kind, amount, version, reason, occurredAt: Date.parse(occurredAt), balanceAfter };
}

function grantFacts(benefit: string, usesLeft: number | string | null, validUntil: string | null): unknown {
  const uses = usesLeft === null ? null : Number(usesLeft);
  return { benefit, usesLeft: uses, validUntil: validUntil === null ? null : Date.parse(validUntil) };
}
