import { legTexts } from './chain.policy.ts';

describe('what is sealed of the program’s own side', () => {
  const first = { position: 7n, recordedAt: '"2026-03-01T04:00:00+00:00"' };
  const leg = (account: string, amount: bigint, asset = 'points') => ({
    ...{
      operationKey: 'an operation',
      asset: JSON.stringify(asset),
      account: JSON.stringify(account),
      amount,
    },
  });

  it('is one text for an account in an asset, at the operation’s first entry', () => {
    const legs = [leg('ISSUED', -5n), leg('BREAKAGE', 2n), leg('ISSUED', -3n), leg('ISSUED', -1n, 'coins')];
    expect(legTexts(first, legs)).toEqual([
      '[7, "points", "ISSUED", -8, "2026-03-01T04:00:00+00:00"]',
      '[7, "points", "BREAKAGE", 2, "2026-03-01T04:00:00+00:00"]',
      '[7, "coins", "ISSUED", -1, "2026-03-01T04:00:00+00:00"]',
    ]);
  });

  it('is none where it comes to nothing', () => {
    expect(legTexts(first, [leg('TRANSFERRED', 5n), leg('TRANSFERRED', -5n)])).toEqual([]);
    expect(legTexts(first, [])).toEqual([]);
  });
});
