import type { ErrorCatalogue } from '../../kernel/errors.ts';

export const programErrors = {
  NO_PROGRAM: {
    en: 'This tenant has no program yet. Apply one with "membergraph program apply FILE".',
    'zh-CN': '该企业尚无会员方案，请先用“membergraph program apply FILE”应用方案。',
  },
  ASSET_NOT_FOUND: {
    en: 'The program has no asset "{asset}". Name one of its assets.',
    'zh-CN': '会员方案中没有资产“{asset}”，请使用方案中已有的资产。',
  },
  ASSET_IN_USE: {
    en: 'The asset "{asset}" has balances, so the program can’t drop it. Keep it in the file.',
    'zh-CN': '资产“{asset}”仍有余额，不能从方案中移除，请在文件中保留。',
  },
  ASSET_RECORD_MOVED: {
    en: 'The asset "{asset}" has entries, so its "recordOf" can’t change. Leave it, and begin an asset of another code.',
    'zh-CN': '资产“{asset}”已有流水，不能更改其“recordOf”。请保持不变，并以新的代码建立资产。',
  },
  BENEFIT_IN_USE: {
    en: 'Members hold the benefit "{benefit}", so the program can’t drop it. Keep it in the file, or revoke its grants.',
    'zh-CN': '仍有会员持有权益“{benefit}”，不能从方案中移除。请在文件中保留，或先收回已发放的权益。',
  },
  PROGRAM_INVALID: {
    en: 'Line {line}: {finding}.',
    'zh-CN': '第 {line} 行：{finding}。',
  },
} satisfies ErrorCatalogue;
