import type { ErrorCatalogue } from '../../kernel/errors.ts';

export const memberErrors = {
  IDENTITY_TAKEN: {
    en: 'Another member has this identity. Find that member, or enrol with another identity.',
    'zh-CN': '该身份已属于其他会员，请查找该会员或使用其他身份。',
  },
  SELF_MERGE: {
    en: 'Both are the same member. Name another one who stays.',
    'zh-CN': '两者为同一会员，请选择另一位保留的会员。',
  },
  IDENTITY_INVALID: {
    en: 'This is no valid {kind}. Check its value.',
    'zh-CN': '{kind} 无效，请检查其内容。',
  },
  IDENTITY_REPEATED: {
    en: 'The same identity is given twice. Send it once.',
    'zh-CN': '同一身份重复出现，请只发送一次。',
  },
  IDENTITY_REQUIRED: {
    en: 'A member needs at least one identity, and at most {most}. Send a phone, an email or another.',
    'zh-CN': '会员至少需要一个身份，最多 {most} 个，请提供手机号、邮箱或其他身份。',
  },
  ATTRIBUTES_INVALID: {
    en: 'Attributes are a JSON object of at most 8 kB and depth 4. Send less, or flatter.',
    'zh-CN': '自定义属性须为不超过 8 kB、层级不超过 4 的 JSON 对象，请精简。',
  },
  BIRTHDAY_INVALID: {
    en: 'A birthday is a date of the past, YYYY-MM-DD. Correct it.',
    'zh-CN': '生日须为过去的日期（YYYY-MM-DD），请更正。',
  },
  STATUS_NOT_BY_HAND: {
    en: 'The status {status} can’t be set by hand. Send ACTIVE, BLOCKED or CLOSED.',
    'zh-CN': '状态 {status} 不能手动设置，请发送 ACTIVE、BLOCKED 或 CLOSED。',
  },
  OUTPUT_CODE_OVER: {
    en: 'A code can be used until a moment that is still ahead. Correct expiresAt, or leave it out.',
    'zh-CN': '会员码的有效期须晚于当前时间，请更正 expiresAt 或留空。',
  },
  OUTPUT_CODE_OF_NOBODY: {
    en: 'No member has this id or identity. Name one who is there, or nobody.',
    'zh-CN': '没有会员具有该 id 或身份，请返回已有的会员或不返回。',
  },
  OUTPUT_PROFILE_OF_ANOTHER: {
    en: 'A profile is of a member who was asked about, and of each at most one. Answer with their ids.',
    'zh-CN': '返回的资料须属于所询问的会员，且每位会员最多一份，请使用所询问的会员 id。',
  },
  OUTPUT_MEMBER_UNKNOWN: {
    en: 'An answer USE_EXISTING has the id of an active member. Answer with one that was told to you.',
    'zh-CN': 'USE_EXISTING 须附上有效会员的 id，请使用已告知的会员 id。',
  },
  OUTPUT_TIER_UNKNOWN: {
    en: 'The primary ladder has no tier "{tier}". Answer with one that it has, or with none.',
    'zh-CN': '主等级体系中没有等级“{tier}”，请使用已有的等级或不返回。',
  },
  TAG_INVALID: {
    en: 'A tag’s code has 1 to 64 lower-case letters, digits, "-" and "_". Correct it.',
    'zh-CN': '标签代码由 1 至 64 个小写字母、数字、“-”或“_”组成，请更正。',
  },
  TOO_MANY_TAGS: {
    en: 'A member has at most {most} tags. Remove some first.',
    'zh-CN': '每位会员最多 {most} 个标签，请先移除部分标签。',
  },
} satisfies ErrorCatalogue;
