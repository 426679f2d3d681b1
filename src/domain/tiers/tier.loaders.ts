import DataLoader from 'dataloader';
import type { Database, Sql } from '../../persistence/index.ts';
import type { PinnedProgram, ProgramService } from '../programs/index.ts';
import { type ConnectionOf, decodeCursor, encodeCursor, toPage } from '../shared/index.ts';
import { laddersOf } from './ladder.policy.ts';
import { findStandings, type StandingRow } from './standing.repository.ts';
import type { Tier } from './tier.entity.ts';
import { heldTier, tierNamed } from './tier.snapshot.ts';
import type { TierChange } from './tier-change.entity.ts';
import { findChangePages, findChanges, findHolderCounts, findTierCodeAt } from './tier-read.repository.ts';
import { firstTiers } from './tier-tracker.ts';

/** Finds the tiers that members hold in the primary ladder, by member; null without one. */
export function tierFinder(database: Pick<Database, 'read'>) {
  return async (
    tenantKey: string,
    { definition }: PinnedProgram,
    memberKeys: readonly string[],
  ): Promise<Map<string, Tier | null>> => {
    const [ladder] = laddersOf(definition).all;
    if (ladder === undefined) return new Map();
    const { timeZone } = definition;
    const sql = database.read(tenantKey);
    const standings = await findStandings(sql, tenantKey, { ladder, timeZone }, memberKeys);
    return new Map(standings.map((standing) => [standing.memberKey, heldTier(definition, standing)]));
  };
}

/**
 * The tier of the primary ladder in which all that happened by a moment left a member; null without one.
 * Undefined where an extension says which, since that is asked a moment later: then the present one is shown.
 */
export async function findTierAt(
  sql: Sql,
  tenantKey: string,
  { definition }: PinnedProgram,
  { memberKey, at }: { readonly memberKey: string; readonly at: Date },
): Promise<Tier | null | undefined> {
  const [ladder] = laddersOf(definition).all;
  if (ladder === undefined) return null;
  if (ladder.isEvaluated) return undefined;
  const stored = await findTierCodeAt(sql, tenantKey, { memberKey, ladder: ladder.code, at });
  const code = stored === undefined ? firstTiers([ladder])[0]?.tier : stored;
  return code === null || code === undefined ? null : tierNamed(definition, ladder.code, code);
}

interface ChangePageKey {
  readonly memberKey: string;
  readonly first: number;
  readonly after: string | null;
}

export interface TierLoaders {
  /** How a member stands in the primary ladder; null without one, or without such a member. */
  readonly standing: DataLoader<string, StandingRow | null>;
  /** How many members hold each tier of a ladder. */
  readonly holders: DataLoader<string, ReadonlyMap<string | null, number>>;
  readonly change: DataLoader<string, TierChange | null>;
  readonly changePage: DataLoader<ChangePageKey, ConnectionOf<TierChange>, string>;
}

/** The batched reads of one request. */
export function createTierLoaders(sql: Sql, tenantKey: string, programs: ProgramService): TierLoaders {
  return {
    standing: new DataLoader(async (keys) => {
      const { definition } = await programs.inForce(tenantKey);
      const [ladder] = laddersOf(definition).all;
      if (ladder === undefined) return keys.map(() => null);
      const { timeZone } = definition;
      const rows = await findStandings(sql, tenantKey, { ladder, timeZone }, keys);
      const byMember = new Map(rows.map((row) => [row.memberKey, row]));
      return keys.map((key) => byMember.get(key) ?? null);
    }),
    holders: new DataLoader(async (codes) => {
      const { all } = laddersOf((await programs.inForce(tenantKey)).definition);
      const lowest = new Map(firstTiers(all).map(({ ladder, tier }) => [ladder, tier]));
      return await Promise.all(
        codes.map((ladder) =>
          findHolderCounts(sql, tenantKey, { ladder, lowest: lowest.get(ladder) ?? null }),
        ),
      );
    }),
    change: new DataLoader(async (keys) => {
      const rows = await findChanges(sql, tenantKey, keys);
      const byKey = new Map(rows.map((change) => [change.changeKey, change]));
      return keys.map((key) => byKey.get(key) ?? null);
    }),
    changePage: new DataLoader((keys) => loadChangePages(sql, tenantKey, keys), {
      cacheKeyFn: ({ memberKey, first, after }) => `${memberKey} ${first} ${after}`,
    }),
  };
}

async function loadChangePages(
  sql: Sql,
  tenantKey: string,
  keys: readonly ChangePageKey[],
): Promise<ConnectionOf<TierChange>[]> {
  const bindingOf = ({ memberKey }: ChangePageKey): string => `${tenantKey}|Member.tierHistory|${memberKey}`;
  const pages = new Map<ChangePageKey, ConnectionOf<TierChange>>();
  const alike = Map.groupBy(keys, ({ first, after }) => `${first} ${after}`);
  await Promise.all(
    [...alike.values()].map(async (same) => {
      const [like] = same;
      if (like === undefined) return;
      const { after, first } = like;
      const before = after === null ? null : decodeCursor(bindingOf(like), after, 'after');
      const members = same.map(({ memberKey }) => memberKey);
      const rows = await findChangePages(sql, tenantKey, members, { before, limit: first + 1 });
      const byMember = Map.groupBy(rows, ({ memberKey }) => memberKey);
      for (const key of same) {
        const own = byMember.get(key.memberKey) ?? [];
        pages.set(
          key,
          toPage(own, first, ({ changeKey }) => encodeCursor(bindingOf(key), changeKey)),
        );
      }
    }),
  );
  return keys.map((key) => pages.get(key) ?? toPage<TierChange>([], 0, () => ''));
}
