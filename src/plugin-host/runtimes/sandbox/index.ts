export { SANDBOX_LIMITS } from './limits.ts';
export { SandboxPool } from './pool.ts';
