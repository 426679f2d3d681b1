import { AsyncLocalStorage } from 'node:async_hooks';

/** What runs for a transaction, and what it left behind once that has ended. */
const open = new AsyncLocalStorage<{ isOpen: boolean }>();

/** Runs the work of a transaction. */
export async function inTransaction<T>(work: () => Promise<T>): Promise<T> {
  const transaction = { isOpen: true };
  try {
    return await open.run(transaction, work);
  } finally {
    transaction.isOpen = false;
  }
}

/**
 * For what may take long, or forever: it mustn't begin while rows are locked.
 * @throws Error when it is called by the work of a transaction
 */
export function refuseInTransaction(): void {
  if (open.getStore()?.isOpen === true) {
    throw new Error(
      'An extension is asked within a transaction: ask before it begins, in the propose phase.',
    );
  }
}
