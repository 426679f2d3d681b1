export { configure } from './configure.ts';
export { type Enter, guarded } from './guarded.ts';
export { asGuest, hearStrayErrors } from './guests.ts';
export { InProcessRuntime, type OwnTables } from './in-process-runtime.ts';
export { watchPlugins } from './seats.ts';
export type { Watchdog } from './watchdog.ts';
