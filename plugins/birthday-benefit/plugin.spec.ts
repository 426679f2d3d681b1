import { type BenefitRuleOutput, benefitRule } from '../../src/extension/index.ts';
import { askPlugin } from '../../test/support/plugins.ts';
import { plugin } from './plugin.ts';

const { member, benefit, grant } = benefitRule.example.input;

interface Case {
  readonly birthday?: string | null;
  readonly rank?: number;
  readonly locale?: string | null;
  readonly code?: string;
  readonly isGranted?: boolean;
}

async function ask(
  now: string,
  { birthday = '1995-05-20', rank = 1, locale = 'en', code = 'birthday-gift', isGranted = true }: Case = {},
  configuration: unknown = {},
): Promise<BenefitRuleOutput> {
  return await askPlugin(plugin, benefitRule, {
    input: {
      benefit: { ...benefit, code },
      member: { ...member, birthday, locale, tier: { code: 'some', rank } },
      grant: isGranted ? grant : null,
    },
    configuration,
    now: new Date(now),
  });
}

it.each<[birthday: string, now: string, days: number, eligible: boolean]>([
  ['1995-05-20', '2026-05-13T00:00:00+08:00', 7, true],
  ['1995-05-20', '2026-05-12T23:59:59+08:00', 7, false],
  ['1995-05-20', '2026-05-27T23:59:59+08:00', 7, true],
  ['1995-05-20', '2026-05-28T00:00:00+08:00', 7, false],
  ['1995-05-20', '2026-05-19T16:00:00Z', 0, true],
  ['1995-05-20', '2026-05-19T15:59:59Z', 0, false],
  // Across the turn of the year.
  ['1990-01-02', '2026-12-30T12:00:00+08:00', 3, true],
  ['1990-01-02', '2026-12-29T12:00:00+08:00', 3, false],
  ['1990-12-30', '2027-01-02T12:00:00+08:00', 3, true],
  ['1990-12-30', '2027-01-03T12:00:00+08:00', 3, false],
  // Born on 29 February: the 28th in common years.
  ['2000-02-29', '2027-02-28T12:00:00+08:00', 0, true],
  ['2000-02-29', '2027-03-01T12:00:00+08:00', 0, false],
  ['2000-02-29', '2028-02-29T12:00:00+08:00', 0, true],
  ['2000-02-29', '2028-02-28T12:00:00+08:00', 0, false],
  ['2000-02-29', '2028-02-28T12:00:00+08:00', 1, true],
  ['2000-02-29', '2100-02-28T12:00:00+08:00', 0, true],
])('born on %s: at %s, within %i days: %s', async (birthday, now, days, eligible) => {
  expect((await ask(now, { birthday }, { days })).eligible).toBe(eligible);
});

it('counts the days of the configured time zone', async () => {
  const midnight = '2026-05-20T03:00:00Z';
  const inZone = (timeZone: string) => ask(midnight, {}, { days: 0, timeZone });
  expect((await inZone('Asia/Shanghai')).eligible).toBe(true);
  expect((await inZone('America/New_York')).eligible).toBe(false);
});

it('says why not, in the member’s language', async () => {
  const late = '2026-08-01T00:00:00Z';
  expect(await ask(late)).toEqual({ eligible: false, reason: 'It is for 7 days around the birthday.' });
  expect(await ask(late, { locale: 'zh-CN' })).toEqual({
    eligible: false,
    reason: '仅限生日前后 7 天内使用。',
  });
  expect((await ask(late, {}, { days: 0 })).reason).toBe('It is for the birthday.');
  expect((await ask(late, { birthday: null, locale: null })).reason).toContain('tell yours first');
});

it('leaves other benefits alone', async () => {
  expect(await ask('2026-08-01T00:00:00Z', { code: 'lounge', birthday: null })).toEqual({ eligible: true });
});

it('does more from a tier’s rank on, the highest that is reached; at a use alone', async () => {
  const effects = [
    { fromRank: 3, kind: 'PERCENT_OFF', value: '20' },
    { fromRank: 2, kind: 'GIFT', value: 'L' },
    { fromRank: 5, kind: 'GIFT', value: 'XL' },
  ];
  const effectOf = async (rank: number, isGranted = true) =>
    (await ask('2026-05-20T04:00:00Z', { rank, isGranted }, { effects })).effect;
  expect(await effectOf(1)).toBeUndefined();
  expect(await effectOf(2)).toEqual({ kind: 'GIFT', value: 'L' });
  expect(await effectOf(4)).toEqual({ kind: 'PERCENT_OFF', value: '20' });
  expect(await effectOf(9)).toEqual({ kind: 'GIFT', value: 'XL' });
  expect(await effectOf(9, false)).toBeUndefined();
});

it.each([
  { days: -1 },
  { days: 1.5 },
  { days: '7' },
  { timeZone: 'Shanghai' },
  { effects: [{ fromRank: 2, kind: 'MONEY', value: '1' }] },
  { effects: [{ kind: 'GIFT', value: 'L' }] },
  { day: 7 },
])('refuses the configuration %j', (configuration) => {
  expect(plugin.configuration?.safeParse(configuration).success).toBe(false);
});
