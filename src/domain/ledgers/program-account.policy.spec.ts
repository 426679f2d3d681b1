import { OperationKind } from './ledger.enums.types.ts';
import { accountOf, type BookedOperation } from './program-account.policy.ts';

const { EARN, REDEEM, HOLD, CAPTURE, RELEASE, MATURE, EXPIRE, REVERSE, TRANSFER, ADJUST, MERGE } =
  OperationKind;

describe('the account that an entry stands against', () => {
  it.each<[OperationKind, string | null]>([
    [EARN, 'I'],
    [REDEEM, 'R'],
    [CAPTURE, 'R'],
    [ADJUST, 'A'],
    [TRANSFER, 'T'],
    [MERGE, 'T'],
    [HOLD, null],
    [RELEASE, null],
    [MATURE, null],
    [EXPIRE, null],
  ])('of %s is %s, and so is that of what undoes it', (kind, account) => {
    expect(accountOf({ kind, posting: {} })).toBe(account);
    expect(accountOf({ kind, posting: null })).toBe(account);
    expect(accountOf({ kind: REVERSE, posting: { reversedKind: kind } })).toBe(account);
  });

  it.each<[string, BookedOperation, string]>([
    ['a reversal that names no kind: of an earn', { kind: REVERSE, posting: {} }, 'I'],
    ['money that is paid back', { kind: REDEEM, posting: { paysBack: true } }, 'P'],
    ['a pay back undone', { kind: REVERSE, posting: { reversedKind: REDEEM, paysBack: true } }, 'P'],
  ])('of %s', (_what, operation, account) => {
    expect(accountOf(operation)).toBe(account);
  });
});
