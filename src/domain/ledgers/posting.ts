import { expiresAt, maturesAt, parseDuration } from '../../kernel/calendar.ts';
import type { PinnedProgram } from '../programs/index.ts';
import type { StoredExplanation } from './operation.entity.ts';

/** A credit, a spend or a correction that somebody proposes; the ledger checks and commits it. */
export interface Posting {
  /** Made by the proposer, so that the result of a request is known before it is written. */
  readonly operationKey: string;
  readonly kind: 'EARN' | 'REDEEM' | 'ADJUST' | 'REVERSE';
  readonly memberKey: string;
  readonly asset: string;
  /** Above zero for EARN, REDEEM and REVERSE; signed for ADJUST. */
  readonly amount: bigint;
  /** When the act happened; the transaction's business time when null. */
  readonly occurredAt: Date | null;
  /** REVERSE: the operation of kind EARN that is taken back, as a whole or in part. */
  readonly reverses?: string | null;
  /** The moment that decides on which local day it counts for tiers; when it happened, if missing. */
  readonly countsAt?: Date | null;
  /** When a credit falls due: a moment, or a duration after the act. At once when both are missing. */
  readonly availableAt?: Date | null;
  readonly availableAfter?: string | null;
  /** When a credit expires; as the asset's policy says when missing. */
  readonly expiresAt?: Date | null;
  readonly reason: string | null;
  readonly reference: { readonly type: string; readonly id: string } | null;
  readonly explanation: StoredExplanation | null;
  /** REVERSE: instead of `explanation`, for how much is taken back is known only under the lock. */
  readonly explain?: (taken: bigint) => StoredExplanation | null;
  readonly activityKey: string | null;
}

/** A posting whose moments are settled. */
export interface ScheduledPosting extends Posting {
  readonly occurredAt: Date;
  readonly availableAt: Date;
  readonly expiresAt: Date | null;
}

/**
 * Settles a posting's moments: maturity and expiry count from the act, in the tenant's time zone; what has no
 * maturity of its own is available at once.
 */
export function scheduled(
  posting: Posting,
  { assets, definition }: PinnedProgram,
  now: Date,
): ScheduledPosting {
  const occurredAt = posting.occurredAt ?? now;
  const after = parseDuration(posting.availableAfter ?? '');
  const dueAt = after === null ? null : maturesAt(occurredAt, after, definition.timeZone);
  const availableAt = posting.availableAt ?? dueAt ?? (occurredAt < now ? occurredAt : now);
  const policy = assets.get(posting.asset)?.expiry;
  const lifetime = parseDuration(policy?.after ?? '');
  const policyEnd =
    policy === undefined || lifetime === null
      ? null
      : expiresAt(occurredAt, lifetime, policy.until, definition.timeZone);
  return { ...posting, occurredAt, availableAt, expiresAt: posting.expiresAt ?? policyEnd };
}

/** A ledger as it is locked, and as an operation leaves it. */
export interface LedgerState {
  readonly tenantKey: string;
  readonly ledgerKey: string;
  readonly memberKey: string;
  readonly asset: string;
  posted: bigint;
  pending: bigint;
  held: bigint;
  debt: bigint;
  floor: bigint | null;
  version: bigint;
  recordedAt: Date | null;
  settleAt: Date | null;
}

export interface LotState {
  readonly ledgerKey: string;
  readonly lotKey: string;
  readonly operationKey: string;
  readonly amount: bigint;
  remaining: bigint;
  held: bigint;
  pending: boolean;
  readonly availableAt: Date;
  readonly expiresAt: Date | null;
  readonly createdAt: Date;
  maturedAt: Date | null;
}
