import DataLoader from 'dataloader';
import type { Sql } from '../../persistence/index.ts';
import { type ConnectionOf, decodeCursor, encodeCursor, toPage } from '../shared/index.ts';
import type { BenefitUse } from './benefit-use.entity.ts';
import { findUsePages, findUses } from './benefit-use.repository.ts';
import type { Grant, GrantStatus } from './grant.entity.ts';
import { findGrantPages, findGrants } from './grant.repository.ts';

const LAST_KEY = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** A page of what belongs to one owner. */
interface PageKey {
  readonly ownerKey: string;
  readonly first: number;
  readonly after: string | null;
}

interface GrantPageKey {
  readonly memberKey: string;
  readonly status: GrantStatus | null;
  readonly first: number;
  readonly after: string | null;
}

interface UsePageKey {
  readonly grantKey: string;
  readonly first: number;
  readonly after: string | null;
}

export interface BenefitLoaders {
  readonly grant: DataLoader<string, Grant | null>;
  readonly grantPage: DataLoader<GrantPageKey, ConnectionOf<Grant>, string>;
  readonly use: DataLoader<string, BenefitUse | null>;
  readonly usePage: DataLoader<UsePageKey, ConnectionOf<BenefitUse>, string>;
}

/** How pages of a list are read: those that differ in their owner alone come in one statement. */
interface PageReading<Key extends object, Item> {
  pageOf(key: Key): PageKey & { readonly filter: string | null };
  /** What the cursor of a page's list is bound to. */
  bindingOf(key: Key): string;
  read(like: Key, owners: readonly string[], before: string, most: number): Promise<Item[]>;
  ownerOf(item: Item): string;
  placeOf(item: Item): string;
}

function pageLoader<Key extends object, Item>({
  pageOf,
  bindingOf,
  read,
  ownerOf,
  placeOf,
}: PageReading<Key, Item>): DataLoader<Key, ConnectionOf<Item>, string> {
  const likeness = (key: Key): string => {
    const { ownerKey, filter, first, after } = pageOf(key);
    // A cursor is good for its owner's list alone.
    return `${filter} ${first} ${after === null ? '' : `${after} ${ownerKey}`}`;
  };
  return new DataLoader<Key, ConnectionOf<Item>, string>(
    async (keys) => {
      const pages = new Map<Key, ConnectionOf<Item>>();
      await Promise.all(
        [...Map.groupBy(keys, likeness).values()].map(async (alike) => {
          const [like] = alike;
          if (like === undefined) return;
          const { after, first } = pageOf(like);
          const before = after === null ? LAST_KEY : decodeCursor(bindingOf(like), after, 'after');
          const owners = alike.map((key) => pageOf(key).ownerKey);
          const byOwner = Map.groupBy(await read(like, owners, before, first + 1), ownerOf);
          for (const key of alike) {
            const own = byOwner.get(pageOf(key).ownerKey) ?? [];
            pages.set(
              key,
              toPage(own, first, (item) => encodeCursor(bindingOf(key), placeOf(item))),
            );
          }
        }),
      );
      return keys.map((key) => pages.get(key) ?? toPage<Item>([], 0, () => ''));
    },
    { cacheKeyFn: (key) => `${pageOf(key).ownerKey} ${likeness(key)}` },
  );
}

/** The batched reads of one request. */
export function createBenefitLoaders(sql: Sql, tenantKey: string): BenefitLoaders {
  return {
    grant: new DataLoader(async (keys) => {
      const rows = await findGrants(sql, tenantKey, keys);
      const byKey = new Map(rows.map((grant) => [grant.grantKey, grant]));
      return keys.map((key) => byKey.get(key) ?? null);
    }),
    grantPage: pageLoader<GrantPageKey, Grant>({
      pageOf: ({ memberKey, status, first, after }) => ({
        ownerKey: memberKey,
        filter: status,
        first,
        after,
      }),
      bindingOf: ({ memberKey, status }) => `${tenantKey}|Member.grants|${memberKey}|${status ?? ''}`,
      read: (like, owners, before, most) =>
        findGrantPages(sql, tenantKey, owners, { status: like.status, before, most }),
      ownerOf: ({ memberKey }) => memberKey,
      placeOf: ({ grantKey }) => grantKey,
    }),
    use: new DataLoader(async (keys) => {
      const byKey = new Map((await findUses(sql, tenantKey, keys)).map((use) => [use.useKey, use]));
      return keys.map((key) => byKey.get(key) ?? null);
    }),
    usePage: pageLoader<UsePageKey, BenefitUse>({
      pageOf: ({ grantKey, first, after }) => ({ ownerKey: grantKey, filter: null, first, after }),
      bindingOf: ({ grantKey }) => `${tenantKey}|Grant.uses|${grantKey}`,
      read: (_like, owners, before, most) => findUsePages(sql, tenantKey, owners, { before, most }),
      ownerOf: ({ grantKey }) => grantKey,
      placeOf: ({ useKey }) => useKey,
    }),
  };
}
