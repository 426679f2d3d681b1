import { emitEvents } from '../../events/index.ts';
import { refuse } from '../../kernel/errors.ts';
import type { Transaction } from '../../persistence/index.ts';
import { type ClaimedLimit, claimLimits, countLimits } from '../limits/index.ts';
import type { CommitFacts, PinnedProgram } from '../programs/index.ts';
import { refuseInactive, refuseShort, refuseUnusable } from './benefit.policy.ts';
import type { BenefitUse } from './benefit-use.entity.ts';
import { findUse, insert, undo } from './benefit-use.repository.ts';
import type { Grant } from './grant.entity.ts';
import {
  allot,
  dailyUses,
  type NamedLimit,
  nextMoment,
  revoked,
  statusAt,
  stockOf,
  totalUses,
  unused,
  used,
  withoutStock,
} from './grant.policy.ts';
import { findMemberStatus, lockByKeys, ofGrant, type StoredGrant, update } from './grant.repository.ts';

/** A use and the grant as it left it. */
export interface Used {
  readonly use: BenefitUse;
  readonly grant: Grant;
}

/** A use that somebody proposes, with what bounds it. */
export interface UseProposal {
  readonly use: BenefitUse;
  readonly limits: readonly NamedLimit[];
}

/** Why something is taken back, and by whom. */
interface Cause {
  readonly reason: string;
  readonly by: string;
}

/**
 * Takes a grant back; an unused one gives its piece of the stock back.
 * @throws Refusal GRANT_NOT_AVAILABLE when that was done before
 */
export async function commitRevocation(
  tx: Transaction,
  { tenantKey, grantKey, benefitCode, takesStock }: StoredGrant,
  facts: CommitFacts,
  { reason, by }: Cause,
): Promise<Grant> {
  const { now } = await facts;
  const stock = takesStock ? [stockOf(benefitCode, 0n)] : [];
  const [claimed, locked] = await claimAndLock(tx, tenantKey, grantKey, stock, now);
  if (locked.revokedAt !== null) {
    throw refuse('GRANT_NOT_AVAILABLE', ['grantId'], { status: statusAt(locked, now) });
  }
  const at = nextMoment(locked, now);
  const ended = revoked(locked, at, { reason, by });
  const after = withoutStock(ended);
  const freed = after.takesStock === ended.takesStock ? [] : claimed;
  emitEvents(tx, tenantKey, [ofGrant('REVOKED', after)]);
  await Promise.all([update(tx, tenantKey, [after]), giveBack(tx, tenantKey, freed)]);
  return withStatus(after, at);
}

async function giveBack(tx: Transaction, tenantKey: string, limits: readonly ClaimedLimit[]): Promise<void> {
  await countLimits(
    tx,
    tenantKey,
    limits.map((limit) => ({ limit, amount: -1n })),
  );
}

/**
 * Uses a grant, under the lock of its row and of the counters that bound it.
 * @throws Refusal MEMBER_NOT_ACTIVE, GRANT_NOT_AVAILABLE, GRANT_EXPIRED, NO_USES_LEFT, GRANT_LIMIT
 */
export async function commitUse(
  tx: Transaction,
  { use, limits }: UseProposal,
  { definition: { timeZone } }: PinnedProgram,
  facts: CommitFacts,
): Promise<Used> {
  const { tenantKey, grantKey, memberKey } = use;
  const [{ now }, memberStatus] = await Promise.all([facts, findMemberStatus(tx, tenantKey, memberKey)]);
  refuseInactive(memberStatus, ['grantId']);
  const [claimed, locked] = await claimAndLock(tx, tenantKey, grantKey, limits, now, timeZone);
  refuseUnusable(locked, now);
  const { refused, taken } = allot([use], () => limits, claimed);
  for (const { short } of refused) refuseShort(short, ['grantId']);
  const at = nextMoment(locked, now);
  const daily = claimed.find(({ window }) => window === 'day');
  const made: BenefitUse = { ...use, usedAt: at, countedDay: daily?.windowStart ?? null };
  const after = used(locked, at);
  emitEvents(tx, tenantKey, [ofGrant('USED', after, { use: made.useKey })]);
  await Promise.all([insert(tx, made), update(tx, tenantKey, [after]), countLimits(tx, tenantKey, taken)]);
  return { use: made, grant: withStatus(after, at) };
}

/**
 * Undoes a use, in the grant and in the counters where it counts.
 * @throws Refusal USE_ALREADY_UNDONE
 */
export async function commitUndo(
  tx: Transaction,
  { use: { useKey, countedDay, countedTotal }, grant }: Used,
  facts: CommitFacts,
  { reason, by }: Cause,
): Promise<Used> {
  const { tenantKey, grantKey, memberKey, benefitCode, takesStock } = grant;
  const { now } = await facts;
  const limits = [
    ...(countedDay === null ? [] : [dailyUses(benefitCode, memberKey, 0n)]),
    ...(countedTotal ? [totalUses(benefitCode, 0n)] : []),
    ...(takesStock ? [stockOf(benefitCode, 0n)] : []),
  ];
  // The day on which the use counts, whatever the time zone was then; the other limits count for ever.
  const day = countedDay === null ? now : new Date(`${countedDay}T00:00:00Z`);
  const [claimed, locked] = await claimAndLock(tx, tenantKey, grantKey, limits, day);
  // Read after the lock, so that whoever undid it before is seen.
  const use = await findUse(tx, tenantKey, useKey);
  if (use === null) throw new Error(`The use ${useKey} is gone.`);
  if (use.undoneAt !== null) throw refuse('USE_ALREADY_UNDONE', ['useId']);
  const at = nextMoment(locked, now);
  const undone = { ...use, undoneAt: at, undoReason: reason, undoneBy: by };
  const restored = unused(locked, at);
  const after = withoutStock(restored);
  const isFreed = after.takesStock !== restored.takesStock;
  const stock = stockOf(benefitCode, 0n).subject;
  const given = claimed.filter(({ subject }) => subject !== stock || isFreed);
  emitEvents(tx, tenantKey, [ofGrant('USE_UNDONE', after, { use: useKey })]);
  await Promise.all([undo(tx, undone), update(tx, tenantKey, [after]), giveBack(tx, tenantKey, given)]);
  return { use: undone, grant: withStatus(after, at) };
}

/** Locks counters, then the grant: the order in which everybody does. */
async function claimAndLock(
  tx: Transaction,
  tenantKey: string,
  grantKey: string,
  limits: readonly NamedLimit[],
  moment: Date,
  timeZone = 'UTC',
) {
  const [claimed, locked] = await Promise.all([
    claimLimits(tx, tenantKey, limits, { moment, timeZone }),
    lockByKeys(tx, tenantKey, [grantKey]),
  ]);
  return [claimed, firstOf(locked)] as const;
}

/** A grant with what it comes to at a moment. */
export function withStatus(grant: StoredGrant, moment: Date): Grant {
  return { ...grant, status: statusAt(grant, moment) };
}

/** @throws Error when nothing was found where something must be */
export function firstOf<One>(found: readonly One[]): One {
  const [one] = found;
  if (one === undefined) throw new Error('A granted benefit that must be there is missing.');
  return one;
}
