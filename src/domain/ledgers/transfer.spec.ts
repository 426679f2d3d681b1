import { day, ledgerOf, newLedger, newLot, newPosting } from '../../../test/ledger/drafts.ts';
import { LedgerDraft } from './ledger.policy.ts';

describe('a transfer', () => {
  // A known fault, reported: the receiver's lot waits to fall due, and what is posted counts it already.
  it('that began before the lot was made, and had its lock later, gives what is due', () => {
    const lot = newLot(30n, { availableAt: day(2), createdAt: day(2) });
    const giver = new LedgerDraft(ledgerOf([lot]), [lot], day(1));
    const receiver = new LedgerDraft(newLedger(), [], day(1));
    giver.apply(newPosting('TRANSFER', 10n, { occurredAt: day(1), availableAt: day(1) }), receiver);
    expect(receiver.state).toMatchObject({ posted: 10n, pending: 0n });
    expect(receiver.newLots).toMatchObject([{ amount: 10n, pending: false, maturedAt: day(1) }]);
  });
});
