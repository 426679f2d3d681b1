import type { PointsChangeOutput } from '../../extension/index.ts';
import { newKey } from '../../kernel/ids.ts';
import { OperationKind } from './ledger.enums.types.ts';
import type { Posting } from './posting.ts';
import { OperationStatus } from './record-change.entity.ts';
import type { OpenChange, Settlement } from './record-change.repository.ts';

/** What settles a change: what is written of it, and what is posted in the mirror. */
export interface SettledChange {
  readonly settlement: Settlement;
  readonly postings: readonly Posting[];
}

/** What an answer comes to. */
export function settledBy(change: OpenChange, output: PointsChangeOutput): SettledChange {
  const { decision, reason = null, reference, balance } = output;
  const isDone = decision === 'DONE';
  const postings = isDone ? carriedOut(change) : undone(change);
  return {
    postings,
    settlement: {
      status: isDone ? OperationStatus.DONE : OperationStatus.REFUSED,
      settledByKey: postings.at(-1)?.operationKey ?? null,
      reason: isDone ? null : reason,
      ...{ referenceType: reference?.type ?? null, referenceId: reference?.id ?? null },
      balance: balance === undefined ? null : BigInt(balance),
    },
  };
}

/** Nobody answered for days: a credit is taken back; whether a debit was made is unknown, so it stays. */
export function givenUp(change: OpenChange): SettledChange {
  const postings = change.holdKey === null ? undone(change) : [];
  const nothing = { reason: null, referenceType: null, referenceId: null, balance: null };
  const settledByKey = postings.at(-1)?.operationKey ?? null;
  return { postings, settlement: { ...nothing, status: OperationStatus.GIVEN_UP, settledByKey } };
}

function carriedOut(change: OpenChange): Posting[] {
  const { kind, holdKey, amount, reversesKey, lotKeys } = change;
  if (holdKey === null) return [{ ...base(change), kind: 'MATURE', amount: 0n, whole: true, lotKeys }];
  if (kind === 'REDEEM') {
    const hold = { holdKey, final: true };
    return [{ ...base(change), kind: 'CAPTURE', amount: 0n, whole: true, hold }];
  }
  // What counts toward tiers is counted by its own kind, so it isn't captured.
  const act: Posting =
    kind === 'REVERSE'
      ? { ...base(change), kind, amount: -amount, reverses: reversesKey, reversedKind: OperationKind.EARN }
      : { ...base(change), kind: 'ADJUST', amount };
  return [released(change), { ...act, countsAt: change.countsAt }];
}

function undone(change: OpenChange): Posting[] {
  if (change.holdKey !== null) return [released(change)];
  const { operationKey: reverses, countsAt } = change;
  const reversedKind = change.kind === 'ADJUST' ? OperationKind.ADJUST : OperationKind.EARN;
  const taken = { kind: 'REVERSE', amount: 0n, whole: true, reverses, reversedKind, countsAt } as const;
  return [{ ...base(change), ...taken }];
}

function released(change: OpenChange): Posting {
  const hold = { holdKey: change.holdKey ?? '' };
  return { ...base(change), kind: 'RELEASE', amount: 0n, whole: true, hold };
}

function base({ memberKey, asset, why, onType, onId }: OpenChange) {
  return {
    ...{ operationKey: newKey(), memberKey, asset, occurredAt: null, reason: why },
    reference: onType === null || onId === null ? null : { type: onType, id: onId },
    ...{ explanation: null, activityKey: null, mirrors: true },
  } as const;
}
