import type { ErrorCatalogue } from '../../kernel/errors.ts';

export const activityErrors = {
  MEMBER_OR_IDENTITY: {
    en: 'Name the member once: by "memberId" or by "identity".',
    'zh-CN': '请用“memberId”或“identity”其中之一指明会员。',
  },
  ACTIVITY_TYPE_INVALID: {
    en: 'An activity’s type is a code of lower-case letters, digits, "-" and "_". Correct it.',
    'zh-CN': '行为类型由小写字母、数字、“-”或“_”组成，请更正。',
  },
  ACTIVITY_TYPE_RESERVED: {
    en: 'Activities of the type "{type}" can’t be recorded. Send another type.',
    'zh-CN': '不能直接记录类型为“{type}”的行为，请发送其他类型。',
  },
  DUPLICATE_ORDER: {
    en: 'The order "{number}" was recorded before. Each order counts once.',
    'zh-CN': '订单“{number}”已记录过，每个订单只计一次。',
  },
  CURRENCY_MISMATCH: {
    en: 'The program counts in {currency}. Send amounts in {currency}.',
    'zh-CN': '会员方案使用 {currency}，请以 {currency} 发送金额。',
  },
  MONEY_INVALID: {
    en: 'The amount must not be negative or finer than the minor unit of {currency}. Correct it.',
    'zh-CN': '金额不能为负，也不能比 {currency} 的最小单位更细，请更正。',
  },
  ORDER_TOTAL_MISMATCH: {
    en: 'The lines come to {lines}, the activity says {total}. Make them equal.',
    'zh-CN': '订单明细合计 {lines}，与金额 {total} 不符，请使其一致。',
  },
  ORDER_INVALID: {
    en: 'An order has a number of 1 to 100 characters and at most 500 lines, each with a quantity from 1.',
    'zh-CN': '订单号为 1 至 100 个字符，明细最多 500 行，每行数量不少于 1。',
  },
  OCCURRED_IN_FUTURE: {
    en: 'It lies more than 5 minutes ahead. Check the clock of the sender.',
    'zh-CN': '发生时间超前 5 分钟以上，请检查发送方时钟。',
  },
  OCCURRED_TOO_OLD: {
    en: 'It lies further back than the program allows ({limit}). Import history instead.',
    'zh-CN': '发生时间早于方案允许的范围（{limit}），历史数据请使用导入。',
  },
} satisfies ErrorCatalogue;
