export { SANDBOX_LIMITS } from './limits.ts';
export { type SandboxCall, SandboxPool, type SandboxResult } from './pool.ts';
