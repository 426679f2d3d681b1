import type { Fault } from '../../../extension/index.ts';
import type { SandboxError } from './answer.ts';
import type { SandboxFinding } from './pool.ts';
import type { sandboxErrors } from './sandbox.errors.ts';

const CODES: Record<SandboxFinding['code'], keyof typeof sandboxErrors> = {
  ...{ SOURCE_TOO_LARGE: 'SANDBOX_SOURCE_TOO_LARGE', TYPES: 'SANDBOX_TYPES' },
  ...{ NOT_LOADED: 'SANDBOX_NOT_LOADED', THROWN: 'SANDBOX_THREW' },
  ...{ INPUT_NOT_JSON: 'SANDBOX_INPUT_NOT_JSON', INPUT_TOO_LARGE: 'SANDBOX_INPUT_TOO_LARGE' },
  ...{ INPUT_TOO_DEEP: 'SANDBOX_INPUT_TOO_DEEP', OUTPUT_NOT_JSON: 'SANDBOX_OUTPUT_NOT_JSON' },
  ...{ OUTPUT_TOO_LARGE: 'SANDBOX_OUTPUT_TOO_LARGE', OUTPUT_TOO_DEEP: 'SANDBOX_OUTPUT_TOO_DEEP' },
  ...{ DEADLINE: 'SANDBOX_DEADLINE', NO_TURN: 'SANDBOX_NO_TURN' },
  ...{ NEVER_SETTLES: 'SANDBOX_NEVER_SETTLES', OUT_OF_MEMORY: 'SANDBOX_OUT_OF_MEMORY' },
  ...{ STACK_OVERFLOW: 'SANDBOX_STACK_OVERFLOW', ENGINE_FAILED: 'SANDBOX_ENGINE_FAILED' },
  ...{ SUSPENDED: 'SANDBOX_SUSPENDED', OVERLOADED: 'SANDBOX_OVERLOADED', CLOSED: 'SANDBOX_CLOSED' },
};
/** Where the code itself, or the parser, says what is wrong. */
const SAID_BY_CODE = new Set<SandboxFinding['code']>(['TYPES', 'NOT_LOADED', 'THROWN', 'OUTPUT_NOT_JSON']);

/** What the sandbox says of a code, in the words of the catalogue. */
export function sandboxFault({ code, message, line, column }: SandboxError | SandboxFinding): Fault {
  const fault = { code: CODES[code], details: {}, line, column };
  return SAID_BY_CODE.has(code) ? { ...fault, message } : fault;
}
