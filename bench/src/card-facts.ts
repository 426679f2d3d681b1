/** What a member card says, however a contender words it: moments in milliseconds, ledgers sorted. */
export interface CardFacts {
  readonly displayName: string;
  readonly tier: unknown;
  readonly tierStatus: unknown;
  readonly ledgers: readonly unknown[];
  readonly version: string;
  readonly entries: readonly unknown[];
  readonly hasNextPage: boolean;
  readonly grants: readonly unknown[];
  readonly tags: readonly string[];
}

export interface TierFacts {
  readonly code: string;
  readonly name: string;
  readonly rank: number;
}
interface Distance {
  readonly metric: string;
  readonly current: string;
  readonly required: string;
  readonly remaining: string;
  readonly by: string | null;
}
interface ProductTierStatus {
  readonly since: string;
  readonly until: string | null;
  readonly progress: (Distance & { readonly nextTier: unknown }) | null;
  readonly retention: (Distance & { readonly atRisk: boolean }) | null;
}
/** As flat as PostgreSQL's types are. */
interface PostgraphileTierStatus {
  readonly since: string;
  readonly until: string | null;
  readonly metric: string;
  readonly current: string;
  readonly nextTier: string | null;
  readonly nextName: string | null;
  readonly required: string | null;
  readonly remaining: string | null;
  readonly keeps: string | null;
  readonly keepsRemaining: string | null;
  readonly atRisk: boolean | null;
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
    readonly tier: TierFacts | null;
    readonly tierStatus: ProductTierStatus | null;
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
    readonly tier: { readonly nodes: readonly TierFacts[] };
    readonly tierStatus: { readonly nodes: readonly PostgraphileTierStatus[] };
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
    tier: member.tier,
    tierStatus: member.tierStatus === null ? null : { ...member.tierStatus, ...moments(member.tierStatus) },
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
    tier: member.tier.nodes[0] ?? null,
    tierStatus: member.tierStatus.nodes.map(tierStatusFacts)[0] ?? null,
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

function moments({ since, until }: { since: string; until: string | null }) {
  return { since: Date.parse(since), until: until === null ? null : Date.parse(until) };
}

/** In the product's shape; in a rolling window nothing has an end. */
function tierStatusFacts(status: PostgraphileTierStatus): unknown {
  const { metric, current, nextTier, nextName, required, remaining, keeps, keepsRemaining, atRisk } = status;
  const counted = { metric, current, by: null };
  return {
    ...moments(status),
    progress:
      nextTier === null
        ? null
        : { nextTier: { code: nextTier, name: nextName }, ...counted, required, remaining },
    retention: keeps === null ? null : { ...counted, required: keeps, remaining: keepsRemaining, atRisk },
  };
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
