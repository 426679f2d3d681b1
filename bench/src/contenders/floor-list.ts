import type pg from 'pg';
import { toPublicId } from '../ids.ts';
import type { MemberNode } from './floor-card.ts';
import type { FloorLadder } from './floor-program.ts';

/** What document 05 asks for; the floor knows no other filters and orders. */
export interface ListArguments {
  readonly first: number;
  readonly after?: string | null;
  readonly filter: { readonly tier: readonly string[] };
}

/** Each tier in the list's order from its index, then what belongs to the members of the page, one by one. */
const selectPage = {
  name: 'page',
  text: `
    select page.member_id, page.tier, page.enrolled_at, m.display_name, l.ledger_id,
           l.posted - l.held + coalesce(s.due, 0) - coalesce(s.expired, 0) as available
      from (
        select h.* from unnest($3::text[]) as wanted (tier)
         cross join lateral (
           select member_id, tier, enrolled_at from member_tier
            where tenant_id = $1 and ladder = $2 and tier = wanted.tier
              and (enrolled_at, member_id) < ($4::timestamptz, $5::uuid)
            order by enrolled_at desc, member_id desc limit $6) h
         order by h.enrolled_at desc, h.member_id desc limit $6) page
     cross join lateral (
       select display_name from member where tenant_id = $1 and member_id = page.member_id offset 0) m
      join ledger l on l.tenant_id = $1 and l.member_id = page.member_id and l.asset = 'points'
      left join lateral (
        select sum(remaining) filter (where o.pending and available_at <= now()) as due,
               sum(remaining - o.held) filter (where expires_at <= now() and available_at <= now()) as expired
          from open_lot o
         where l.settle_at <= now() and o.tenant_id = l.tenant_id and o.ledger_id = l.ledger_id
      ) s on true
     order by page.enrolled_at desc, page.member_id desc`,
};
/** No more than the product looks at, at each request. */
const selectCount = {
  name: 'count',
  text: `
    select count(*) as count from (
      select from member_tier
       where tenant_id = $1 and ladder = $2 and tier = any($3::text[]) limit $4) found`,
};
const MOST_COUNTED = 10_000;
const COUNT_LASTS_MS = 60_000;

interface MemberRow {
  member_id: string;
  tier: string;
  enrolled_at: string;
  display_name: string;
  ledger_id: string;
  available: string;
}

/** Reads the list of members: a page with tiers and balances, and the count beside it; entries come later. */
export class ListReads {
  readonly #pool: pg.Pool;
  readonly #tenantKey: string;
  readonly #ladder: FloorLadder;
  readonly #counts = new Map<string, { readonly until: number; readonly count: Promise<number> }>();

  constructor(pool: pg.Pool, tenantKey: string, ladder: FloorLadder) {
    this.#pool = pool;
    this.#tenantKey = tenantKey;
    this.#ladder = ladder;
  }

  async members({ first, after, filter }: ListArguments): Promise<unknown> {
    const [enrolled = 'infinity', key = 'ffffffff-ffff-ffff-ffff-ffffffffffff'] = after?.split(' ') ?? [];
    const tiers = [this.#tenantKey, this.#ladder.code, filter.tier];
    const [{ rows }, totalCount] = await Promise.all([
      this.#pool.query<MemberRow>({ ...selectPage, values: [...tiers, enrolled, key, first + 1] }),
      this.#count(filter.tier),
    ]);
    const edges = rows.slice(0, first).map((row) => ({
      cursor: `${row.enrolled_at} ${row.member_id}`,
      node: this.#member(row),
    }));
    const pageInfo = { hasNextPage: rows.length > first, endCursor: edges.at(-1)?.cursor ?? null };
    return { edges, pageInfo, totalCount };
  }

  /** Exact up to what is looked at each time; above that, maybe a minute old. */
  async #count(tiers: readonly string[]): Promise<number> {
    const count = await this.#countUpTo(tiers, MOST_COUNTED + 1);
    if (count <= MOST_COUNTED) return count;
    const id = tiers.join(' ');
    let known = this.#counts.get(id);
    if (known === undefined || known.until < Date.now()) {
      known = {
        until: Date.now() + COUNT_LASTS_MS,
        count: this.#countUpTo(tiers, Number.MAX_SAFE_INTEGER),
      };
      this.#counts.set(id, known);
    }
    return await known.count;
  }

  async #countUpTo(tiers: readonly string[], most: number): Promise<number> {
    const values = [this.#tenantKey, this.#ladder.code, tiers, most];
    const { rows } = await this.#pool.query<{ count: string }>({ ...selectCount, values });
    return Number(rows[0]?.count);
  }

  #member({ member_id, tier, enrolled_at, display_name, ledger_id, available }: MemberRow): MemberNode {
    return {
      memberKey: member_id,
      id: toPublicId('mem', member_id),
      displayName: display_name,
      enrolledAt: enrolled_at,
      tier: this.#ladder.tier(tier),
      ledgers: [{ ledgerKey: ledger_id, asset: { code: 'points' }, balance: { available } }],
    };
  }
}
