import type { ErrorCatalogue } from '../../kernel/errors.ts';

export const registrationErrors = {
  EXTENSION_NOT_FOUND: {
    en: 'There is no such extension. Check its id.',
    'zh-CN': '该扩展不存在，请检查其 ID。',
  },
  EXTENSION_NAME_INVALID: {
    en: 'A name has 1 to 64 lower-case letters, digits, "-" and "_", and begins with a letter or digit.',
    'zh-CN': '名称由 1 至 64 个小写字母、数字、“-”或“_”组成，并以字母或数字开头。',
  },
  EXTENSION_NAME_TAKEN: {
    en: 'There is an extension called "{name}" already, perhaps a retired one. Choose another name.',
    'zh-CN': '名为“{name}”的扩展已存在（可能已停用），请更换名称。',
  },
  EXTENSION_POINT_UNKNOWN: {
    en: 'There is no extension point {point}. The points that there are: {known}.',
    'zh-CN': '扩展点 {point} 不存在。现有扩展点：{known}。',
  },
  EXTENSION_LIMIT: {
    en: 'At most {most} extensions of a tenant answer one extension point. Retire one first.',
    'zh-CN': '每个企业在同一扩展点上最多登记 {most} 个扩展，请先停用一个。',
  },
  EXTENSION_CHANGED: {
    en: 'The extension was changed by somebody else meanwhile. Look at it, and try again.',
    'zh-CN': '该扩展已被他人更改，请查看后重试。',
  },
  RUNTIME_MISMATCH: {
    en: 'The runtime {runtime} takes "{wanted}", and nothing of another runtime. An extension keeps its runtime.',
    'zh-CN': '运行方式 {runtime} 仅接受“{wanted}”，不接受其他运行方式的内容；扩展的运行方式不可更改。',
  },
  NOTHING_TO_CHANGE: {
    en: 'Nothing was given that would change the extension. Give code, a setting or a stage.',
    'zh-CN': '没有可更改的内容，请提供代码、设置或阶段。',
  },
  FILTER_INVALID: {
    en: 'The filter is wrong at character {offset}: {why}.',
    'zh-CN': '筛选条件在第 {offset} 个字符处有误：{why}。',
  },
  RECORD_KEEPER_BOUND: {
    en: 'Who answers {point} keeps the record: it fails closed, has no filter and no default, and is DRAFT, LIVE or RETIRED.',
    'zh-CN':
      '应答 {point} 的扩展负责记账：失败时必须拒绝，不能有过滤条件或默认回答，阶段只能是 DRAFT、LIVE 或 RETIRED。',
  },
  DEFAULT_OUTPUT_INVALID: {
    en: 'The default output is not as the extension point says: {why}. Correct it.',
    'zh-CN': '默认输出不符合扩展点的定义：{why}。请更正。',
  },
  DEFAULT_OUTPUT_MISSING: {
    en: 'With DEFAULT an extension needs a default output. Give one.',
    'zh-CN': '使用 DEFAULT 时须提供默认输出。',
  },
  DEADLINE_INVALID: {
    en: 'A deadline is 1 to {most} milliseconds for this runtime. Choose one of those.',
    'zh-CN': '该运行方式的时限为 1 至 {most} 毫秒，请在此范围内选择。',
  },
  POSTING_LIMIT_INVALID: {
    en: 'A posting limit names an asset of the program, each once, and an amount from 0. Correct "{asset}".',
    'zh-CN': '入账上限须列出方案中的资产（各一次），且数量不小于 0。请更正“{asset}”。',
  },
  STEP_BACK_INVALID: {
    en: 'Stepping back takes 1 to 100 percent, 1 to 100 calls, and a latency from 1 ms. Correct it.',
    'zh-CN': '自动回退的错误率为 1 至 100，最少调用数为 1 至 100，延迟不小于 1 毫秒。请更正。',
  },
  CANARY_PERCENT_INVALID: {
    en: 'CANARY takes a percentage from 1 to 99, and no other stage takes one. Correct it.',
    'zh-CN': 'CANARY 须指定 1 至 99 的百分比，其他阶段不可指定。请更正。',
  },
  STAGE_INVALID: {
    en: 'The extension can’t go from {from} to {to}: RETIRED is the end, and no beginning.',
    'zh-CN': '扩展不能从 {from} 转为 {to}：RETIRED 是终点，不能作为起点。',
  },
  SHADOW_REQUIRED: {
    en: 'This tenant wants new code in SHADOW first. Put the extension in SHADOW, look at its report, and go on.',
    'zh-CN': '该企业要求新代码先进入 SHADOW。请先置于 SHADOW，查看报告后再继续。',
  },
  CHALLENGE_FAILED: {
    en: 'The webhook did not give the challenge back: {why} Mend the service, or begin in SHADOW.',
    'zh-CN': 'Webhook 未通过质询：{why}请修复服务，或先从 SHADOW 开始。',
  },
  REVISION_NOT_FOUND: {
    en: 'The extension has no version {version} to go back to. Look at its revisions.',
    'zh-CN': '扩展没有可回退的版本 {version}，请查看其版本列表。',
  },
  NOTHING_TO_ROLL_BACK: {
    en: 'No other version was LIVE before. Name the version to bring back.',
    'zh-CN': '此前没有其他版本处于 LIVE，请指定要恢复的版本。',
  },
  SAMPLE_OR_CALL: {
    en: 'A test takes a sample or a recorded call, and not both.',
    'zh-CN': '测试使用样例或已记录的调用，二者择一。',
  },
  CALL_NOT_FOUND: {
    en: 'There is no such call of this extension; calls are forgotten after a while. Choose another one.',
    'zh-CN': '该扩展没有此次调用（调用记录会定期清除），请另选一个。',
  },
  SAMPLE_INVALID: {
    en: 'The input is not as the extension point says: {why}. Correct the sample.',
    'zh-CN': '输入不符合扩展点的定义：{why}。请更正样例。',
  },
  CALL_UNREADABLE: {
    en: 'What was said can’t be read any more: the encryption key is another one.',
    'zh-CN': '内容已无法读取：加密密钥已更换。',
  },
} satisfies ErrorCatalogue;
