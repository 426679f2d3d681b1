import fc from 'fast-check';
import { definitionOf } from '../../../test/ledger/programs.ts';
import { maturesAt, parseDuration } from '../../kernel/calendar.ts';
import { expiryOf, maturityOf } from './asset.policy.ts';
import { creditMoments } from './credit-moments.ts';

const POLICIES = [
  {},
  { expiry: { after: 'P12M', until: 'END_OF_MONTH' } },
  { expiry: { after: 'P1M' } },
  { expiry: { after: 'PT36H', until: 'END_OF_DAY' } },
  { expiry: { on: '02-29', after: 'P6M' } },
  { expiry: { on: '2027-03-28' } },
  { expiry: { inactive: 'P30D', until: 'END_OF_YEAR' } },
  { expiry: { inactive: 'P30D' } },
  { maturity: { after: 'P1D' }, expiry: { after: 'P90D', until: 'END_OF_DAY' } },
  { maturity: { after: 'PT24H' } },
  { maturity: { date: '2026-10-25' } },
];
const { assets: ASSETS } = definitionOf(
  JSON.stringify({
    ...{ name: { en: 'Moments' }, timeZone: 'UTC', currency: 'EUR' },
    assets: POLICIES.map((more, index) => {
      return { code: `asset-${index}`, kind: 'POINTS', name: { en: 'An asset' }, ...more };
    }),
  }),
);

// São Paulo and Beirut change their clocks at midnight; Lord Howe by half an hour.
const ZONES = [
  'UTC',
  'Asia/Shanghai',
  'Europe/Berlin',
  'America/Sao_Paulo',
  'Asia/Beirut',
  'Australia/Lord_Howe',
];

describe('when a credit falls due and expires', () => {
  it('is what the calendar says, whatever was asked before', () => {
    const question = fc.record({
      asset: fc.constantFrom(...ASSETS),
      zone: fc.constantFrom(...ZONES),
      after: fc.constantFrom(null, 'P1D', 'PT24H'),
      isEarned: fc.boolean(),
      // Few days, around changes of clocks, so that spans that were remembered are met again.
      at: fc.oneof(
        ...['2026-03-28T12:00Z', '2026-10-24T12:00Z', '2018-11-03T12:00Z', '2026-04-04T06:00Z'].map((begin) =>
          fc.integer({ min: 0, max: 2 * 86_400_000 }).map((ms) => new Date(Date.parse(begin) + ms)),
        ),
      ),
    });
    const property = fc.property(fc.array(question, { minLength: 1, maxLength: 60 }), (questions) => {
      for (const { asset, zone, after, isEarned, at } of questions) {
        const own = parseDuration(after ?? '');
        const dueAt =
          own === null ? (isEarned ? maturityOf(asset, at, zone) : null) : maturesAt(at, own, zone);
        const expected = { dueAt, endsAt: expiryOf(asset, at, zone) };
        expect(creditMoments(asset, { after, isEarned }, at, zone)).toEqual(expected);
      }
    });
    void fc.assert(property, { seed: 20_261_122, numRuns: 200 });
  });
});
