export { SANDBOX_LIMITS } from './limits.ts';
export { type SandboxCall, SandboxPool, type SandboxResult } from './pool.ts';
export { sandboxErrors } from './sandbox.errors.ts';
export { sandboxFault } from './sandbox-fault.ts';
export { SandboxOnDemand } from './sandbox-on-demand.ts';
