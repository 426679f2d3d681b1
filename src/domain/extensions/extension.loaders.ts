import DataLoader from 'dataloader';
import type { Sql } from '../../persistence/index.ts';
import type { StoredChange } from './extension.entity.ts';
import { findChangesByKeys, findExtensionsByKeys } from './extension.repository.ts';
import type { ExtensionView } from './extension-view.types.ts';

export interface ExtensionLoaders {
  /** Those that were registered. */
  readonly extension: DataLoader<string, ExtensionView | null>;
  readonly change: DataLoader<Pick<StoredChange, 'extensionKey' | 'changeKey'>, StoredChange | null, string>;
}

/** The batched reads of one request. */
export function createExtensionLoaders(sql: Sql, tenantKey: string): ExtensionLoaders {
  return {
    extension: new DataLoader(async (keys) => {
      const rows = await findExtensionsByKeys(sql, tenantKey, keys);
      const byKey = new Map(rows.map((extension) => [extension.extensionKey, extension]));
      return keys.map((key) => byKey.get(key) ?? null);
    }),
    change: new DataLoader(
      async (wanted) => {
        const rows = await findChangesByKeys(sql, tenantKey, wanted);
        const byKey = new Map(rows.map((change) => [change.changeKey, change]));
        return wanted.map(({ changeKey }) => byKey.get(changeKey) ?? null);
      },
      { cacheKeyFn: ({ changeKey }) => changeKey },
    ),
  };
}
