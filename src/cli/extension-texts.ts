import type { MessageTemplate } from '../kernel/errors.ts';

/** What the commands on extensions say. */
export const extensionTexts = {
  'extension.about': {
    en: 'Extensions of a tenant: register one, try it, stage it, see its calls.',
    'zh-CN': '企业的扩展：登记、试用、切换阶段、查看调用。',
  },
  'extension.help': {
    en: `
A first extension, from a file to LIVE:
  membergraph extension register rule.ts --tenant shop --point points.rule --on-failure FAIL_OPEN
  membergraph extension test rule --tenant shop --sample '{"member":{"tier":{"rank":2}}}'
  membergraph extension stage rule SHADOW --tenant shop     # asked beside what counts, only compared
  membergraph extension report rule --tenant shop           # in what its answers differ
  membergraph extension stage rule CANARY --percent 10 --tenant shop
  membergraph extension stage rule LIVE --tenant shop
  membergraph extension rollback rule --tenant shop         # what was LIVE before, at once
--dry-run on register, stage and rollback says what would be, and whether it may.
Registering a name again makes its next version; options that are missing stay as they were.
More: docs/guides/your-first-extension.md`,
    'zh-CN': `
从文件到 LIVE 的第一个扩展：
  membergraph extension register rule.ts --tenant shop --point points.rule --on-failure FAIL_OPEN
  membergraph extension test rule --tenant shop --sample '{"member":{"tier":{"rank":2}}}'
  membergraph extension stage rule SHADOW --tenant shop     # 与生效者一同调用，仅作比较
  membergraph extension report rule --tenant shop           # 查看结果差异
  membergraph extension stage rule CANARY --percent 10 --tenant shop
  membergraph extension stage rule LIVE --tenant shop
  membergraph extension rollback rule --tenant shop         # 立即恢复此前的 LIVE 版本
register、stage、rollback 加 --dry-run 只检查，不写入。
再次登记同名扩展即生成下一版本，未给出的选项保持不变。
详见：docs/guides/your-first-extension.zh-CN.md`,
  },
  'extension.name': { en: 'Its name.', 'zh-CN': '扩展名称。' },
  'extension.list.about': {
    en: 'List the extensions: name, point, runtime, stage and version.',
    'zh-CN': '列出扩展：名称、扩展点、运行方式、阶段与版本。',
  },
  'extension.show.about': {
    en: 'Show an extension: its settings, its health and what was done to it.',
    'zh-CN': '查看扩展的设置、健康状况与变更记录。',
  },
  'extension.register.about': {
    en: 'Register code of a file (.js, .ts), a webhook (--url) or a plugin (--plugin). Again: its next version.',
    'zh-CN': '登记文件中的代码（.js、.ts）、Webhook（--url）或插件（--plugin）；再次登记即为下一版本。',
  },
  'extension.register.file': {
    en: 'The code: a module with "export default", a function of the input.',
    'zh-CN': '代码：带有 export default 函数的模块。',
  },
  'extension.register.name': {
    en: 'Its name; when missing, that of the file or the plugin.',
    'zh-CN': '名称；缺省为文件名或插件名。',
  },
  'extension.register.point': {
    en: 'The extension point, e.g. points.rule; only at the first time.',
    'zh-CN': '扩展点，例如 points.rule；仅首次登记需要。',
  },
  'extension.register.url': {
    en: 'The https address of a service that is asked.',
    'zh-CN': '被调用服务的 https 地址。',
  },
  'extension.register.plugin': {
    en: 'The id of a plugin that the operator installed.',
    'zh-CN': '运营方所安装插件的 ID。',
  },
  'extension.register.config': { en: 'The plugin’s configuration, as JSON.', 'zh-CN': '插件配置（JSON）。' },
  'extension.register.stage': {
    en: 'Where the version begins; DRAFT when missing.',
    'zh-CN': '该版本的起始阶段；缺省为 DRAFT。',
  },
  'extension.percent': {
    en: 'With CANARY: for how many of 100 members it counts, 1 to 99.',
    'zh-CN': '配合 CANARY：对百分之几的会员生效，1 至 99。',
  },
  'extension.register.onFailure': {
    en: 'Refuse the request, go on without it, or take --default; as the point says when missing.',
    'zh-CN': '失败时拒绝请求、忽略扩展或采用 --default；缺省以扩展点为准。',
  },
  'extension.register.default': {
    en: 'With DEFAULT: the answer that a failure comes to, as JSON.',
    'zh-CN': '配合 DEFAULT：失败时采用的回答（JSON）。',
  },
  'extension.register.deadline': {
    en: 'How long an answer is waited for, in milliseconds; 500 when missing.',
    'zh-CN': '等待回答的时限（毫秒）；缺省为 500。',
  },
  'extension.register.priority': {
    en: 'Lower ones are asked first; 100 when missing.',
    'zh-CN': '数值小者先调用；缺省为 100。',
  },
  'extension.register.filter': {
    en: "It is asked only where this is true, in CEL: activity.type == 'review'.",
    'zh-CN': "仅在条件成立时调用（CEL），例如 activity.type == 'review'。",
  },
  'extension.register.postingLimits': {
    en: 'The assets that an answer may post, and the most of each: \'{"points":"500"}\'; {} = none.',
    'zh-CN': '一次回答可发放的资产及上限：\'{"points":"500"}\'；{} 表示不得发放。',
  },
  'extension.register.badPostingLimits': {
    en: '--posting-limits takes whole amounts, as strings, by the assets’ codes: \'{"points":"500"}\'.',
    'zh-CN': '--posting-limits 须为以资产代码为键的整数字符串：\'{"points":"500"}\'。',
  },
  'extension.register.stepBack': {
    en: 'When it steps back to SHADOW: \'{"errorPercent":50,"latencyMs":400,"minimumCalls":20}\'.',
    'zh-CN': '何时自动退回 SHADOW：\'{"errorPercent":50,"latencyMs":400,"minimumCalls":20}\'。',
  },
  'extension.register.badStepBack': {
    en: '--step-back takes whole numbers: errorPercent, latencyMs, minimumCalls.',
    'zh-CN': '--step-back 只接受整数 errorPercent、latencyMs、minimumCalls。',
  },
  'extension.dryRun': {
    en: 'Only check it and say what would be; nothing is written.',
    'zh-CN': '仅检查并说明结果，不写入任何内容。',
  },
  'extension.wouldBe': {
    en: '{name}: version {version} would be {stage}; nothing was written.',
    'zh-CN': '{name}：第 {version} 版将处于 {stage}；未写入任何内容。',
  },
  'extension.rotate.about': {
    en: 'Make a webhook’s next signing secret, and print it this once; the one before holds beside it.',
    'zh-CN': '生成 Webhook 的下一个签名密钥并仅显示一次；上一个密钥继续有效。',
  },
  'extension.requireShadow.about': {
    en: 'Say whether new code has to be in SHADOW before it counts.',
    'zh-CN': '设置新代码生效前是否必须经过 SHADOW。',
  },
  'extension.requireShadow.answer': {
    en: 'yes or no; no, until it is said.',
    'zh-CN': 'yes 或 no；未设置时为 no。',
  },
  'extension.requireShadow.yes': {
    en: 'New code has to be in SHADOW before it counts.',
    'zh-CN': '新代码须先经过 SHADOW 才能生效。',
  },
  'extension.requireShadow.no': {
    en: 'New code may count at once.',
    'zh-CN': '新代码可直接生效。',
  },
  'extension.register.what': {
    en: 'Name what answers: a file, --url or --plugin, and only one of them.',
    'zh-CN': '请指定文件、--url 或 --plugin 之一。',
  },
  'extension.register.nameless': {
    en: 'Name the extension: --name.',
    'zh-CN': '请用 --name 指定扩展名称。',
  },
  'extension.register.pointless': {
    en: 'Name the extension point that it answers: --point, e.g. --point points.rule.',
    'zh-CN': '请用 --point 指定扩展点，例如 --point points.rule。',
  },
  'extension.register.otherPoint': {
    en: 'The extension "{name}" answers {point}, and keeps to it: leave --point out, or give another --name.',
    'zh-CN': '扩展“{name}”对应扩展点 {point}，不可更改：请去掉 --point，或用 --name 指定其他名称。',
  },
  'extension.stage.unknown': { en: 'Name one of {stages}.', 'zh-CN': '请指定 {stages} 之一。' },
  'extension.wholeNumber': { en: 'Give a whole number.', 'zh-CN': '请输入整数。' },
  'extension.is': {
    en: '{name}: version {version} is {stage}.',
    'zh-CN': '{name}：第 {version} 版处于 {stage}。',
  },
  'extension.secret': {
    en: 'The signing secret, shown this once: {secret}',
    'zh-CN': '签名密钥（仅显示一次）：{secret}',
  },
  'extension.test.about': {
    en: 'Ask the newest version as TEST and print what it answers; exits 1 unless that is OK.',
    'zh-CN': '以 TEST 方式调用最新版本并输出结果；结果不是 OK 时以 1 退出。',
  },
  'extension.test.sample': {
    en: 'Laid over the extension point’s example: JSON, or a file of it (@sample.json).',
    'zh-CN': '覆盖在扩展点示例之上的 JSON，或其文件（@sample.json）。',
  },
  'extension.test.call': {
    en: 'A recorded call (call_…) to ask again.',
    'zh-CN': '重放的已记录调用（call_…）。',
  },
  'extension.test.failed': { en: 'It came to {outcome}.', 'zh-CN': '结果为 {outcome}。' },
  'extension.stage.about': {
    en: 'Put the newest version in another stage: DRAFT, SHADOW, CANARY, LIVE or RETIRED (the end).',
    'zh-CN': '切换最新版本的阶段：DRAFT、SHADOW、CANARY、LIVE 或 RETIRED（终点）。',
  },
  'extension.stage.stage': {
    en: 'SHADOW only compares its answers, in LIVE they count.',
    'zh-CN': 'SHADOW 仅作比较，LIVE 即生效。',
  },
  'extension.reason': { en: 'Why, for those who ask later.', 'zh-CN': '原因，供日后查看。' },
  'extension.rollback.about': {
    en: 'Bring back what was LIVE before, or another version, LIVE at once.',
    'zh-CN': '恢复此前的 LIVE 版本或指定版本，立即生效。',
  },
  'extension.rollback.to': {
    en: 'Which version; the one that was LIVE before when missing.',
    'zh-CN': '要恢复的版本；缺省为此前的 LIVE 版本。',
  },
  'extension.calls.about': {
    en: 'Print the newest calls, one JSON object a line, without personal data.',
    'zh-CN': '输出最近的调用（每行一个 JSON，不含个人信息）。',
  },
  'extension.calls.first': {
    en: 'How many, 1 to 100.',
    'zh-CN': '数量，1 至 100。',
  },
  'extension.calls.outcome': {
    en: 'Only calls that came to this.',
    'zh-CN': '仅显示此结果的调用。',
  },
  'extension.calls.mode': {
    en: 'Only calls of this mode.',
    'zh-CN': '仅显示此方式的调用。',
  },
  'extension.replay.since': {
    en: 'Only calls that began then or later, e.g. 2026-01-31T09:00:00+08:00.',
    'zh-CN': '仅重放此时刻及以后的调用，例如 2026-01-31T09:00:00+08:00。',
  },
  'extension.replay.until': {
    en: 'Only calls that began before then.',
    'zh-CN': '仅重放此时刻之前的调用。',
  },
  'extension.replay.about': {
    en: 'Ask the newest version what recorded calls asked; exits 1 when an answer differs or fails.',
    'zh-CN': '用已记录的调用重新询问最新版本；结果不同或失败时以 1 退出。',
  },
  'extension.replay.done': {
    en: '{same} the same, {different} different, {failed} failed, {notAsked} not asked',
    'zh-CN': '相同 {same}，不同 {different}，失败 {failed}，未重放 {notAsked}',
  },
  'extension.replay.differs': { en: 'The answers are not the same.', 'zh-CN': '结果不一致。' },
  'extension.report.about': {
    en: 'Tell how the answers in SHADOW compare with those that counted.',
    'zh-CN': '比较 SHADOW 与生效结果的差异。',
  },
  'extension.report.is': {
    en: '{calls} calls: {same} the same, {different} different, {failed} failed',
    'zh-CN': '共 {calls} 次调用：相同 {same}，不同 {different}，失败 {failed}',
  },
  'extension.report.path': {
    en: '{count} times {path}: {live} counted, the shadow said {shadow}',
    'zh-CN': '{path} 有 {count} 次不同：生效值 {live}，影子值 {shadow}',
  },
  'extension.unknown': {
    en: 'There is no extension "{name}". See "membergraph extension list".',
    'zh-CN': '扩展“{name}”不存在，请查看“membergraph extension list”。',
  },
  'extension.badJson': { en: '{what} is no JSON: correct it.', 'zh-CN': '{what} 不是有效的 JSON，请更正。' },
} as const satisfies Record<string, MessageTemplate>;
