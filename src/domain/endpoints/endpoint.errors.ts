import type { ErrorCatalogue } from '../../kernel/errors.ts';

export const endpointErrors = {
  ENDPOINT_NOT_FOUND: {
    en: 'There is no such endpoint. Check its id.',
    'zh-CN': '该事件端点不存在，请检查其 ID。',
  },
  ENDPOINT_NAME_INVALID: {
    en: 'A name has 1 to 64 lower-case letters, digits, "-" and "_", and begins with a letter or digit.',
    'zh-CN': '名称由 1 至 64 个小写字母、数字、“-”或“_”组成，并以字母或数字开头。',
  },
  ENDPOINT_NAME_TAKEN: {
    en: 'There is an endpoint called "{name}" already. Choose another name.',
    'zh-CN': '名为“{name}”的事件端点已存在，请更换名称。',
  },
  ENDPOINT_LIMIT: {
    en: 'A tenant has at most {most} endpoints. Remove one first.',
    'zh-CN': '每个企业最多登记 {most} 个事件端点，请先移除一个。',
  },
  ENDPOINT_FILTER_EMPTY: {
    en: 'An empty list would let nothing through. Leave it out to be told everything.',
    'zh-CN': '空列表不会放行任何事件；如需全部事件，请省略该项。',
  },
  EVENT_TYPE_UNKNOWN: {
    en: 'There is no type of event "{type}". The types that there are: {known}.',
    'zh-CN': '事件类型“{type}”不存在。现有类型：{known}。',
  },
  EVENT_FORGOTTEN: {
    en: 'What happened is not kept any more, so it could not be told.',
    'zh-CN': '该事件已不再保留，无法发送。',
  },
} satisfies ErrorCatalogue;
