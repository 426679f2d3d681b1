import type { ErrorCatalogue } from '../../kernel/errors.ts';

export const ledgerErrors = {
  MEMBER_NOT_FOUND: {
    en: 'There is no such member. Check the id or the identity.',
    'zh-CN': '未找到该会员，请检查会员 ID 或身份信息。',
  },
  MEMBER_NOT_ACTIVE: {
    en:
      'The member is {status}, so nothing can be earned or spent. Reactivate the member first; of one that is ' +
      'MERGED, name the member in `mergedInto`.',
    'zh-CN':
      '会员状态为 {status}，不能获得或使用积分，请先恢复会员状态；若为 MERGED，请改用 `mergedInto` 中的会员。',
  },
  AMOUNT_NOT_POSITIVE: {
    en: 'The amount must be above zero. Send a whole number from "1".',
    'zh-CN': '数量必须大于零，请发送不小于“1”的整数。',
  },
  AMOUNT_NEGATIVE: {
    en: 'The amount must not be below zero. Send a whole number from "0", or leave it out.',
    'zh-CN': '数量不能小于零，请发送不小于“0”的整数，或不发送。',
  },
  AMOUNT_ZERO: {
    en: 'The amount must not be zero. Send what to add, or what to take with a minus sign.',
    'zh-CN': '数量不能为零，请发送要增加的数量，或以负号表示要扣减的数量。',
  },
  INSUFFICIENT_BALANCE: {
    en: 'Only {available} are available, and {required} are needed.',
    'zh-CN': '可用余额为 {available}，需要 {required}，余额不足。',
  },
  BALANCE_OUT_OF_RANGE: {
    en: 'The balance would leave the range of 64-bit integers. Send a smaller amount.',
    'zh-CN': '余额将超出 64 位整数范围，请发送较小的数量。',
  },
  RECORD_ELSEWHERE: {
    en: 'The record of the asset "{asset}" is kept by another system, which can’t be asked for this. Do it there.',
    'zh-CN': '资产“{asset}”由其他系统记账，无法请求其执行此操作，请在该系统中操作。',
  },
  RECORD_IS_OURS: {
    en: 'The record of the asset "{asset}" is kept here. Correct it with "adjustPoints".',
    'zh-CN': '资产“{asset}”由本产品记账，请使用“adjustPoints”更正。',
  },
  RECORD_REFUSED: {
    en: 'The system that keeps the record of "{asset}" refused it.',
    'zh-CN': '为“{asset}”记账的系统拒绝了该操作。',
  },
  RECORD_UNANSWERED: {
    en: 'Nobody answers points.change, so the system that keeps "{asset}" can’t be asked. Register it first.',
    'zh-CN': '没有扩展应答 points.change，无法请求为“{asset}”记账的系统，请先注册。',
  },
  RECORD_UNSETTLED: {
    en: 'The system that keeps the record of "{asset}" has not answered about this yet. Try again later.',
    'zh-CN': '为“{asset}”记账的系统尚未就此作出应答，请稍后重试。',
  },
  ASSET_NOT_SPENDABLE: {
    en: 'The asset "{asset}" can’t be spent. Name one that the program lets members spend.',
    'zh-CN': '资产“{asset}”不可使用，请选择方案中可使用的资产。',
  },
  MEMBER_HAS_HOLDS: {
    en: 'The member has {held} in holds. Capture or release them first.',
    'zh-CN': '该会员尚有 {held} 处于冻结中，请先扣除或释放。',
  },
  OPERATION_LIMIT: {
    en: 'At most {most} may be moved in one operation. Send a smaller amount.',
    'zh-CN': '单次操作最多 {most}，请发送较小的数量。',
  },
  DAILY_LIMIT: {
    en: 'The limit of the day leaves {left}. Send at most that, or wait for the next day.',
    'zh-CN': '当日限额仅剩 {left}，请发送不超过此数的数量，或次日再试。',
  },
  HOLD_NOT_FOUND: {
    en: 'There is no such hold. Check the id.',
    'zh-CN': '未找到该冻结记录，请检查 ID。',
  },
  HOLD_NOT_ACTIVE: {
    en: 'The hold has been captured or released, or its time is over. Make a new one.',
    'zh-CN': '该冻结已被扣除、已释放或已到期，请重新冻结。',
  },
  CAPTURE_EXCEEDS_HOLD: {
    en: 'The hold has only {rest} left, and {required} are to be captured. Send at most what is left.',
    'zh-CN': '该冻结仅剩 {rest}，不足以扣除 {required}，请发送不超过剩余的数量。',
  },
  HOLD_END_TWICE: {
    en: 'The end of the hold is given twice. Send either "expiresIn" or "expiresAt".',
    'zh-CN': '冻结的结束时间重复，请只发送“expiresIn”或“expiresAt”之一。',
  },
  HOLD_ENDED_BEFORE: {
    en: 'The hold would be over before it begins. Send a later end.',
    'zh-CN': '冻结的结束时间不晚于当前时间，请发送更晚的时间。',
  },
  OPERATION_NOT_REVERSIBLE: {
    en: 'An operation of kind {kind} can’t be reversed. Release a hold, or reverse what was earned or spent.',
    'zh-CN': '类型为 {kind} 的操作不能撤销；冻结请释放，获得或使用的操作才可撤销。',
  },
  REVERSAL_EXCEEDS_ORIGINAL: {
    en: 'Only {rest} of the operation are not reversed yet. Send at most that.',
    'zh-CN': '该操作仅剩 {rest} 尚未撤销，请发送不超过此数的数量。',
  },
  ASSET_NOT_STORED_VALUE: {
    en: 'The asset "{asset}" is no stored value. Name one of kind STORED_VALUE.',
    'zh-CN': '资产“{asset}”不是储值，请选择类型为 STORED_VALUE 的资产。',
  },
  PAY_BACK_EXCEEDS_REFUNDABLE: {
    en: 'Only {refundable} may be paid back. Send at most that.',
    'zh-CN': '最多可退 {refundable}，请发送不超过此数的数量。',
  },
  SELF_TRANSFER: {
    en: 'Sender and receiver are the same member. Name another receiver.',
    'zh-CN': '转出与接收为同一会员，请选择其他接收会员。',
  },
  ASSET_NOT_TRANSFERABLE: {
    en: 'The asset "{asset}" can’t be given to others. Name one that the program lets members give.',
    'zh-CN': '资产“{asset}”不可转赠，请选择方案中可转赠的资产。',
  },
  EXPIRY_NOT_AFTER_AVAILABILITY: {
    en: 'It would expire before it is available. Send a later "expiresAt".',
    'zh-CN': '到期时间早于可用时间，请发送更晚的“expiresAt”。',
  },
  TEXT_TOO_LONG: {
    en: 'The text has more than {most} characters. Shorten it.',
    'zh-CN': '文字超过 {most} 个字符，请缩短。',
  },
  BATCH_SIZE: {
    en: 'A batch has 1 to {most} items. Send such a batch.',
    'zh-CN': '每批应包含 1 至 {most} 项，请按此发送。',
  },
  AT_IN_FUTURE: {
    en: 'The moment lies in the future. Ask for one that has passed.',
    'zh-CN': '所询问的时刻尚未到来，请改为过去的时刻。',
  },
} satisfies ErrorCatalogue;
