import { OperationKind } from './ledger.enums.types.ts';

/** The program's own accounts, which stand against those of the members, as entries name them. */
export const ProgramAccount = {
  ISSUED: 'I',
  REDEEMED: 'R',
  PAID_BACK: 'P',
  TRANSFERRED: 'T',
  ADJUSTED: 'A',
} as const;
export type ProgramAccount = (typeof ProgramAccount)[keyof typeof ProgramAccount];

/** Whose account an act of a kind is booked to; the other kinds move nothing between program and member. */
const ACCOUNTS: Readonly<Partial<Record<OperationKind, ProgramAccount>>> = {
  [OperationKind.EARN]: ProgramAccount.ISSUED,
  [OperationKind.REDEEM]: ProgramAccount.REDEEMED,
  [OperationKind.CAPTURE]: ProgramAccount.REDEEMED,
  [OperationKind.ADJUST]: ProgramAccount.ADJUSTED,
  [OperationKind.TRANSFER]: ProgramAccount.TRANSFERRED,
  [OperationKind.MERGE]: ProgramAccount.TRANSFERRED,
};

/** An operation, or its part in one ledger, as it will be written. */
export interface BookedOperation {
  readonly kind: OperationKind;
  /** REVERSE: the kind of what it undoes, of an EARN when missing; whether it is money that was paid back. */
  readonly posting: { readonly reversedKind?: OperationKind; readonly paysBack?: boolean } | null;
}

/**
 * The account that an operation's entries stand against: a reversal's is that of what it undoes. What time took
 * in an entry follows from its amounts; see the view `leg`.
 */
export function accountOf({ kind, posting }: BookedOperation): ProgramAccount | null {
  if (posting?.paysBack === true) return ProgramAccount.PAID_BACK;
  const done = kind === OperationKind.REVERSE ? (posting?.reversedKind ?? OperationKind.EARN) : kind;
  return ACCOUNTS[done] ?? null;
}
