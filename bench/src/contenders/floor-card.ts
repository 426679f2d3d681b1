import type pg from 'pg';
import { toPublicId } from '../ids.ts';
import type { FloorLadder, Program, StandingRow } from './floor-program.ts';

/** With the tier, what counts toward it, and when a review would step down. */
const selectMember = {
  name: 'member',
  text: `
    select m.display_name, m.tags, t.tier, t.since, t.hand, t.hand_until, c.current,
           coalesce((coalesce(t.warned_at, t.below_since) at time zone $6)::date,
                    (now() at time zone $6)::date + 1)::timestamp at time zone $6 as lapses_at
      from member m
      join member_tier t on t.tenant_id = $1 and t.member_id = $2 and t.ladder = $3
     cross join lateral (
       select coalesce(sum(amount), 0)::bigint as current from metric_day
        where tenant_id = $1 and member_id = $2 and metric = $4
          and day > (now() at time zone $6)::date - $5::integer and day <= (now() at time zone $6)::date) c
     where m.tenant_id = $1 and m.member_id = $2`,
};
/** With what time has done since the last operation, as the product's balance has it. */
const selectLedgers = {
  name: 'ledgers',
  text: `
    select ledger_id, asset, held, version, feed_position,
           posted - held + coalesce(s.due, 0) - coalesce(s.expired, 0) as available,
           pending - coalesce(s.due, 0) as pending
      from ledger l
      left join lateral (
        select sum(remaining) filter (where o.pending and available_at <= now()) as due,
               sum(remaining - o.held) filter (where expires_at <= now() and available_at <= now()) as expired
          from open_lot o
         where l.settle_at <= now() and o.tenant_id = l.tenant_id and o.ledger_id = l.ledger_id
      ) s on true
     where tenant_id = $1 and member_id = $2`,
};
const selectExpiring = {
  name: 'expiring',
  text: `
    select o.ledger_id, sum(remaining) as amount, expires_at from unnest($2::uuid[]) as k (ledger_id)
     cross join lateral (
       select * from open_lot where tenant_id = $1 and ledger_id = k.ledger_id offset 0) o
     where expires_at > now() and expires_at <= now() + $3::interval
     group by o.ledger_id, expires_at order by expires_at`,
};
const selectEntries = {
  name: 'entries',
  text: `
    select e.* from unnest($2::uuid[]) as wanted (ledger_id)
     cross join lateral (
       select ledger_id, version, kind, amount, posted_after, reason, occurred_at,
              coalesce(available_at > now(), false) as is_pending
         from entry where tenant_id = $1 and ledger_id = wanted.ledger_id
        order by version desc limit $3) e`,
};
const selectGrants = {
  name: 'grants',
  text: `
    select grant_id, benefit, uses_left, valid_until from benefit_grant
     where tenant_id = $1 and member_id = $2 and revoked_at is null and valid_from <= now()
       and (valid_until > now() or valid_until is null) and (uses_left > 0 or uses_left is null)
     order by grant_id desc limit $3`,
};

interface LedgerRow {
  ledger_id: string;
  asset: string;
  held: string;
  version: string;
  feed_position: string;
  available: string;
  pending: string;
}
interface MemberRow extends StandingRow {
  display_name: string;
  tags: string[];
}
interface EntryRow {
  ledger_id: string;
  version: string;
  kind: string;
  amount: string;
  posted_after: string;
  reason: string | null;
  occurred_at: string;
  is_pending: boolean;
}
interface LotRow {
  ledger_id: string;
  amount: string;
  expires_at: string;
}
interface GrantRow {
  grant_id: string;
  benefit: string;
  uses_left: string | null;
  valid_until: string | null;
}

/** A ledger as the schema shows it, and its key for the loaders. */
export interface LedgerNode {
  readonly ledgerKey: string;
  readonly asset: { readonly code: string } | undefined;
  readonly [field: string]: unknown;
}
/** A member as the schema shows it, and its key for the loaders. */
export interface MemberNode {
  readonly memberKey: string;
  readonly ledgers: readonly LedgerNode[];
  readonly [field: string]: unknown;
}

/** Reads what the member card shows: hand-written statements, each prepared once a connection. */
export class CardReads {
  readonly #pool: pg.Pool;
  readonly #tenantKey: string;
  readonly #program: Program;
  readonly #ladder: FloorLadder;
  readonly #assets: ReadonlyMap<string, { code: string; kind: string; name: string }>;
  readonly #benefits: ReadonlyMap<string, { code: string; kind: string; level: string; name: string }>;

  constructor(pool: pg.Pool, tenantKey: string, program: Program, ladder: FloorLadder) {
    this.#pool = pool;
    this.#tenantKey = tenantKey;
    this.#program = program;
    this.#ladder = ladder;
    this.#assets = new Map(
      program.assets.map(({ code, kind, name }) => [code, { code, kind, name: name.en }]),
    );
    this.#benefits = new Map(
      program.benefits.map(({ code, kind, level, name }) => [code, { code, kind, level, name: name.en }]),
    );
  }

  asset(code: string): unknown {
    return this.#assets.get(code);
  }

  /** The member and its ledgers, at once: whoever asks for a card wants both. */
  async member(id: string, memberKey: string): Promise<MemberNode | null> {
    const values = [this.#tenantKey, memberKey];
    const { code, metric, windowDays, timeZone } = this.#ladder;
    const counted = [...values, code, metric, windowDays, timeZone];
    const [members, { rows }] = await Promise.all([
      this.#pool.query<MemberRow>({ ...selectMember, values: counted }),
      this.#pool.query<LedgerRow>({ ...selectLedgers, values }),
    ]);
    const [member] = members.rows;
    if (member === undefined) return null;
    const byAsset = new Map(rows.map((row) => [row.asset, this.#ledger(row)]));
    return {
      memberKey,
      id,
      displayName: member.display_name,
      tier: this.#ladder.tier(member.tier),
      tierStatus: this.#ladder.status(member),
      ledgers: this.#program.assets.flatMap(({ code }) => byAsset.get(code) ?? []),
      tags: member.tags.map((code) => ({ code, name: code })),
    };
  }

  async expiring(ledgers: readonly LedgerNode[], within: string): Promise<unknown[]> {
    const keys = ledgers.map(({ ledgerKey }) => ledgerKey);
    const values = [this.#tenantKey, keys, within];
    const { rows } = await this.#pool.query<LotRow>({ ...selectExpiring, values });
    return keys.map((key) =>
      rows
        .filter((row) => row.ledger_id === key)
        .map(({ amount, expires_at }) => ({ amount, expiresAt: expires_at })),
    );
  }

  async entries(ledgers: readonly LedgerNode[], first: number): Promise<unknown[]> {
    const keys = ledgers.map(({ ledgerKey }) => ledgerKey);
    const values = [this.#tenantKey, keys, first + 1];
    const { rows } = await this.#pool.query<EntryRow>({ ...selectEntries, values });
    return keys.map((key) => {
      const own = rows.filter((row) => row.ledger_id === key);
      const id = toPublicId('ent', key);
      const edges = own.slice(0, first).map((row) => {
        const version = Number(row.version).toString(36);
        const node = {
          id: `${id}_${version}`,
          kind: row.kind,
          amount: row.amount,
          balanceAfter: row.posted_after,
          version: row.version,
          status: row.is_pending ? 'PENDING' : 'POSTED',
          reason: row.reason,
          occurredAt: row.occurred_at,
        };
        return { cursor: version, node };
      });
      return page(edges, own.length > first);
    });
  }

  async grants(memberKey: string, first: number): Promise<unknown> {
    const values = [this.#tenantKey, memberKey, first + 1];
    const { rows } = await this.#pool.query<GrantRow>({ ...selectGrants, values });
    const edges = rows.slice(0, first).map(({ grant_id, benefit, uses_left, valid_until }) => {
      const usesLeft = uses_left === null ? null : Number(uses_left);
      const node = {
        id: toPublicId('grt', grant_id),
        status: 'AVAILABLE',
        usesLeft,
        validUntil: valid_until,
      };
      return { cursor: grant_id, node: { ...node, benefit: this.#benefits.get(benefit) } };
    });
    return page(edges, rows.length > first);
  }

  #ledger({ ledger_id, asset, available, pending, held, version, feed_position }: LedgerRow): LedgerNode {
    return {
      ledgerKey: ledger_id,
      asset: this.#assets.get(asset),
      balance: { available, pending, held },
      version,
      eventCursor: Number(feed_position).toString(36),
    };
  }
}

function page(edges: readonly { readonly cursor: string }[], hasNextPage: boolean): unknown {
  return { edges, pageInfo: { hasNextPage, endCursor: edges.at(-1)?.cursor ?? null } };
}
