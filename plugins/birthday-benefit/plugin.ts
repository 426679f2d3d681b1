import { z } from 'zod';
import {
  answers,
  type BenefitRuleInput,
  type BenefitRuleOutput,
  benefitRule,
  type CallContext,
  definePlugin,
} from '../../src/extension/index.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

const configuration = z.strictObject({
  benefits: z
    .array(z.string())
    .default(['birthday-gift'])
    .describe('Codes of the benefits that belong to birthdays; others are left alone.'),
  days: z
    .int()
    .min(0)
    .max(182)
    .default(7)
    .describe('How many days before and after the birthday; 0 = on the day alone.'),
  timeZone: z
    .string()
    .refine(isTimeZone, 'an IANA time zone, e.g. "Asia/Shanghai"')
    .default('Asia/Shanghai')
    .describe('Whose days; the program’s own time zone, as a rule.'),
  effects: z
    .array(benefitRule.output.shape.effect.unwrap().extend({ fromRank: z.int().min(0) }))
    .default([])
    .describe('What a use does instead, from a tier’s rank on; the highest rank that is reached counts.'),
});

type Settings = z.infer<typeof configuration>;

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).format(0) !== '';
  } catch {
    return false;
  }
}

/** The local date of a moment, as UTC's midnight of that day. */
function localDay(moment: Date, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-CA', {
    ...{ timeZone, year: 'numeric', month: '2-digit', day: '2-digit' },
  });
  return Date.parse(format.format(moment));
}

/** A birthday in a year; of who was born on 29 February, the 28th in common years. */
function birthdayIn(year: number, birthday: string): number {
  const month = Number(birthday.slice(5, 7));
  const day = Number(birthday.slice(8, 10));
  const own = Date.UTC(year, month - 1, day);
  return new Date(own).getUTCMonth() === month - 1 ? own : own - DAY_MS;
}

/** How many days it is to the nearest birthday, before or after. */
function daysFromBirthday(birthday: string, today: number): number {
  const year = new Date(today).getUTCFullYear();
  const near = [year - 1, year, year + 1].map((one) => Math.abs(birthdayIn(one, birthday) - today) / DAY_MS);
  return Math.min(...near);
}

function refusal(
  { locale }: BenefitRuleInput['member'],
  chinese: string,
  english: string,
): BenefitRuleOutput {
  return { eligible: false, reason: locale?.startsWith('zh') ? chinese : english };
}

function answer(
  { benefit, member, grant }: BenefitRuleInput,
  now: Date,
  { benefits, days, timeZone, effects }: Settings,
): BenefitRuleOutput {
  if (!benefits.includes(benefit.code)) return { eligible: true };
  const { birthday, tier } = member;
  if (birthday === null) {
    return refusal(member, '请先填写生日，再领取生日权益。', 'It is for birthdays: tell yours first.');
  }
  if (daysFromBirthday(birthday, localDay(now, timeZone)) > days) {
    const chinese = days === 0 ? '仅限生日当天使用。' : `仅限生日前后 ${days} 天内使用。`;
    const english = days === 0 ? 'It is for the birthday.' : `It is for ${days} days around the birthday.`;
    return refusal(member, chinese, english);
  }
  const reached = effects.filter(({ fromRank }) => fromRank <= tier.rank);
  const [best] = reached.sort((a, b) => b.fromRank - a.fromRank);
  if (grant === null || grant === undefined || best === undefined) return { eligible: true };
  return { eligible: true, effect: { kind: best.kind, value: best.value } };
}

/** A birthday benefit belongs to the days around the birthday, and is more for higher tiers. */
export const plugin = definePlugin({
  id: 'birthday-benefit',
  version: 1,
  description: 'Answers benefit.rule: birthday benefits around the birthday alone, more for higher tiers.',
  configuration,
  answers: [
    answers(benefitRule, (input, { now, configuration: settings }: CallContext<Settings>) =>
      answer(input, now, settings),
    ),
  ],
});
