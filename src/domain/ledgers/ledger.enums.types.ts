import { registerEnumType } from 'type-graphql';
import { PORTIONS, type Portion } from '../programs/index.ts';

/** What a business act did. */
export enum OperationKind {
  EARN = 'EARN',
  REDEEM = 'REDEEM',
  HOLD = 'HOLD',
  CAPTURE = 'CAPTURE',
  RELEASE = 'RELEASE',
  MATURE = 'MATURE',
  EXPIRE = 'EXPIRE',
  REVERSE = 'REVERSE',
  TRANSFER = 'TRANSFER',
  ADJUST = 'ADJUST',
  MERGE = 'MERGE',
}
registerEnumType(OperationKind, {
  name: 'OperationKind',
  description: 'What a business act did to ledgers.',
  valuesConfig: {
    EARN: { description: 'Credited.' },
    REDEEM: { description: 'Spent.' },
    HOLD: { description: 'Reserved, to be captured or released.' },
    CAPTURE: { description: 'Spent from a hold.' },
    RELEASE: { description: 'Given back from a hold.' },
    MATURE: { description: 'Fell due: what was pending became available.' },
    EXPIRE: { description: 'Lost by time.' },
    REVERSE: { description: 'Undid another operation, in whole or in part.' },
    TRANSFER: { description: 'Given by one member to another.' },
    ADJUST: { description: 'Corrected by hand.' },
    MERGE: { description: 'Moved from a merged member.' },
  },
});

/** As the program names them. */
export const StoredValuePortion = Object.fromEntries(PORTIONS.map((portion) => [portion, portion])) as {
  readonly [portion in Portion]: portion;
};
registerEnumType(StoredValuePortion, {
  name: 'StoredValuePortion',
  description: 'What stored value consists of.',
  valuesConfig: {
    PAID: { description: 'What the member has paid in.' },
    BONUS: { description: 'What was given on top.' },
  },
});

/** Whose word a balance is. */
export enum LedgerSource {
  RECORD = 'RECORD',
  MIRROR = 'MIRROR',
}
registerEnumType(LedgerSource, {
  name: 'LedgerSource',
  description: 'Whose word a balance is.',
  valuesConfig: {
    RECORD: { description: 'Of whoever keeps the record: our ledger, or the enterprise’s own system.' },
    MIRROR: {
      description: 'Of our mirror, since the system that keeps the record wasn’t asked or didn’t say.',
    },
  },
});

export enum EntryStatus {
  PENDING = 'PENDING',
  POSTED = 'POSTED',
}
registerEnumType(EntryStatus, {
  name: 'EntryStatus',
  description: 'Whether what an entry credited is due.',
  valuesConfig: {
    PENDING: { description: 'The lot that it made isn’t due yet.' },
    POSTED: { description: 'It counts in full.' },
  },
});

export enum HoldStatus {
  ACTIVE = 'ACTIVE',
  CAPTURED = 'CAPTURED',
  RELEASED = 'RELEASED',
  EXPIRED = 'EXPIRED',
}
registerEnumType(HoldStatus, {
  name: 'HoldStatus',
  description: 'What became of a hold.',
  valuesConfig: {
    ACTIVE: { description: 'Still reserved.' },
    CAPTURED: { description: 'Spent.' },
    RELEASED: { description: 'Given back.' },
    EXPIRED: { description: 'Given back by time.' },
  },
});

export enum ExplanationOutcome {
  APPLIED = 'APPLIED',
  FALLBACK = 'FALLBACK',
  CAPPED = 'CAPPED',
  NOT_MATCHED = 'NOT_MATCHED',
  ZERO = 'ZERO',
  BUDGET_EXHAUSTED = 'BUDGET_EXHAUSTED',
  EXTENSION_REFUSED = 'EXTENSION_REFUSED',
}
registerEnumType(ExplanationOutcome, {
  name: 'ExplanationOutcome',
  description: 'What came of asking a rule or an extension.',
  valuesConfig: {
    APPLIED: { description: 'It gave what it says.' },
    FALLBACK: { description: 'An extension failed, and its declared default was used.' },
    CAPPED: { description: 'It gave less, because a cap was reached.' },
    NOT_MATCHED: { description: 'Its condition didn’t hold.' },
    ZERO: { description: 'It came to nothing, e.g. because the amount was too small.' },
    BUDGET_EXHAUSTED: { description: 'Its budget was spent.' },
    EXTENSION_REFUSED: { description: 'An extension put its own in its place.' },
  },
});
