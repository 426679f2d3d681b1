import type { ErrorCatalogue } from '../../kernel/errors.ts';

/** What is wrong with what an extension proposes to post; told to whoever looks after it. */
export const ruleErrors = {
  OUTPUT_ASSET_UNKNOWN: {
    en: 'The program has no asset "{asset}". Post in one that it has.',
    'zh-CN': '方案中没有资产“{asset}”，请使用方案中已有的资产。',
  },
  OUTPUT_ASSET_TWICE: {
    en: 'The asset "{asset}" is posted twice in one answer. Answer one posting for each asset.',
    'zh-CN': '同一响应中资产“{asset}”出现两次，每种资产请只返回一笔。',
  },
  OUTPUT_ASSET_OF_OTHER_KIND: {
    en: 'The asset "{asset}" isn’t of the kind {kind}. Post in one that is, or answer another extension point.',
    'zh-CN': '资产“{asset}”不属于类型 {kind}，请使用该类型的资产，或改用其他扩展点。',
  },
  OUTPUT_ABOVE_LIMIT: {
    en: 'At most {most} of "{asset}" may be posted in one answer. Post less, or have the limit raised.',
    'zh-CN': '每次响应最多可发放 {most}“{asset}”，请减少数量或调高上限。',
  },
  OUTPUT_MOMENTS_INVALID: {
    en: 'What is posted in "{asset}" would expire before it can be used. Correct availableAt and expiresAt.',
    'zh-CN': '“{asset}”在可用之前就会过期，请更正 availableAt 与 expiresAt。',
  },
  OUTPUT_TEXT_INVALID: {
    en: 'A text has characters that can’t be kept: U+0000, or half of a pair. Leave them out.',
    'zh-CN': '文本包含无法保存的字符（U+0000 或不完整的代理对），请去除。',
  },
} satisfies ErrorCatalogue;
