import { parseDuration, plus } from '../../kernel/calendar.ts';
import type { PinnedProgram, Portion } from '../programs/index.ts';
import { type AssetPolicy, policyOf } from './asset.policy.ts';
import { creditMoments } from './credit-moments.ts';
import type { HoldStatus, OperationKind } from './ledger.enums.types.ts';
import type { StoredExplanation } from './operation.entity.ts';

/** The hold that a posting makes, captures or releases. */
export interface HoldWish {
  readonly holdKey: string;
  /** HOLD: when it is given back by itself; a moment, or a duration from now. Never when both are missing. */
  readonly expiresAt?: Date | null;
  readonly expiresIn?: string | null;
  /** CAPTURE: what is left is released in the same operation. */
  readonly final?: boolean;
}

/** What somebody proposes to do with points; the ledger checks and commits it. */
export interface Posting {
  /** Made by the proposer, so that the result of a request is known before it is written. */
  readonly operationKey: string;
  readonly kind:
    | 'EARN'
    | 'REDEEM'
    | 'ADJUST'
    | 'REVERSE'
    | 'HOLD'
    | 'CAPTURE'
    | 'RELEASE'
    | 'TRANSFER'
    | 'MATURE'
    | 'MERGE';
  /** Whose ledger it is; with TRANSFER, and what undoes one, the sender's. */
  readonly memberKey: string;
  readonly asset: string;
  /** Signed for ADJUST, above zero for all others; zero with `whole`. */
  readonly amount: bigint;
  /** EARN of stored value: what of the amount the member paid, and when that expires; the rest is bonus. */
  readonly paid?: { readonly amount: bigint; readonly expiresAt: Date | null };
  /** REDEEM of stored value: in money, to the member. Also with the REVERSE of one. */
  readonly paysBack?: boolean;
  /** CAPTURE, RELEASE, REVERSE, what is paid back: the whole rest, which is known only under the lock. */
  readonly whole?: boolean;
  /** HOLD, CAPTURE and RELEASE. */
  readonly hold?: HoldWish;
  /** TRANSFER, and what undoes one: who receives it. MERGE: who takes over. */
  readonly toMemberKey?: string;
  /** Where the input names the member; `memberId` when missing. */
  readonly memberField?: readonly string[];
  /** When the act happened; the transaction's business time when null. */
  readonly occurredAt: Date | null;
  /** REVERSE: the operation that is undone, as a whole or in part. */
  readonly reverses?: string | null;
  /** REVERSE by hand: its kind. Missing where a refund takes back what it finds of an EARN. */
  readonly reversedKind?: OperationKind;
  /** The moment that decides on which local day it counts for tiers; when it happened, if missing. */
  readonly countsAt?: Date | null;
  /** When a credit falls due: a moment, or a duration after the act. At once when both are missing. */
  readonly availableAt?: Date | null;
  readonly availableAfter?: string | null;
  /** Sooner, as soon as an activity of this type names the same order. */
  readonly availableOn?: string | null;
  /** MATURE, because of such an activity: the lots that fall due. */
  readonly lotKeys?: readonly string[];
  /** When a credit expires; as the asset's policy says when missing. */
  readonly expiresAt?: Date | null;
  readonly reason: string | null;
  readonly reference: { readonly type: string; readonly id: string } | null;
  readonly explanation: StoredExplanation | null;
  /** True where the asset's limit a day was counted when the amount was decided. */
  readonly isCounted?: boolean;
  /** True where the asset's limit a day cuts it, instead of refusing it. */
  readonly givesWay?: boolean;
  /** SHA-256 of what was asked for; as the whole request's when missing. */
  readonly inputHash?: Buffer;
  /** In an asset whose record is kept elsewhere: it says what happened there, and isn't asked about. */
  readonly mirrors?: boolean;
  /** REVERSE: instead of `explanation`, for how much is taken back is known only under the lock. */
  readonly explain?: (taken: bigint) => StoredExplanation | null;
  readonly activityKey: string | null;
  /** What its activity keeps: an explanation that is one of these isn't kept once more. */
  readonly explanations?: readonly StoredExplanation[];
  /** Where acts are posted together, the one that it is a part of; its activity's when missing. */
  readonly act?: string;
}

/** A posting whose moments are settled. */
export interface ScheduledPosting extends Posting {
  readonly occurredAt: Date;
  readonly availableAt: Date;
  readonly expiresAt: Date | null;
  /** Whether the expiry moves on with whatever happens in the ledger. */
  readonly idles?: boolean;
}

/**
 * Settles a posting's moments: maturity and expiry count from the act, in the tenant's time zone; what has no
 * maturity of its own falls due as its asset says, or at once.
 */
export function scheduled(posting: Posting, program: PinnedProgram, now: Date): ScheduledPosting {
  const { timeZone } = program.definition;
  const asset = program.assets.get(posting.asset);
  const isOwn = posting.kind !== 'EARN' || posting.availableAt != null || posting.availableAfter != null;
  const idles = posting.expiresAt == null && policyOf(program, posting.asset).idleness !== null;
  const whole = {
    ...posting,
    ...momentsOf(posting, program, now),
    availableOn: posting.availableOn ?? (isOwn ? null : asset?.maturity?.event) ?? null,
    idles,
  };
  const { hold } = posting;
  const lasts = parseDuration(hold?.expiresIn ?? '');
  if (hold === undefined || lasts === null) return whole;
  return { ...whole, hold: { ...hold, expiresAt: plus(now, lasts, timeZone) } };
}

/** When a posting happened, falls due and expires: as it says itself, or else as its asset does. */
export function momentsOf(
  posting: Pick<Posting, 'kind' | 'asset' | 'occurredAt' | 'availableAfter' | 'availableAt' | 'expiresAt'>,
  { assets, definition: { timeZone } }: PinnedProgram,
  now: Date,
): Pick<ScheduledPosting, 'occurredAt' | 'availableAt' | 'expiresAt'> {
  const occurredAt = posting.occurredAt ?? now;
  const asset = assets.get(posting.asset);
  const { availableAfter: after = null, kind } = posting;
  const moments =
    asset === undefined
      ? { dueAt: null, endsAt: null }
      : creditMoments(asset, { after, isEarned: kind === 'EARN' }, occurredAt, timeZone);
  return {
    occurredAt,
    availableAt: posting.availableAt ?? moments.dueAt ?? (occurredAt < now ? occurredAt : now),
    expiresAt: posting.expiresAt ?? moments.endsAt,
  };
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
  version: bigint;
  recordedAt: Date | null;
  settleAt: Date | null;
  /** As the program in force says. */
  readonly policy: AssetPolicy;
  /** Of who enrols in the same transaction: nobody else can have it, and it is written once. */
  readonly isNew?: boolean;
}

export interface LotState {
  readonly ledgerKey: string;
  readonly lotKey: string;
  readonly operationKey: string;
  readonly amount: bigint;
  remaining: bigint;
  held: bigint;
  pending: boolean;
  availableAt: Date;
  expiresAt: Date | null;
  /** Of a lot that is made, or whose expiry moves on; null of others, of which nothing asks. */
  readonly createdAt: Date | null;
  /** When it fell due, where that is new; null otherwise. */
  maturedAt: Date | null;
  /** What time took of it, in whichever operation. */
  lost: bigint;
  /** The activity type that makes it due before its time; null if none does. */
  readonly awaits?: string | null;
  /** Whether its expiry moves on with whatever happens in the ledger. */
  readonly idles?: boolean | null;
  /** Of stored value, which portion it is. */
  readonly portion?: Portion | null;
  /** The first lot that a transferred one came from; null for what was earned here. */
  readonly originLotKey?: string | null;
  /** What active holds have of it, as it was read; null if nothing. */
  readonly heldBy?: readonly HeldPart[] | null;
}

/** What an active hold has of a lot, with the hold's own facts; amounts and moments as JSON has them. */
export interface HeldPart {
  readonly part: string;
  readonly holdKey: string;
  readonly operationKey: string;
  readonly amount: string;
  readonly captured: string;
  readonly released: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number | null;
  readonly createdAt: number;
}

/** A hold as it is locked with its ledger, and as an operation leaves it. */
export interface HoldState {
  readonly tenantKey: string;
  readonly ledgerKey: string;
  readonly holdKey: string;
  readonly operationKey: string;
  readonly amount: bigint;
  captured: bigint;
  released: bigint;
  status: HoldStatus;
  readonly expiresAt: Date | null;
  readonly createdAt: Date;
  /** What it still has of which lots. */
  readonly parts: { readonly lotKey: string; amount: bigint }[];
}
