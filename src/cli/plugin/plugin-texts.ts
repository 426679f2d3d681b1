import type { MessageTemplate } from '../../kernel/errors.ts';

/** What the commands for authors of plugins say. */
export const pluginTexts = {
  'plugin.about': { en: 'For authors of plugins.', 'zh-CN': '供插件作者使用。' },
  'plugin.create.about': {
    en: 'Write a new plugin: code, a test that passes, a README. Asks for what isn’t given.',
    'zh-CN': '生成新插件：代码、可通过的测试与 README；未给出的内容会询问。',
  },
  'plugin.create.name': {
    en: 'Its name: words in small letters, joined by hyphens.',
    'zh-CN': '名称：小写单词，以连字符相连。',
  },
  'plugin.create.point': {
    en: 'The extension points that it answers, e.g. points.rule member.create.',
    'zh-CN': '所响应的扩展点，例如 points.rule member.create。',
  },
  'plugin.create.runtime': {
    en: 'Where it runs: in the gateway, as a service of yours, or uploaded.',
    'zh-CN': '运行方式：网关进程内、自有服务或上传的代码。',
  },
  'plugin.create.folder': {
    en: 'Where it is written; in a checkout of Membergraph plugins/NAME, else NAME.',
    'zh-CN': '写入的目录；在 Membergraph 源码目录中缺省为 plugins/名称，否则为名称。',
  },
  'plugin.create.nameless': {
    en: 'The plugin has no name: membergraph plugin create NAME.',
    'zh-CN': '缺少插件名称：membergraph plugin create 名称。',
  },
  'plugin.create.badName': {
    en: 'The name "{name}" is none for a plugin: take words in small letters, joined by hyphens.',
    'zh-CN': '“{name}”不能作为插件名称：请使用以连字符相连的小写单词。',
  },
  'plugin.create.onePoint': {
    en: 'Uploaded code answers one point: name one --point.',
    'zh-CN': '上传的代码只响应一个扩展点：请只给出一个 --point。',
  },
  'plugin.create.exists': {
    en: 'There is a {folder} already: take another name, or another --folder.',
    'zh-CN': '{folder} 已存在：请更换名称或 --folder。',
  },
  'plugin.create.done': { en: 'Written to {folder}: {files}.', 'zh-CN': '已写入 {folder}：{files}。' },
  'plugin.dev.about': {
    en: 'Ask a plugin or code to upload, and again whenever its file changes: its answer, what changed, what is wrong.',
    'zh-CN': '调用插件或待上传的代码，文件变化后自动重新调用：显示响应、变化与错误。',
  },
  'plugin.dev.file': {
    en: 'A plugin (it exports "plugin"), or code to upload (it has "export default").',
    'zh-CN': '插件（导出 plugin），或待上传的代码（export default）。',
  },
  'plugin.dev.point': {
    en: 'The extension point; the first that a plugin answers when missing.',
    'zh-CN': '扩展点；缺省为插件所响应的第一个。',
  },
  'plugin.dev.tenant': { en: 'With --call: the tenant.', 'zh-CN': '与 --call 一起：企业代码。' },
  'plugin.dev.extension': {
    en: 'With --call: the extension that was asked.',
    'zh-CN': '与 --call 一起：当时被调用的扩展。',
  },
  'plugin.dev.once': { en: 'Ask once, and end.', 'zh-CN': '只调用一次后结束。' },
  'plugin.dev.callOf': {
    en: 'A recorded call is found by --tenant, --extension and --call, and has its own input: leave --sample out.',
    'zh-CN': '已记录的调用须同时给出 --tenant、--extension 与 --call，且自带输入：请去掉 --sample。',
  },
  'plugin.dev.failed': { en: 'It gave no answer that fits.', 'zh-CN': '未得到合格的响应。' },
  'plugin.dev.watching': {
    en: 'Change {file}, and it is asked again; Ctrl+C ends it.',
    'zh-CN': '修改 {file} 后将重新调用；按 Ctrl+C 结束。',
  },
  'plugin.doctor.about': {
    en: 'Look at the plugins as they are installed: what can’t be loaded, which versions clash, what is missing.',
    'zh-CN': '检查已安装的插件：无法加载的、版本冲突的与缺失的部分。',
  },
  'plugin.doctor.plugins': {
    en: 'As PLUGINS has them; all of PLUGINS when missing.',
    'zh-CN': '同 PLUGINS；缺省为其全部。',
  },
  'plugin.doctor.plugin': {
    en: '{plugin} (version {version}) answers {points}.',
    'zh-CN': '{plugin}（版本 {version}）响应 {points}。',
  },
  'plugin.doctor.load': { en: '{why}', 'zh-CN': '{why}' },
  'plugin.doctor.realm': {
    en: '{who} has a graphql of its own ({theirs} beside our {own}), and two copies don’t know each other’s types: make it a peer dependency there, then npm dedupe.',
    'zh-CN':
      '{who} 自带 graphql（{theirs}，我们为 {own}），两份副本的类型互不相认：请在其中改为 peerDependencies，再执行 npm dedupe。',
  },
  'plugin.doctor.zod': {
    en: '{who} has zod {theirs}, and schemas of another major version than {own} aren’t understood: install zod {own} there.',
    'zh-CN': '{who} 使用 zod {theirs}，与 {own} 主版本不同的模式无法识别：请在其中安装 zod {own}。',
  },
  'plugin.doctor.contract': {
    en: '{who} was installed with membergraph {theirs}, and {own} runs: make it a peer dependency there, or install {own}.',
    'zh-CN': '{who} 随 membergraph {theirs} 安装，而运行的是 {own}：请改为 peerDependencies，或安装 {own}。',
  },
  'plugin.doctor.part': {
    en: 'The package {name} is missing, so there is no {lost}: run npm install without --omit=optional.',
    'zh-CN': '缺少软件包 {name}，因此没有 {lost}：请执行 npm install，且不要加 --omit=optional。',
  },
  'plugin.doctor.sound': { en: 'Nothing is wrong.', 'zh-CN': '没有发现问题。' },
  'plugin.doctor.faults': { en: '{count} faults.', 'zh-CN': '{count} 处错误。' },
} as const satisfies Record<string, MessageTemplate>;
