import type { ErrorCatalogue } from '../../../kernel/errors.ts';

/** Why an address isn't taken, or a call brought no output. */
export const webhookErrors = {
  WEBHOOK_URL_INVALID: {
    en: 'The address is no URL.',
    'zh-CN': '该地址不是有效的 URL。',
  },
  WEBHOOK_URL_SCHEME: {
    en: 'The address must begin with https://.',
    'zh-CN': '地址必须以 https:// 开头。',
  },
  WEBHOOK_URL_CREDENTIALS: {
    en: 'The address holds a user name or a password: leave them out, every call is signed.',
    'zh-CN': '地址中包含用户名或密码：请去掉，每次调用都带有签名。',
  },
  WEBHOOK_URL_PORT: {
    en: 'The port {port} is not one for webhooks: use 443, or 1024 and above.',
    'zh-CN': '端口 {port} 不能用于 Webhook：请使用 443 或 1024 及以上的端口。',
  },
  WEBHOOK_ADDRESS_REFUSED: {
    en: 'The host "{host}" is at no public address, or not only: use another one, or have its network allowed.',
    'zh-CN': '主机“{host}”不在（或不全在）公网地址上：请更换主机，或将其网络列为允许。',
  },
  WEBHOOK_NAME_UNKNOWN: {
    en: 'The name "{host}" could not be resolved ({cause}).',
    'zh-CN': '无法解析主机名“{host}”（{cause}）。',
  },
  WEBHOOK_UNREACHABLE: {
    en: 'The connection failed before an answer came ({cause}).',
    'zh-CN': '在收到响应之前连接失败（{cause}）。',
  },
  WEBHOOK_TLS: {
    en: 'The certificate or the TLS handshake was refused ({cause}).',
    'zh-CN': '证书或 TLS 握手未通过（{cause}）。',
  },
  WEBHOOK_TIMEOUT: {
    en: 'There was no whole answer within {deadlineMs} ms.',
    'zh-CN': '在 {deadlineMs} 毫秒内没有收到完整的响应。',
  },
  WEBHOOK_STATUS: {
    en: 'The answer has status {status}; only 200 to 299 is an answer.',
    'zh-CN': '响应状态为 {status}；只有 200 至 299 才算有效响应。',
  },
  WEBHOOK_REDIRECT: {
    en: 'The answer redirects (status {status}), which is not followed: register the final address.',
    'zh-CN': '响应要求重定向（状态 {status}），系统不会跟随：请登记最终地址。',
  },
  WEBHOOK_NOT_HTTP: {
    en: 'What was answered is not HTTP, or its headers are too large ({cause}).',
    'zh-CN': '返回的内容不是 HTTP，或其头部过大（{cause}）。',
  },
  WEBHOOK_CUT_OFF: {
    en: 'The connection ended in the middle of the answer ({cause}).',
    'zh-CN': '连接在响应中途断开（{cause}）。',
  },
  WEBHOOK_TOO_LARGE: {
    en: 'The answer is larger than {bytes} bytes.',
    'zh-CN': '响应超过 {bytes} 字节。',
  },
  WEBHOOK_CONTENT_TYPE: {
    en: 'The answer must be uncompressed and have the content type application/json.',
    'zh-CN': '响应必须未经压缩，且内容类型为 application/json。',
  },
  WEBHOOK_NOT_JSON: {
    en: 'The body of the answer is no JSON in UTF-8.',
    'zh-CN': '响应正文不是 UTF-8 编码的 JSON。',
  },
  WEBHOOK_TOO_DEEP: {
    en: 'The answer is nested deeper than {depth}.',
    'zh-CN': '响应的嵌套层级超过 {depth}。',
  },
  WEBHOOK_WRONG_SHAPE: {
    en: 'The answer must be an object with the one key "output".',
    'zh-CN': '响应必须是仅含“output”一个键的对象。',
  },
  WEBHOOK_CHALLENGE: {
    en: 'The challenge was not given back: answer with an output of exactly what the input holds.',
    'zh-CN': '未按原样返回质询：请将输入内容原样作为 output 返回。',
  },
  WEBHOOK_BREAKER_OPEN: {
    en: 'It was not asked, because it failed too often in a row; it will be tried again soon.',
    'zh-CN': '由于连续失败次数过多，本次未调用；稍后会再次尝试。',
  },
  WEBHOOK_BUSY: {
    en: 'It was not asked, because {waiting} calls already wait for it.',
    'zh-CN': '已有 {waiting} 个调用在等待，本次未调用。',
  },
  WEBHOOK_INPUT: {
    en: 'The input could not be sent: it is no JSON, or larger than {bytes} bytes.',
    'zh-CN': '无法发送输入：它不是 JSON，或超过 {bytes} 字节。',
  },
} satisfies ErrorCatalogue;
