import { createHash } from 'node:crypto';
import type { Entry } from './entry.entity.ts';
import { OperationKind } from './ledger.enums.types.ts';
import type { StoredExplanation } from './operation.entity.ts';
import type { ScheduledPosting } from './posting.ts';

/** An operation as it will be written, with the entries that it makes. */
export interface DraftOperation {
  readonly operationKey: string;
  readonly kind: OperationKind;
  readonly posting: ScheduledPosting | null;
  /** Their feed positions are known once they are committed. */
  readonly entries: Entry[];
}

/** Why an operation was made, with the amount that it came to. */
export function explanationOf({ posting, entries }: DraftOperation): StoredExplanation | null {
  const taken = entries.reduce((sum, { amount }) => sum - amount, 0n);
  return posting?.explain?.(taken) ?? posting?.explanation ?? null;
}

/** Why, as an operation keeps it: by itself, or by its place among what its activity keeps. */
export function storedExplanation(operation: DraftOperation): {
  readonly own: StoredExplanation | null;
  readonly place: number | null;
} {
  const own = explanationOf(operation);
  const place = own === null ? -1 : (operation.posting?.explanations?.indexOf(own) ?? -1);
  return place < 0 ? { own, place: null } : { own: null, place };
}

/**
 * What an operation was decided from: SHA-256 of the request. Where time acts, of the ledger, the version
 * that it found and the moment.
 */
export function inputHashOf(
  { posting, entries: [entry] }: DraftOperation,
  { inputHash = null }: { readonly inputHash?: Buffer | null },
): Buffer | null {
  if (posting !== null) return posting.inputHash ?? inputHash;
  if (entry === undefined) return null;
  const inputs = `settle\n${entry.ledgerKey}\n${entry.version - 1n}\n${entry.recordedAt.toISOString()}`;
  return createHash('sha256').update(inputs).digest();
}

/** Whether an operation pays money back; what undoes such a one doesn't. */
export function paysBack({ kind, posting }: DraftOperation): boolean {
  return kind === OperationKind.REDEEM && posting?.paysBack === true;
}

/** The operations of drafts, those that changed two ledgers as one; entries in the order of their ledgers. */
export function wholeOperations(
  drafts: readonly { readonly operations: readonly DraftOperation[] }[],
): DraftOperation[] {
  const byKey = new Map<string, DraftOperation>();
  for (const { operations } of drafts) {
    for (const operation of operations) {
      const known = byKey.get(operation.operationKey);
      byKey.set(operation.operationKey, known === undefined ? operation : joined(known, operation));
    }
  }
  return [...byKey.values()];
}

function joined(one: DraftOperation, other: DraftOperation): DraftOperation {
  const entries = [...one.entries, ...other.entries];
  entries.sort((a, b) => (a.ledgerKey < b.ledgerKey ? -1 : 1));
  return { ...one, entries };
}
