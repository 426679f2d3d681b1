import { SANDBOX_LIMITS } from './limits.ts';

/** What a call came to, in the words of the call log. */
export type SandboxOutcome =
  | 'OK'
  | 'INVALID_INPUT'
  | 'INVALID_OUTPUT'
  | 'TIMEOUT'
  | 'ERROR'
  | 'UNREACHABLE'
  | 'BREAKER_OPEN';

/** More exactly, what went wrong. */
export type SandboxErrorCode =
  /** The input is no JSON, too large, or nested too deep: the code wasn't asked. */
  | 'INPUT_NOT_JSON'
  | 'INPUT_TOO_LARGE'
  | 'INPUT_TOO_DEEP'
  | 'OUTPUT_NOT_JSON'
  | 'OUTPUT_TOO_LARGE'
  | 'OUTPUT_TOO_DEEP'
  /** The code didn't come to an end in time, or didn't get its turn. */
  | 'DEADLINE'
  | 'NO_TURN'
  /** It threw, or what it promised was rejected. */
  | 'THROWN'
  /** What it promised can't be kept: nothing is left that could do so. */
  | 'NEVER_SETTLES'
  | 'OUT_OF_MEMORY'
  | 'STACK_OVERFLOW'
  /** It can't be loaded: what compile() finds. */
  | 'NOT_LOADED'
  /** The engine broke, and was replaced. */
  | 'ENGINE_FAILED'
  /** This tenant's code ran too long too often, and isn't asked for a while. */
  | 'SUSPENDED'
  /** Too many calls wait. */
  | 'OVERLOADED'
  | 'CLOSED';

export interface SandboxError {
  readonly code: SandboxErrorCode;
  readonly message: string;
  /** In the source as uploaded, from 1; null where the engine can't say. */
  readonly line: number | null;
  readonly column: number | null;
}

export interface SandboxAnswer {
  readonly outcome: SandboxOutcome;
  /** JSON; null unless OK. */
  readonly output: string | null;
  readonly error: SandboxError | null;
  /** What the code wrote to its console. */
  readonly log: readonly string[];
}

const MESSAGES: Partial<Record<SandboxErrorCode, string>> = {
  INPUT_NOT_JSON: 'The input is no JSON.',
  INPUT_TOO_LARGE: `The input has more than ${SANDBOX_LIMITS.inputBytes} bytes.`,
  INPUT_TOO_DEEP: `The input nests deeper than ${SANDBOX_LIMITS.jsonDepth} levels.`,
  OUTPUT_NOT_JSON: 'The code returned nothing that JSON can say.',
  OUTPUT_TOO_LARGE: `The output has more than ${SANDBOX_LIMITS.outputBytes} bytes.`,
  OUTPUT_TOO_DEEP: `The output nests deeper than ${SANDBOX_LIMITS.jsonDepth} levels.`,
  DEADLINE: 'The code did not come to an end in time.',
  NO_TURN: 'The code did not get its turn in time: earlier calls of this tenant, or others, took too long.',
  NEVER_SETTLES: 'The promise that the code returned can never settle: nothing is left to wait for.',
  OUT_OF_MEMORY: `The code needs more than ${SANDBOX_LIMITS.memoryBytes} bytes of memory.`,
  STACK_OVERFLOW: 'The code calls itself too deep.',
  ENGINE_FAILED: 'The engine broke while it ran the code.',
  SUSPENDED: 'The code ran too long too often: it is not asked for a while.',
  OVERLOADED: 'Too many calls wait for their turn.',
  CLOSED: 'The sandbox is closed.',
};

const OUTCOMES: Partial<Record<SandboxErrorCode, SandboxOutcome>> = {
  ...{ INPUT_NOT_JSON: 'INVALID_INPUT', INPUT_TOO_LARGE: 'INVALID_INPUT', INPUT_TOO_DEEP: 'INVALID_INPUT' },
  ...{ OUTPUT_NOT_JSON: 'INVALID_OUTPUT', OUTPUT_TOO_LARGE: 'INVALID_OUTPUT' },
  ...{ OUTPUT_TOO_DEEP: 'INVALID_OUTPUT', DEADLINE: 'TIMEOUT', NO_TURN: 'TIMEOUT' },
  ...{ SUSPENDED: 'BREAKER_OPEN', OVERLOADED: 'UNREACHABLE', CLOSED: 'UNREACHABLE' },
};

/** The answer of a call that failed. */
export function failed(
  code: SandboxErrorCode,
  error: Partial<SandboxError> = {},
  log: readonly string[] = [],
) {
  const { message = MESSAGES[code] ?? code, line = null, column = null } = error;
  const outcome = OUTCOMES[code] ?? 'ERROR';
  return { outcome, output: null, error: { code, message, line, column }, log } satisfies SandboxAnswer;
}

/** Why an input may not be passed on; null if it may. */
export function refuseInput(json: string): SandboxErrorCode | null {
  if (Buffer.byteLength(json) > SANDBOX_LIMITS.inputBytes) return 'INPUT_TOO_LARGE';
  return isTooDeep(json) ? 'INPUT_TOO_DEEP' : null;
}

/** Reads what the prelude told: `KIND LENGTH LOG PAYLOAD`. */
export function readTold(told: string): SandboxAnswer {
  const [, kind = '', length = '0'] = /^([A-Z_]+) (\d+) /.exec(told) ?? [];
  const logStart = kind.length + length.length + 2;
  const payload = told.slice(logStart + Number(length));
  const log =
    kind === '' ? [] : (JSON.parse(`[${told.slice(logStart, logStart + Number(length))}]`) as string[]);
  switch (kind) {
    case 'OK':
      if (Buffer.byteLength(payload) > SANDBOX_LIMITS.outputBytes) return failed('OUTPUT_TOO_LARGE', {}, log);
      if (isTooDeep(payload)) return failed('OUTPUT_TOO_DEEP', {}, log);
      return { outcome: 'OK', output: payload, error: null, log };
    case 'ERROR':
      return thrown('THROWN', payload, log);
    case 'NOT_JSON':
      return payload === '' ? failed('OUTPUT_NOT_JSON', {}, log) : thrown('OUTPUT_NOT_JSON', payload, log);
    case 'BAD_INPUT':
      return failed('INPUT_NOT_JSON', {}, log);
    case 'TOO_LARGE':
      return failed('OUTPUT_TOO_LARGE', {}, log);
    case 'PENDING':
      return failed('NEVER_SETTLES', {}, log);
    default:
      // The engine had no room left to say it.
      return failed('OUT_OF_MEMORY');
  }
}

function thrown(code: SandboxErrorCode, payload: string, log: readonly string[]): SandboxAnswer {
  const [name, message, stack] = JSON.parse(payload) as [string, string, string];
  const [, line, column] = /rule\.js:(\d+):(\d+)/.exec(stack) ?? [];
  const place = {
    line: line === undefined ? null : Number(line),
    column: column === undefined ? null : Number(column),
  };
  if (name === 'InternalError' && message === 'out of memory') return failed('OUT_OF_MEMORY', place, log);
  if (name === 'InternalError' && message === 'stack overflow') return failed('STACK_OVERFLOW', place, log);
  return failed(code, { message: name === '' ? message : `${name}: ${message}`, ...place }, log);
}

/** Whether lists and objects nest deeper than they may; whether it is JSON at all, its reader says. */
function isTooDeep(json: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < json.length; index += 1) {
    const character = json.charCodeAt(index);
    if (isInString) {
      if (character === BACKSLASH) index += 1;
      else if (character === QUOTE) isInString = false;
    } else if (character === QUOTE) isInString = true;
    else if (character === OPEN_LIST || character === OPEN_OBJECT) {
      depth += 1;
      if (depth > SANDBOX_LIMITS.jsonDepth) return true;
    } else if (character === CLOSE_LIST || character === CLOSE_OBJECT) depth -= 1;
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
