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
  REFUND_OF_REQUIRED: {
    en: 'Name what is refunded: the activity by "refundOf", or its order by "order.number".',
    'zh-CN': '请指明退款对象：用“refundOf”指明行为，或用“order.number”指明订单。',
  },
  REFUND_OF_UNKNOWN: {
    en: 'There is no such purchase of this member. Check the activity, the order number and the member.',
    'zh-CN': '该会员没有对应的消费记录，请检查行为 ID、订单号和会员。',
  },
  NOT_REFUNDABLE: {
    en: 'An activity of the type "{type}" without an amount can’t be refunded.',
    'zh-CN': '类型为“{type}”且没有金额的行为不能退款。',
  },
  REFUND_EXCEEDS_ORDER: {
    en: 'More would be refunded than is left of the order. Send at most what is left.',
    'zh-CN': '退款超过订单剩余部分，请不要超过剩余数量或金额。',
  },
  REFUND_LINE_UNKNOWN: {
    en: 'The order has no line with the article "{sku}". Name what was bought.',
    'zh-CN': '订单中没有商品“{sku}”，请填写购买过的商品。',
  },
  REFUND_EMPTY: {
    en: 'Nothing would be refunded. Send an amount above zero, lines, or neither for all that is left.',
    'zh-CN': '退款为空。请发送大于零的金额或明细；都不发送则退还剩余全部。',
  },
} satisfies ErrorCatalogue;
