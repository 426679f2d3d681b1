import type { ErrorCatalogue } from '../../kernel/errors.ts';

export const tierErrors = {
  LADDER_NOT_FOUND: {
    en: 'The program has no ladder "{ladder}". Name one of its ladders, or none for the primary one.',
    'zh-CN': '方案中没有等级体系“{ladder}”，请选择已有的等级体系，或留空表示主等级体系。',
  },
  TIER_NOT_FOUND: {
    en: 'The ladder has no tier "{tier}". Name one of its tiers.',
    'zh-CN': '该等级体系中没有等级“{tier}”，请选择已有的等级。',
  },
  OUTPUT_TIER_NOT_SHOWN: {
    en: 'A list shows each tier that was told at most once; "{tier}" is another. Answer with those alone.',
    'zh-CN': '列表中的等级须为已告知的等级且不得重复，“{tier}”不符，请仅使用已告知的等级。',
  },
  OUTPUT_TIER_NOT_OF_LADDER: {
    en: 'The ladder "{ladder}" has no tier "{tier}". Answer with one that it has, or with none.',
    'zh-CN': '等级体系“{ladder}”中没有等级“{tier}”，请使用已有的等级或不返回。',
  },
  UNTIL_NOT_AHEAD: {
    en: 'The end lies in the past. Send a later "until", or none.',
    'zh-CN': '截止时间已过，请发送更晚的“until”，或留空。',
  },
} satisfies ErrorCatalogue;
