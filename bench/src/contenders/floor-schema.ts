/** The part of the product's schema that the documents use. */
export const floorSchema = `
  scalar Points
  scalar Decimal
  scalar DateTime
  scalar Duration
  enum AssetKind { POINTS GROWTH TOKEN CURRENCY }
  enum EntryStatus { PENDING POSTED }
  enum GrantStatus { SCHEDULED AVAILABLE USED_UP EXPIRED REVOKED }
  enum OperationKind { EARN REDEEM HOLD CAPTURE RELEASE MATURE EXPIRE REVERSE TRANSFER ADJUST MERGE }

  enum MemberOrder { ENROLLED_AT_DESC }

  type Query {
    member(id: ID!): Member
    members(first: Int!, after: String, filter: MemberFilter, orderBy: MemberOrder): MemberConnection!
  }
  type Mutation { earnPoints(input: EarnPointsInput!): EarnPointsPayload! }

  type Member {
    id: ID!
    displayName: String!
    enrolledAt: DateTime!
    tier: Tier
    tierStatus: TierStatus
    ledgers: [Ledger!]!
    ledger(asset: String!): Ledger
    grants(status: GrantStatus, first: Int!, after: String): GrantConnection!
    tags: [Tag!]!
  }
  type Tier { code: String! name: String! rank: Int! }
  type TierStatus { since: DateTime! until: DateTime progress: TierProgress retention: TierRetention }
  type TierProgress {
    nextTier: Tier! metric: String! current: Decimal! required: Decimal! remaining: Decimal! by: DateTime
  }
  type TierRetention {
    metric: String! current: Decimal! required: Decimal! remaining: Decimal! by: DateTime atRisk: Boolean!
  }
  input MemberFilter { tier: [String!] }
  type MemberConnection { edges: [MemberEdge!]! pageInfo: PageInfo! totalCount: Int! }
  type MemberEdge { cursor: String! node: Member! }
  type Tag { code: String! name: String! }

  type Ledger {
    id: ID!
    asset: Asset!
    balance: Balance!
    version: Points!
    eventCursor: String!
    expiring(within: Duration!): [ExpiringAmount!]!
    entries(first: Int!, after: String): EntryConnection!
  }
  type Asset { code: String! kind: AssetKind! name: String! }
  type Balance { available: Points! pending: Points! held: Points! }
  type ExpiringAmount { amount: Points! expiresAt: DateTime! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type EntryConnection { edges: [EntryEdge!]! pageInfo: PageInfo! }
  type EntryEdge { cursor: String! node: Entry! }
  type Entry {
    id: ID!
    asset: Asset!
    kind: OperationKind!
    amount: Points!
    postedDelta: Points!
    pendingDelta: Points!
    heldDelta: Points!
    balanceAfter: Points!
    version: Points!
    status: EntryStatus!
    reason: String
    occurredAt: DateTime!
    availableAt: DateTime
    expiresAt: DateTime
  }

  type GrantConnection { edges: [GrantEdge!]! pageInfo: PageInfo! }
  type GrantEdge { cursor: String! node: Grant! }
  type Grant { id: ID! status: GrantStatus! usesLeft: Int validUntil: DateTime benefit: Benefit! }
  type Benefit { code: String! name: String! kind: String! level: String! }

  input ReferenceInput { type: String! id: String! }
  input EarnPointsInput {
    idempotencyKey: String!
    memberId: ID!
    asset: String!
    amount: Points!
    reason: String
    reference: ReferenceInput
  }
  type EarnPointsPayload { operation: LedgerOperation ledger: Ledger userErrors: [UserError!]! }
  type LedgerOperation { id: ID! kind: OperationKind! createdAt: DateTime! entries: [Entry!]! }
  type UserError { code: String! field: [String!] message: String! }
`;
