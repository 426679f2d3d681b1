import DataLoader from 'dataloader';
import type { Sql } from '../../persistence/index.ts';
import {
  type ConnectionOf,
  decodeCursor,
  encodeCursor,
  momentPlace,
  readMomentPlace,
  toPage,
} from '../shared/index.ts';
import type { Activity } from './activity.entity.ts';
import { type ActivityPlace, findActivities, findPages, findRefunded } from './activity.repository.ts';

interface ActivityPageKey {
  readonly memberKey: string;
  readonly type: string | null;
  readonly first: number;
  readonly after: string | null;
}

export interface ActivityLoaders {
  readonly activity: DataLoader<string, Activity | null>;
  /** How much of an activity was refunded so far, in minor units. */
  readonly refunded: DataLoader<string, bigint>;
  readonly activityPage: DataLoader<ActivityPageKey, ConnectionOf<Activity>, string>;
}

const NEWEST: ActivityPlace = { occurredAt: 'infinity', activityKey: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

/** The batched reads of one request. */
export function createActivityLoaders(sql: Sql, tenantKey: string): ActivityLoaders {
  return {
    activity: new DataLoader(async (keys) => {
      const rows = await findActivities(sql, tenantKey, keys);
      const byKey = new Map(rows.map((row) => [row.activityKey, row]));
      return keys.map((key) => byKey.get(key) ?? null);
    }),
    refunded: new DataLoader(async (keys) => {
      const rows = await findRefunded(sql, tenantKey, keys);
      const byKey = new Map(rows.map(({ activityKey, amount }) => [activityKey, amount]));
      return keys.map((key) => byKey.get(key) ?? 0n);
    }),
    activityPage: new DataLoader((keys) => loadPages(sql, tenantKey, keys), {
      cacheKeyFn: ({ memberKey, type, first, after }) => `${memberKey} ${type} ${first} ${after}`,
    }),
  };
}

async function loadPages(
  sql: Sql,
  tenantKey: string,
  keys: readonly ActivityPageKey[],
): Promise<ConnectionOf<Activity>[]> {
  const bindingOf = ({ memberKey, type }: ActivityPageKey): string =>
    `${tenantKey}|Member.activities|${memberKey}|${type ?? ''}`;
  const pages = new Map<ActivityPageKey, ConnectionOf<Activity>>();
  const alike = Map.groupBy(keys, ({ type, first, after }) => `${type} ${first} ${after}`);
  await Promise.all(
    [...alike.values()].map(async (same) => {
      const [like] = same;
      if (like === undefined) return;
      const before = like.after === null ? NEWEST : toPlace(bindingOf(like), like.after);
      const memberKeys = same.map(({ memberKey }) => memberKey);
      const wanted = { memberKeys, type: like.type, before, limit: like.first + 1 };
      const byMember = Map.groupBy(await findPages(sql, tenantKey, wanted), ({ shownWith }) => shownWith);
      for (const key of same) {
        const own = byMember.get(key.memberKey) ?? [];
        pages.set(
          key,
          toPage(own, key.first, ({ occurredAt, activityKey }) =>
            encodeCursor(bindingOf(key), momentPlace(occurredAt, activityKey)),
          ),
        );
      }
    }),
  );
  return keys.map((key) => pages.get(key) ?? toPage<Activity>([], 0, () => ''));
}

function toPlace(binding: string, cursor: string): ActivityPlace {
  const { moment, key } = readMomentPlace(decodeCursor(binding, cursor, 'after'));
  return { occurredAt: moment, activityKey: key };
}
