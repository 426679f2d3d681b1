import type { ErrorCatalogue } from '../kernel/errors.ts';

export const gatewayErrors = {
  UNAUTHENTICATED: {
    en: 'Send an API key as "x-api-key", or a token as "authorization: Bearer …".',
    'zh-CN': '请通过“x-api-key”发送 API 密钥，或通过“authorization: Bearer …”发送令牌。',
  },
  FORBIDDEN: {
    en: 'Your role may not ask for {what}.',
    'zh-CN': '当前角色无权访问 {what}。',
  },
  TENANT_MISMATCH: {
    en: 'The credentials belong to another tenant than "x-tenant" names. Send only one of them.',
    'zh-CN': '凭证所属企业与“x-tenant”不一致，请只发送其一。',
  },
  NOT_FOUND: {
    en: 'There is nothing with this id that you may see.',
    'zh-CN': '未找到该对象，或无权查看。',
  },
  PAGE_SIZE: {
    en: '"first" goes from 1 to 100. Ask for a smaller page.',
    'zh-CN': '“first”的取值范围为 1 至 100，请减小分页大小。',
  },
  CURSOR_INVALID: {
    en: 'The cursor doesn’t belong to this list. Begin again without it.',
    'zh-CN': '该游标不属于此列表，请不带游标重新开始。',
  },
  CURSOR_EXPIRED: {
    en: 'What came behind this cursor is not kept any more. Read the state anew, and follow without it.',
    'zh-CN': '该游标之后的事件已超出保留期，请重新读取当前状态，再不带游标订阅。',
  },
  QUERY_TOO_COMPLEX: {
    en: 'The operation costs {cost}, and at most {most} are allowed. Ask for less at once.',
    'zh-CN': '该操作的代价为 {cost}，上限为 {most}，请减少单次查询内容。',
  },
  QUERY_TOO_LARGE: {
    en: 'The document has too many {what} (at most {most}). Ask for less at once.',
    'zh-CN': '文档中的 {what} 过多（上限 {most}），请减少单次查询内容。',
  },
  VARIABLES_TOO_LARGE: {
    en: 'The variables are nested too deeply or hold too much. Send less at once.',
    'zh-CN': '变量嵌套过深或内容过多，请减少单次发送的内容。',
  },
  OPERATION_NOT_FOUND: {
    en: 'There is no such operation. Check its id, or name one of the document in "operationName".',
    'zh-CN': '未找到该操作，请检查其 ID，或在“operationName”中指明文档内的操作。',
  },
  INTROSPECTION_DISABLED: {
    en: 'The schema can’t be asked for here. Use the published schema.graphql.',
    'zh-CN': '此处不提供模式自省，请使用已发布的 schema.graphql。',
  },
  BAD_REQUEST: {
    en: 'The request is no GraphQL request: {why}.',
    'zh-CN': '该请求不是有效的 GraphQL 请求：{why}。',
  },
  CALLER_STREAM_LIMIT: {
    en: 'You may have {most} subscriptions open at once. Complete some of them first.',
    'zh-CN': '每个调用方同时打开的订阅最多 {most} 个，请先结束部分订阅。',
  },
  TENANT_STREAM_LIMIT: {
    en: 'The enterprise may have {most} subscriptions open at once. Try again later.',
    'zh-CN': '本企业同时打开的订阅最多 {most} 个，请稍后重试。',
  },
  SLOW_CONSUMER: {
    en: 'The events were not read as fast as they came. Go on behind "extensions.cursor" when there is room.',
    'zh-CN': '事件读取过慢，订阅已结束；请在有余力时从“extensions.cursor”之后继续。',
  },
  INTERNAL_SERVER_ERROR: {
    en: 'Something went wrong here. Try again with the same key; tell us the request id {requestId}.',
    'zh-CN': '服务内部错误，请使用相同的幂等键重试，并提供请求编号 {requestId}。',
  },
  SERVICE_UNAVAILABLE: {
    en: 'The database is away for the moment. Try again with the same key in a few seconds.',
    'zh-CN': '数据库暂时不可用，请数秒后使用相同的幂等键重试。',
  },
  TEXT_INVALID: {
    en: 'A text holds a NUL character or half of a surrogate pair. Send well-formed Unicode.',
    'zh-CN': '文本包含 NUL 字符或不完整的代理对，请发送格式正确的 Unicode 文本。',
  },
  INVALID_POINTS: {
    en: 'Points are a whole number of 64 bits, as a string of ASCII digits, e.g. "500".',
    'zh-CN': '数量须为 64 位整数，以 ASCII 数字字符串表示，例如“500”。',
  },
  INVALID_DECIMAL: {
    en: 'A decimal is a string of at most 16 digits before the point and 6 after, e.g. "238.00".',
    'zh-CN': '小数以字符串表示，整数部分最多 16 位，小数部分最多 6 位，例如“238.00”。',
  },
  INVALID_DATE_TIME: {
    en: 'A moment is RFC 3339 with its offset, e.g. "2026-11-21T10:00:00+08:00".',
    'zh-CN': '时间须为带时区偏移的 RFC 3339 格式，例如“2026-11-21T10:00:00+08:00”。',
  },
  INVALID_DURATION: {
    en: 'A duration is ISO 8601 in whole parts, e.g. "P30D" or "PT15M".',
    'zh-CN': '时长须为 ISO 8601 格式，例如“P30D”或“PT15M”。',
  },
} satisfies ErrorCatalogue;
