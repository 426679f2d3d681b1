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
} satisfies ErrorCatalogue;
