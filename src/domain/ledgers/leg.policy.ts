import type { Entry } from './entry.entity.ts';
import { OperationKind } from './ledger.enums.types.ts';

/** The program's own accounts, which stand against those of the members. */
export type LegAccount = 'ISSUED' | 'REDEEMED' | 'PAID_BACK' | 'BREAKAGE' | 'TRANSFERRED' | 'ADJUSTED';

/** Whose account an act of a kind is booked to; the other kinds move nothing between program and member. */
const ACCOUNTS: Readonly<Partial<Record<OperationKind, LegAccount>>> = {
  [OperationKind.EARN]: 'ISSUED',
  [OperationKind.REDEEM]: 'REDEEMED',
  [OperationKind.CAPTURE]: 'REDEEMED',
  [OperationKind.ADJUST]: 'ADJUSTED',
  [OperationKind.TRANSFER]: 'TRANSFERRED',
  [OperationKind.MERGE]: 'TRANSFERRED',
};

/** An operation, or its part in one ledger, as it will be written. */
export interface LegSource {
  readonly operationKey: string;
  readonly kind: OperationKind;
  /** REVERSE: the kind of what it undoes, of an EARN when missing; whether it is money that was paid back. */
  readonly posting: { readonly reversedKind?: OperationKind; readonly paysBack?: boolean } | null;
  readonly entries: readonly Entry[];
}

export interface DraftLeg {
  readonly operationKey: string;
  readonly asset: string;
  readonly account: LegAccount;
  readonly amount: bigint;
  /** Which of all entries that are written together is the operation's first: 1, 2, 3 … */
  readonly place: bigint;
  readonly recordedAt: Date;
}

/** What an operation did in one asset, in all of its ledgers together. */
interface Whole {
  readonly source: LegSource;
  readonly asset: string;
  /** Of the operation's first entry. */
  readonly first: Pick<DraftLeg, 'place' | 'recordedAt'>;
  /** The act's signed size, and what it came to: less, where a part of it was lost to time at once. */
  amount: bigint;
  net: bigint;
}

/**
 * The program's own side of operations. The act itself goes to the account of its kind (a reversal's to that
 * of what it undoes), what time took in the same operation to BREAKAGE, and what comes to nothing nowhere.
 * @param sources all that is written together, in the order of the feed
 */
export function legsOf(sources: readonly LegSource[]): DraftLeg[] {
  const wholes = new Map<string, Whole>();
  const firsts = new Map<string, Pick<DraftLeg, 'place' | 'recordedAt'>>();
  let place = 0n;
  for (const source of sources) {
    for (const entry of source.entries) {
      place += 1n;
      const { operationKey } = source;
      const { recordedAt, assetCode: asset } = entry;
      const first = firsts.get(operationKey) ?? { place, recordedAt };
      firsts.set(operationKey, first);
      const key = `${operationKey} ${asset}`;
      const known = wholes.get(key);
      const whole = known ?? { source, asset, first, amount: 0n, net: 0n };
      whole.amount += entry.amount;
      whole.net += entry.postedDelta + entry.pendingDelta;
      if (known === undefined) wholes.set(key, whole);
    }
  }
  return [...wholes.values()].flatMap(legsOfWhole);
}

function legsOfWhole({ source, asset, first, amount, net }: Whole): DraftLeg[] {
  const { operationKey, kind, posting } = source;
  const done = kind === OperationKind.REVERSE ? (posting?.reversedKind ?? OperationKind.EARN) : kind;
  const account = posting?.paysBack === true ? 'PAID_BACK' : ACCOUNTS[done];
  const leg = (to: LegAccount, moved: bigint): DraftLeg[] =>
    moved === 0n ? [] : [{ ...first, operationKey, asset, account: to, amount: moved }];
  if (account === undefined) return leg('BREAKAGE', -net);
  return [...leg(account, -amount), ...leg('BREAKAGE', amount - net)];
}
