import type { RegisteredExtension, StoredRevision } from './extension.entity.ts';

/** A revision, without what only its runtime needs. */
export type RevisionView = Omit<StoredRevision, 'tenantKey' | 'extensionKey' | 'code'>;

/** An extension with its newest revision. */
export type ExtensionView = RegisteredExtension &
  RevisionView & {
    /** Whether nobody registered it: an operator's plugin. */
    readonly isImplied: boolean;
  };
