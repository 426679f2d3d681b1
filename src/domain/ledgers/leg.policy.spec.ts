import { day } from '../../../test/ledger/drafts.ts';
import { newKey } from '../../kernel/ids.ts';
import type { Entry } from './entry.entity.ts';
import { EntryStatus, OperationKind } from './ledger.enums.types.ts';
import { type LegSource, legsOf } from './leg.policy.ts';

const NOBODY = '0190f3c4-0000-7000-8000-000000000001';

/** An entry of an amount that changed what is posted by all of it, unless said otherwise. */
function newEntry(operationKey: string, amount: bigint, given: Partial<Entry> = {}): Entry {
  return {
    ...{ tenantKey: NOBODY, ledgerKey: NOBODY, memberKey: NOBODY, assetCode: 'points', version: 1n },
    ...{ operationKey, kind: OperationKind.EARN, amount, postedDelta: amount, pendingDelta: 0n },
    ...{ heldDelta: 0n, balanceAfter: 0n, pendingAfter: 0n, heldAfter: 0n, feedPosition: 0n },
    ...{ reason: null, availableAt: null, expiresAt: null, occurredAt: day(0), recordedAt: day(1) },
    ...{ status: EntryStatus.POSTED },
    ...given,
  };
}

function source(
  kind: OperationKind,
  entries: readonly [amount: bigint, given?: Partial<Entry>][],
  reversedKind?: OperationKind,
  paysBack = false,
): LegSource {
  const operationKey = newKey();
  const posting = reversedKind === undefined && !paysBack ? null : { reversedKind, paysBack };
  return {
    ...{ operationKey, kind, posting },
    entries: entries.map(([amount, given]) => newEntry(operationKey, amount, given)),
  };
}

const { EARN, REDEEM, HOLD, CAPTURE, RELEASE, MATURE, EXPIRE, REVERSE, TRANSFER, ADJUST, MERGE } =
  OperationKind;
const held = (postedDelta: bigint) => ({ postedDelta, heldDelta: -5n });

describe('the program’s own side', () => {
  it.each<[string, LegSource, Record<string, bigint>]>([
    ['an earn', source(EARN, [[20n]]), { ISSUED: -20n }],
    ['a pending earn', source(EARN, [[20n, { postedDelta: 0n, pendingDelta: 20n }]]), { ISSUED: -20n }],
    ['a redeem', source(REDEEM, [[-20n]]), { REDEEMED: 20n }],
    ['what is paid back', source(REDEEM, [[-20n]], undefined, true), { PAID_BACK: 20n }],
    [
      'what is paid back, the bonus lost',
      source(REDEEM, [[-20n, { postedDelta: -23n }]], undefined, true),
      { PAID_BACK: 20n, BREAKAGE: 3n },
    ],
    ['a pay back undone', source(REVERSE, [[20n]], REDEEM, true), { PAID_BACK: -20n }],
    ['an expiry', source(EXPIRE, [[-20n]]), { BREAKAGE: 20n }],
    ['a correction up', source(ADJUST, [[20n]]), { ADJUSTED: -20n }],
    ['a correction down', source(ADJUST, [[-20n]]), { ADJUSTED: 20n }],
    ['maturity', source(MATURE, [[20n, { postedDelta: 20n, pendingDelta: -20n }]]), {}],
    ['a hold', source(HOLD, [[-5n, { postedDelta: 0n, heldDelta: 5n }]]), {}],
    ['a capture', source(CAPTURE, [[-5n, held(-5n)]]), { REDEEMED: 5n }],
    ['a last capture, the rest lost', source(CAPTURE, [[-3n, held(-5n)]]), { REDEEMED: 3n, BREAKAGE: 2n }],
    ['a release', source(RELEASE, [[5n, held(0n)]]), {}],
    ['a release after expiry', source(RELEASE, [[5n, held(-4n)]]), { BREAKAGE: 4n }],
    ['a refund', source(REVERSE, [[-20n]]), { ISSUED: 20n }],
    ['an earn undone', source(REVERSE, [[-20n]], EARN), { ISSUED: 20n }],
    ['a redeem undone', source(REVERSE, [[20n]], REDEEM), { REDEEMED: -20n }],
    [
      'a redeem undone, part of it over',
      source(REVERSE, [[20n, { postedDelta: 15n }]], REDEEM),
      { REDEEMED: -20n, BREAKAGE: 5n },
    ],
    ['a capture undone', source(REVERSE, [[20n]], CAPTURE), { REDEEMED: -20n }],
    ['a correction undone', source(REVERSE, [[-20n]], ADJUST), { ADJUSTED: 20n }],
    ['a transfer', source(TRANSFER, [[-20n], [20n]]), {}],
    ['a transfer undone', source(REVERSE, [[20n], [-20n]], TRANSFER), {}],
    ['a merge', source(MERGE, [[-20n], [20n]]), {}],
    ['a merge of which something is kept', source(MERGE, [[-20n], [18n]]), { TRANSFERRED: 2n }],
  ])('of %s', (_what, operation, legs) => {
    const made = legsOf([operation]);
    expect(Object.fromEntries(made.map(({ account, amount }) => [account, amount]))).toEqual(legs);
    const moved = operation.entries.reduce((sum, one) => sum + one.postedDelta + one.pendingDelta, 0n);
    expect(made.reduce((sum, { amount }) => sum + amount, moved)).toBe(0n);
  });

  it('is of each asset, at the operation’s first entry, in whichever ledgers it wrote', () => {
    const earned = source(EARN, [[1n]]);
    const given = source(TRANSFER, [[-5n], [3n, { recordedAt: day(2) }], [7n, { assetCode: 'coins' }]]);
    const [first, ...others] = given.entries;
    if (first === undefined) throw new Error('It has entries.');
    const parts = [
      { ...given, entries: [first] },
      { ...given, entries: others },
    ];
    expect(legsOf([earned, ...parts]).map(({ operationKey: _key, ...leg }) => leg)).toEqual([
      { asset: 'points', account: 'ISSUED', amount: -1n, place: 1n, recordedAt: day(1) },
      { asset: 'points', account: 'TRANSFERRED', amount: 2n, place: 2n, recordedAt: day(1) },
      { asset: 'coins', account: 'TRANSFERRED', amount: -7n, place: 2n, recordedAt: day(1) },
    ]);
  });
});
