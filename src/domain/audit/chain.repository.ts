import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import { type ChainContent, type ChainLink, type ChainRun, type EntryLeg, legTexts } from './chain.policy.ts';

interface OperationText {
  readonly operationKey: string;
  readonly text: string;
}

interface EntryText extends OperationText {
  readonly position: bigint;
  /** A JSON text. */
  readonly recordedAt: string;
  /** What it took from lots and gave back to them, each a text; null of an entry that took nothing. */
  readonly allocations: readonly string[] | null;
}

const selectFeed = statement<{ position: bigint }>(
  'chain.feed',
  'select position from tenant_feed where tenant_id = $1',
);
const selectHead = statement<ChainLink>(
  'chain.head',
  `select position + offsets[cardinality(offsets)] as position,
          operation_ids[cardinality(operation_ids)] as "operationKey",
          substring(hashes from length(hashes) - 31) as hash
     from operation_chain where tenant_id = $1 order by position desc limit 1`,
);
const selectRuns = statement<ChainRun>(
  'chain.runs',
  `select position, operation_ids as "operationKeys", offsets, hashes from operation_chain
    where tenant_id = $1 and position > $2 and position <= $3 order by position`,
);
const ENTRY = `json_build_array(e.feed_position, e.ledger_id, e.version, e.kind, e.amount, e.posted_delta,
  e.pending_delta, e.held_delta, e.posted_after, e.pending_after, e.held_after, e.reason, e.available_at,
  e.expires_at, e.occurred_at, e.recorded_at)::text`;
const ALLOCATIONS = `case when e.lot_ids is not null then array(
    select json_build_array(e.ledger_id, a.lot_id, a.amount, coalesce(a.lost, 0), e.recorded_at,
                            a.place - 1)::text
      from unnest(e.lot_ids, e.taken, e.lost) with ordinality as a (lot_id, amount, lost, place)) end`;
const selectEntries = statement<EntryText & { ledgerKey: string; version: bigint }>(
  'chain.entries',
  `select e.operation_id as "operationKey", e.ledger_id as "ledgerKey", e.version,
          e.feed_position as position, to_json(e.recorded_at)::text as "recordedAt",
          ${ENTRY} as text, ${ALLOCATIONS} as allocations
     from entry e where e.tenant_id = $1 and e.feed_position > $2 and e.feed_position <= $3`,
);
/** Those that operations name, and that lie elsewhere in the feed; each is looked up by its key. */
const selectNamed = statement<EntryText>(
  'chain.named',
  `select e."operationKey", e.position, e."recordedAt", e.text, e.allocations
     from unnest($2::uuid[], $3::bigint[]) as n (ledger_id, version)
    cross join lateral (
          select e.operation_id as "operationKey", e.feed_position as position,
                 to_json(e.recorded_at)::text as "recordedAt", ${ENTRY} as text,
                 ${ALLOCATIONS} as allocations
            from entry e where e.tenant_id = $1 and e.ledger_id = n.ledger_id and e.version = n.version
          offset 0) as e`,
);
const OPERATION = `o.operation_id, o.kind, o.program_version, o.activity_id, o.reason, o.reference_type,
  o.reference_id, o.ref_operation_id,
  case when o.explained_by is null then o.explanation else
    (select a.explanations -> o.explained_by from activity a
      where a.tenant_id = $1 and a.activity_id = o.activity_id) end,
  o.ledger_ids, o.versions, o.created_at`;
const selectOperations = statement<OperationText & { ledgerKeys: string[]; versions: bigint[] }>(
  'chain.operations',
  `select o.operation_id as "operationKey", o.ledger_ids as "ledgerKeys", o.versions,
          case when o.pays_back
                 then json_build_array(${OPERATION}, encode(o.input_hash, 'hex'), 'PAYS_BACK')
               when o.input_hash is null then json_build_array(${OPERATION})
               else json_build_array(${OPERATION}, encode(o.input_hash, 'hex')) end::text as text
     from operation o where o.tenant_id = $1 and o.operation_id = any($2::uuid[])`,
);
/** Moments that may move on are in no hash: the entry of the lot keeps what they were. */
const LOT = `t.ledger_id, t.lot_id, t.amount, case when t.awaits is null then t.available_at end,
  case when not t.idles then t.expires_at end, t.created_at, t.origin_lot_id`;
const selectLots = statement<OperationText>(
  'chain.lots',
  `select t.operation_id as "operationKey",
          case when t.portion is null then json_build_array(${LOT})
               else json_build_array(${LOT}, t.portion) end::text as text
     from lot t
    where t.tenant_id = $1 and t.ledger_id = any($2::uuid[]) and t.operation_id = any($3::uuid[])`,
);
/** Of a hold what never changes; of its parts everything. */
const selectHolds = statement<OperationText>(
  'chain.holds',
  `select h.operation_id as "operationKey",
          json_build_array(h.ledger_id, h.hold_id, h.amount, h.expires_at, h.created_at)::text as text
     from hold h
    where h.tenant_id = $1 and h.ledger_id = any($2::uuid[]) and h.operation_id = any($3::uuid[])
    union all
   select p.operation_id,
          json_build_array(p.ledger_id, p.hold_id, p.lot_id, p.amount, p.recorded_at)::text
     from hold_lot p
    where p.tenant_id = $1 and p.ledger_id = any($2::uuid[]) and p.operation_id = any($3::uuid[])`,
);
/** Of entries by their positions, each looked up by its key; names are JSON texts. */
const selectLegs = statement<EntryLeg>(
  'chain.legs',
  `select g.* from unnest($2::bigint[]) as n (position)
    cross join lateral (
          select g.operation_id as "operationKey", to_json(g.asset)::text as asset,
                 to_json(g.account)::text as account, g.amount
            from leg g where g.tenant_id = $1 and g.position = n.position offset 0) as g`,
);
const insertRun = statement<{ position: bigint }>(
  'chain.insert',
  `insert into operation_chain (tenant_id, position, operation_ids, offsets, hashes)
   values ($1, $2, $3, $4, $5) on conflict (tenant_id, position) do nothing returning position`,
);

/** The position up to which the feed is written. */
export async function findFeedPosition(sql: Sql, tenantKey: string): Promise<bigint> {
  const [row] = await sql.run(selectFeed, [tenantKey]);
  return row?.position ?? 0n;
}

/** The last link; null before the first. */
export async function findChainHead(sql: Sql, tenantKey: string): Promise<ChainLink | null> {
  const [row] = await sql.run(selectHead, [tenantKey]);
  return row ?? null;
}

/** The runs that begin behind one position of the feed and up to another, in their order. */
export async function findRuns(sql: Sql, tenantKey: string, after: bigint, to: bigint): Promise<ChainRun[]> {
  return await sql.run(selectRuns, [tenantKey, after, to]);
}

/**
 * The operations whose first entries lie behind one position of the feed and up to another, in their order,
 * with all that they wrote.
 */
export async function findContents(
  sql: Sql,
  tenantKey: string,
  after: bigint,
  to: bigint,
): Promise<ChainContent[]> {
  const placed = await sql.run(selectEntries, [tenantKey, after, to]);
  const keys = [...new Set(placed.map(({ operationKey }) => operationKey))];
  const operations = await sql.run(selectOperations, [tenantKey, keys]);
  const here = new Set(placed.map(({ ledgerKey, version }) => `${ledgerKey} ${version}`));
  const elsewhere = operations.flatMap(({ ledgerKeys, versions }) =>
    ledgerKeys.flatMap((ledgerKey, index) => {
      const version = versions[index] ?? 0n;
      return here.has(`${ledgerKey} ${version}`) ? [] : [{ ledgerKey, version }];
    }),
  );
  const ledgerKeys = new Set([...placed, ...elsewhere].map(({ ledgerKey }) => ledgerKey));
  const [named, lots, holds] = await Promise.all([
    elsewhere.length === 0
      ? []
      : sql.run(selectNamed, [
          tenantKey,
          elsewhere.map(({ ledgerKey }) => ledgerKey),
          elsewhere.map(({ version }) => version),
        ]),
    sql.run(selectLots, [tenantKey, [...ledgerKeys], keys]),
    sql.run(selectHolds, [tenantKey, [...ledgerKeys], keys]),
  ]);
  const all = [...placed, ...named];
  const legs = await sql.run(selectLegs, [tenantKey, all.map(({ position }) => position)]);
  const legsOf = Map.groupBy(legs, ({ operationKey }) => operationKey);
  const entriesOf = Map.groupBy(all, ({ operationKey }) => operationKey);
  const rowOf = new Map(operations.map(({ operationKey, text }) => [operationKey, text]));
  const [lotsOf, holdsOf] = [textsOf(lots), textsOf(holds)];
  const contents = keys.map((operationKey): ChainContent => {
    const entries = entriesOf.get(operationKey) ?? [];
    const first = entries.reduce((one, other) => (other.position < one.position ? other : one));
    return {
      operationKey,
      position: first.position,
      operation: rowOf.get(operationKey) ?? null,
      entries: entries.map(({ text }) => text),
      lots: lotsOf.get(operationKey) ?? [],
      allocations: entries.flatMap(({ allocations }) => allocations ?? []),
      legs: legTexts(first, legsOf.get(operationKey) ?? []),
      holds: holdsOf.get(operationKey) ?? [],
    };
  });
  // What began before is whole in the page where it began.
  return contents
    .filter(({ position }) => position > after)
    .sort((a, b) => (a.position < b.position ? -1 : 1));
}

function textsOf(rows: readonly OperationText[]): Map<string, string[]> {
  const texts = new Map<string, string[]>();
  for (const { operationKey, text } of rows) {
    const known = texts.get(operationKey);
    if (known === undefined) texts.set(operationKey, [text]);
    else known.push(text);
  }
  return texts;
}

/**
 * Adds a run to the end of the chain. Every run begins with what follows the end, so of those who add to one
 * end at once only the first does; answers whether it did.
 */
export async function addRun(
  tx: Transaction,
  tenantKey: string,
  { position, operationKeys, offsets, hashes }: ChainRun,
): Promise<boolean> {
  const rows = await tx.run(insertRun, [tenantKey, position, operationKeys, offsets, hashes]);
  return rows.length > 0;
}
