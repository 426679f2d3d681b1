import type { ErrorCatalogue } from '../../kernel/errors.ts';

export const benefitErrors = {
  BENEFIT_NOT_FOUND: {
    en: 'The program has no benefit "{benefit}". Name one of its benefits.',
    'zh-CN': '会员方案中没有权益“{benefit}”，请使用方案中已有的权益。',
  },
  GRANT_LIMIT: {
    en: 'The limit "{limit}" of the benefit "{benefit}" is reached ({most}). Raise it in the program, or wait.',
    'zh-CN': '权益“{benefit}”已达到上限“{limit}”（{most}），请在方案中调高上限或稍后再试。',
  },
  GRANT_NOT_FOUND: {
    en: 'There is no such granted benefit. Check the id.',
    'zh-CN': '未找到该权益发放记录，请检查 ID。',
  },
  GRANT_NOT_AVAILABLE: {
    en: 'The granted benefit is {status}. Choose one that is available.',
    'zh-CN': '该权益当前状态为 {status}，请选择可用的权益。',
  },
  GRANT_EXPIRED: {
    en: 'The granted benefit was valid until {until}. Grant it again if it is still due.',
    'zh-CN': '该权益已于 {until} 到期，如仍需使用请重新发放。',
  },
  NO_USES_LEFT: {
    en: 'The granted benefit has no use left. Grant it again if it is still due.',
    'zh-CN': '该权益的可用次数已用完，如仍需使用请重新发放。',
  },
  USE_NOT_FOUND: {
    en: 'There is no such use of a benefit. Check the id.',
    'zh-CN': '未找到该权益使用记录，请检查 ID。',
  },
  USE_ALREADY_UNDONE: {
    en: 'This use was undone before. Each use can be undone once.',
    'zh-CN': '该次使用已撤销，每次使用只能撤销一次。',
  },
  VALIDITY_INVALID: {
    en: 'It would end before it begins, or has ended already. Send a later "validUntil".',
    'zh-CN': '有效期的结束时间早于开始时间或已过去，请发送更晚的“validUntil”。',
  },
  OUTPUT_EFFECT_INVALID: {
    en: 'An effect {kind} can’t have the value {value}. Send a percentage above 0 and up to 100 (PERCENT_OFF), a factor above 0 (MULTIPLIER), an amount of {currency} above 0 (AMOUNT_OFF), or plain text.',
    'zh-CN':
      '{kind} 效果的值不能为 {value}。PERCENT_OFF 须为大于 0 且不超过 100 的百分比，MULTIPLIER 须大于 0，AMOUNT_OFF 须为大于 0 的 {currency} 金额，其余须为普通文本。',
  },
} satisfies ErrorCatalogue;
