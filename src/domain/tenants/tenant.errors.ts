import type { ErrorCatalogue } from '../../kernel/errors.ts';

export const tenantErrors = {
  TENANT_EXISTS: {
    en: 'There is a tenant with the code "{code}" already. Choose another code.',
    'zh-CN': '代码为“{code}”的企业已存在，请更换代码。',
  },
  TENANT_CODE_INVALID: {
    en: 'A code has 1 to 64 lower-case letters, digits, "-" and "_", and begins with a letter or digit.',
    'zh-CN': '代码由 1 至 64 个小写字母、数字、“-”或“_”组成，并以字母或数字开头。',
  },
  API_KEY_TOO_SHORT: {
    en: 'An API key of your own has at least 16 characters. Choose a longer one.',
    'zh-CN': '自定义的 API 密钥至少 16 个字符，请更换更长的密钥。',
  },
  API_KEY_NOT_FOUND: {
    en: 'There is no such API key. Check its id.',
    'zh-CN': '该 API 密钥不存在，请检查其 ID。',
  },
  API_KEY_EXTENSION: {
    en: 'A DEVELOPER’s key is for an extension that the tenant registered, and no other key is. Check its id.',
    'zh-CN': 'DEVELOPER 密钥须指定企业已登记的扩展，其他密钥不可指定，请检查其 ID。',
  },
  NOT_A_SANDBOX: {
    en: 'Only a sandbox’s clock can be moved; this tenant is a live one. Make a sandbox to try things in.',
    'zh-CN': '仅沙箱企业的时钟可以调整，该企业为正式企业，请另建沙箱进行试验。',
  },
  CLOCK_BY_OR_TO: {
    en: 'Say how far the clock moves: either "by" or "to", and not both.',
    'zh-CN': '请指定时钟的调整幅度：“by”与“to”二者择一。',
  },
  CLOCK_NOT_BACK: {
    en: 'The clock shows {now} and never goes back. Name a later moment.',
    'zh-CN': '当前时钟为 {now}，不能回拨，请指定更晚的时间。',
  },
  CLOCK_TOO_FAR: {
    en: 'The clock moves at most {most} days at once. Go there in several steps.',
    'zh-CN': '时钟一次最多前移 {most} 天，请分多次调整。',
  },
} satisfies ErrorCatalogue;
