import { createHash } from 'node:crypto';
import { sparse } from '../../persistence/index.ts';
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
interface KeptExplanation {
  readonly own: StoredExplanation | null;
  readonly place: number | null;
}

const UNEXPLAINED: KeptExplanation = { own: null, place: null };

function storedExplanation(operation: DraftOperation): KeptExplanation {
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

/** What all that is written together has in common. */
export interface WriteFacts {
  readonly programVersion: number;
  readonly now: Date;
  /** SHA-256 of the request; null where postings have their own, or time acts. */
  readonly inputHash?: Buffer | null;
}

/**
 * The columns of operations: activity, what it refers to, what it undoes, why, its place, the hash of its
 * input, whether it pays back. Nulls stand for those of which nothing is written here.
 */
export function valuesOfOperations(
  operations: readonly (DraftOperation | null)[],
  facts: WriteFacts,
): unknown[] {
  const explanations = operations.map((one) => (one === null ? UNEXPLAINED : storedExplanation(one)));
  return [
    sparse(operations, (one) => one?.posting?.activityKey ?? null),
    sparse(operations, (one) => one?.posting?.reference?.type ?? null),
    sparse(operations, (one) => one?.posting?.reference?.id ?? null),
    sparse(operations, (one) => one?.posting?.reverses ?? null),
    sparse(explanations, ({ own }) => (own === null ? null : JSON.stringify(own))),
    sparse(explanations, ({ place }) => place),
    sparse(operations, (one) => (one === null ? null : inputHashOf(one, facts))),
    sparse(operations, (one) => (one !== null && paysBack(one) ? true : null)),
  ];
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
