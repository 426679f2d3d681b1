import { SANDBOX_LIMITS } from './sandbox/index.ts';

/** What a plugin, or a service, may take. */
const REMOTE_LIMITS = {
  ...{ memoryBytes: null, deadlineMs: 10_000, codeBytes: null, inputBytes: 262_144, outputBytes: 262_144 },
  ...{ jsonDepth: 32, logLines: null },
};
export const RUNTIME_LIMITS = {
  IN_PROCESS: { ...REMOTE_LIMITS, inputBytes: null, outputBytes: null, jsonDepth: null },
  WEBHOOK: REMOTE_LIMITS,
  SANDBOX: SANDBOX_LIMITS,
};
