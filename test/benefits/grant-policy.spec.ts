import fc from 'fast-check';
import { GrantSource, GrantStatus } from '../../src/domain/benefits/grant.entity.ts';
import {
  allot,
  grantLimits,
  grantThen,
  type NamedLimit,
  nextMoment,
  revoked,
  statusAt,
  unused,
  used,
  validityOf,
  withoutStock,
} from '../../src/domain/benefits/grant.policy.ts';
import type { StoredGrant } from '../../src/domain/benefits/grant.repository.ts';
import type { ClaimedLimit } from '../../src/domain/limits/index.ts';
import { benefit } from './programs.ts';

const SHANGHAI = 'Asia/Shanghai';
const NOW = new Date('2026-11-20T04:00:00Z');
const later = (ms: number): Date => new Date(NOW.getTime() + ms);

function newGrant(given: Partial<StoredGrant> = {}): StoredGrant {
  return {
    tenantKey: 't',
    grantKey: 'g',
    memberKey: 'm',
    benefitCode: 'gift',
    source: GrantSource.HAND,
    reason: null,
    rule: null,
    activityKey: null,
    grantedBy: null,
    tierHeld: false,
    takesStock: true,
    usesLeft: 3,
    timesUsed: 0,
    validFrom: NOW,
    validUntil: later(1_000),
    revokedAt: null,
    revokeReason: null,
    revokedBy: null,
    createdAt: NOW,
    changedAt: null,
    ...given,
  };
}

it.each<[Partial<StoredGrant>, number, GrantStatus]>([
  [{}, 0, GrantStatus.AVAILABLE],
  [{}, 999, GrantStatus.AVAILABLE],
  [{}, 1_000, GrantStatus.EXPIRED],
  [{ validUntil: null }, 1e12, GrantStatus.AVAILABLE],
  [{ validFrom: later(1) }, 0, GrantStatus.SCHEDULED],
  [{ validFrom: later(1) }, 1, GrantStatus.AVAILABLE],
  [{ usesLeft: 0 }, 0, GrantStatus.USED_UP],
  [{ usesLeft: 0 }, 1_000, GrantStatus.EXPIRED],
  [{ usesLeft: 0, validFrom: later(1) }, 0, GrantStatus.USED_UP],
  [{ usesLeft: null }, 0, GrantStatus.AVAILABLE],
  [{ usesLeft: 0, revokedAt: NOW }, 1_000, GrantStatus.REVOKED],
])('a grant with %p is after %i ms %s', (given, ms, status) => {
  expect(statusAt(newGrant(given), later(ms))).toBe(status);
});

describe('a validity', () => {
  it.each<[string, Parameters<typeof benefit>[1], string | null]>([
    ['is open without a lifetime', {}, null],
    [
      'ends with the 30th local day',
      { validity: { after: 'P30D', until: 'END_OF_DAY' } },
      '2026-12-20T16:00:00.000Z',
    ],
    ['ends to the moment', { validity: { after: 'PT36H', until: 'MOMENT' } }, '2026-11-21T16:00:00.000Z'],
    ['ends with a month', { validity: { after: 'P1M', until: 'END_OF_MONTH' } }, '2026-12-31T16:00:00.000Z'],
  ])('%s', (_, given, until) => {
    const span = validityOf(benefit('gift', given), {}, NOW, SHANGHAI);
    expect(span).toEqual({ validFrom: NOW, validUntil: until === null ? null : new Date(until) });
  });

  it('counts from where it is asked to begin, and ends where it is asked to', () => {
    const gift = benefit('gift', { validity: { after: 'P1D', until: 'MOMENT' } });
    const validFrom = new Date('2027-01-01T00:00:00Z');
    const validUntil = new Date('2027-01-05T00:00:00Z');
    expect(validityOf(gift, { validFrom }, NOW, SHANGHAI)).toEqual({
      validFrom,
      validUntil: new Date('2027-01-02T00:00:00Z'),
    });
    expect(validityOf(gift, { validFrom, validUntil }, NOW, SHANGHAI)).toEqual({ validFrom, validUntil });
  });
});

describe('what limits leave', () => {
  const asked = fc.array(
    fc.record({ member: fc.constantFrom('a', 'b', 'c'), gift: fc.constantFrom('x', 'y') }),
    { maxLength: 40 },
  );
  const bound = fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined });
  const gift = fc.record({
    stock: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
    perMember: bound,
    perDay: bound,
    total: bound,
  });

  it('is given first come first served, and never more', () => {
    void fc.assert(
      fc.property(asked, gift, gift, fc.nat(5), (wanted, x, y, before) => {
        const catalogue = { x, y };
        const boundsOf = (one: (typeof wanted)[number]): readonly NamedLimit[] => {
          const { stock, ...limits } = catalogue[one.gift as 'x' | 'y'];
          return grantLimits(benefit(one.gift, { stock, limits }), one.member);
        };
        const keyOf = (limit: NamedLimit) => `${limit.subject} ${limit.memberKey} ${limit.window}`;
        const bounds = new Map(wanted.flatMap(boundsOf).map((limit) => [keyOf(limit), limit]));
        const claimed = [...bounds.values()].map(
          (limit): ClaimedLimit => ({ ...limit, windowStart: '', used: BigInt(before) }),
        );
        const { given, refused, taken } = allot(wanted, boundsOf, claimed);
        expect(given.length + refused.length).toBe(wanted.length);
        for (const limit of bounds.values()) {
          const key = keyOf(limit);
          const count = given.filter((one) => boundsOf(one).some((b) => keyOf(b) === key)).length;
          expect(BigInt(count)).toBeLessThanOrEqual(BigInt(Math.max(0, Number(limit.most) - before)));
          const counted = taken.find((one) => keyOf(one.limit as unknown as NamedLimit) === key)?.amount;
          expect(counted ?? 0n).toBe(BigInt(count));
        }
        for (const { one, short } of refused) {
          const key = boundsOf(one)
            .filter(({ name }) => name === short.name)
            .map(keyOf)[0];
          const count = given.filter((other) => boundsOf(other).some((b) => keyOf(b) === key)).length;
          expect(BigInt(count + before)).toBeGreaterThanOrEqual(short.most);
        }
      }),
    );
  });
});

it('a grant’s past can be told from what is kept: after each act, what it was then', () => {
  const acts = fc.array(fc.constantFrom('use', 'undo', 'revoke'), { maxLength: 20 });
  void fc.assert(
    fc.property(acts, fc.nat(3), (steps, pace) => {
      let now = NOW;
      let grant = newGrant({ usesLeft: 50, validUntil: null });
      const uses: { from: Date; to: Date | null }[] = [];
      const seen: { at: Date; usesLeft: number | null; status: GrantStatus }[] = [];
      for (const step of steps) {
        now = new Date(now.getTime() + pace);
        const at = nextMoment(grant, now);
        const last = uses.findLast(({ to }) => to === null);
        if (step === 'use' && grant.revokedAt === null) {
          grant = used(grant, at);
          uses.push({ from: at, to: null });
        } else if (step === 'undo' && last !== undefined) {
          last.to = at;
          grant = withoutStock(unused(grant, at));
        } else if (step === 'revoke' && grant.revokedAt === null) {
          grant = withoutStock(revoked(grant, at, { reason: 'test', by: null }));
        } else continue;
        seen.push({ at, usesLeft: grant.usesLeft, status: statusAt(grant, at) });
      }
      for (const { at, usesLeft, status } of seen) {
        const count = uses.filter(({ from, to }) => from <= at && (to === null || to > at)).length;
        const then = grantThen(grant, at, count);
        expect({ usesLeft: then.usesLeft, status: statusAt(then, at) }).toEqual({ usesLeft, status });
      }
      expect(grant.takesStock).toBe(grant.revokedAt === null || grant.timesUsed > 0);
    }),
  );
});
