import type { ErrorCatalogue } from '../kernel/errors.ts';

/** What the host says of an extension that it asked, or would have asked. */
export const extensionErrors = {
  EXTENSION_UNAVAILABLE: {
    en: 'The extension "{extension}" could not answer, so nothing was done. Try again with the same key.',
    'zh-CN': '扩展“{extension}”未能响应，操作未执行。请使用相同的幂等键重试。',
  },
  EXTENSION_REFUSED: {
    en: 'The extension "{extension}" refused it.',
    'zh-CN': '扩展“{extension}”拒绝了该操作。',
  },
  EXTENSION_BREAKER_OPEN: {
    en: 'It was not asked, because it failed too often in a row; it will be tried again soon.',
    'zh-CN': '由于连续失败次数过多，本次未调用；稍后会再次尝试。',
  },
  INPUT_INVALID: {
    en: 'The input does not fit the extension point at "{path}": {problem}.',
    'zh-CN': '输入在“{path}”处不符合扩展点的定义：{problem}。',
  },
  OUTPUT_INVALID: {
    en: 'The output does not fit the extension point at "{path}": {problem}.',
    'zh-CN': '输出在“{path}”处不符合扩展点的定义：{problem}。',
  },
  POINT_UNKNOWN: {
    en: 'There is no extension point "{point}" in version {version}: register an answerer of one that there is.',
    'zh-CN': '不存在版本 {version} 的扩展点“{point}”：请注册到现有的扩展点。',
  },
  FILTER_FAILED: {
    en: 'The filter could not be worked out: {why}. Correct it.',
    'zh-CN': '无法计算筛选条件：{why}。请更正。',
  },
  WEBHOOK_SECRETS_UNREADABLE: {
    en: 'Its secrets were sealed by another ENCRYPTION_KEY: give that one too, or rotate the signing secret.',
    'zh-CN': '签名密钥由另一个 ENCRYPTION_KEY 加密：请一并配置该密钥，或轮换签名密钥。',
  },
  PLUGIN_NOT_LOADED: {
    en: 'The plugin "{plugin}" is not loaded: name it in PLUGINS, or mend what keeps it from loading.',
    'zh-CN': '插件“{plugin}”未加载：请在 PLUGINS 中列出，或排除其无法加载的原因。',
  },
  PLUGIN_WITHOUT_ANSWER: {
    en: 'The plugin "{plugin}" does not answer the extension point "{point}".',
    'zh-CN': '插件“{plugin}”不响应扩展点“{point}”。',
  },
  PLUGIN_THREW: {
    en: 'The plugin "{plugin}" threw an error.',
    'zh-CN': '插件“{plugin}”抛出了错误。',
  },
  PLUGIN_TIMEOUT: {
    en: 'The plugin "{plugin}" did not answer within {deadlineMs} ms.',
    'zh-CN': '插件“{plugin}”在 {deadlineMs} 毫秒内没有响应。',
  },
  PLUGIN_CONFIGURATION: {
    en: 'The configuration does not fit the plugin "{plugin}" at "{path}": {problem}.',
    'zh-CN': '配置在“{path}”处不符合插件“{plugin}”的定义：{problem}。',
  },
} satisfies ErrorCatalogue;
