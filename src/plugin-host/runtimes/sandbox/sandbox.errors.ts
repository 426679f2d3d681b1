import type { ErrorCatalogue } from '../../../kernel/errors.ts';
import { SANDBOX_LIMITS } from './limits.ts';

const { codeBytes, inputBytes, outputBytes, jsonDepth, memoryBytes } = SANDBOX_LIMITS;

/** Why uploaded code isn't taken, or brought no output. */
export const sandboxErrors = {
  SANDBOX_SOURCE_TOO_LARGE: {
    en: `The source has more than ${codeBytes} bytes.`,
    'zh-CN': `源代码超过 ${codeBytes} 字节。`,
  },
  SANDBOX_TYPES: {
    en: 'The types can’t be taken out: use only what TypeScript can erase.',
    'zh-CN': '无法去除类型：请只使用可擦除的 TypeScript 语法。',
  },
  SANDBOX_NOT_LOADED: {
    en: 'The code can’t be loaded.',
    'zh-CN': '无法加载代码。',
  },
  SANDBOX_THREW: {
    en: 'The code threw an error.',
    'zh-CN': '代码抛出了错误。',
  },
  SANDBOX_INPUT_NOT_JSON: {
    en: 'The input is no JSON.',
    'zh-CN': '输入不是 JSON。',
  },
  SANDBOX_INPUT_TOO_LARGE: {
    en: `The input has more than ${inputBytes} bytes.`,
    'zh-CN': `输入超过 ${inputBytes} 字节。`,
  },
  SANDBOX_INPUT_TOO_DEEP: {
    en: `The input is nested deeper than ${jsonDepth}.`,
    'zh-CN': `输入的嵌套层级超过 ${jsonDepth}。`,
  },
  SANDBOX_OUTPUT_NOT_JSON: {
    en: 'What the code answered is no JSON.',
    'zh-CN': '代码返回的内容不是 JSON。',
  },
  SANDBOX_OUTPUT_TOO_LARGE: {
    en: `The output has more than ${outputBytes} bytes.`,
    'zh-CN': `输出超过 ${outputBytes} 字节。`,
  },
  SANDBOX_OUTPUT_TOO_DEEP: {
    en: `The output is nested deeper than ${jsonDepth}.`,
    'zh-CN': `输出的嵌套层级超过 ${jsonDepth}。`,
  },
  SANDBOX_DEADLINE: {
    en: 'The code did not come to an end within its deadline.',
    'zh-CN': '代码未在截止时间内结束。',
  },
  SANDBOX_NO_TURN: {
    en: 'The deadline passed before it was the code’s turn.',
    'zh-CN': '在轮到该代码之前已超过截止时间。',
  },
  SANDBOX_NEVER_SETTLES: {
    en: 'The promise that the code answered can never settle: nothing is left to wait for.',
    'zh-CN': '代码返回的 Promise 永远不会完成：已无可等待的内容。',
  },
  SANDBOX_OUT_OF_MEMORY: {
    en: `The code needs more than ${memoryBytes} bytes of memory.`,
    'zh-CN': `代码需要超过 ${memoryBytes} 字节的内存。`,
  },
  SANDBOX_STACK_OVERFLOW: {
    en: 'The code calls itself too deep.',
    'zh-CN': '代码递归过深。',
  },
  SANDBOX_ENGINE_FAILED: {
    en: 'The engine broke while it ran the code.',
    'zh-CN': '运行代码时引擎发生故障。',
  },
  SANDBOX_SUSPENDED: {
    en: 'The code ran too long too often: it is not asked for a while.',
    'zh-CN': '代码多次运行过久：暂时不再调用。',
  },
  SANDBOX_OVERLOADED: {
    en: 'Too many calls wait for their turn.',
    'zh-CN': '等待的调用过多。',
  },
  SANDBOX_CLOSED: {
    en: 'The sandbox is not running.',
    'zh-CN': '沙箱未在运行。',
  },
} satisfies ErrorCatalogue;
