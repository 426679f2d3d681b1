export { catchUpAll } from './catch-up-all.ts';
export { catchUp, type JobParts, reviewTenant, runDaily } from './daily.ts';
export type { OwnActivity } from './own-activities.ts';
export { PluginJobs } from './plugin-jobs.ts';
export { PluginListeners, type PluginListenersParts } from './plugin-listeners.ts';
export { settleAll, settleTenant } from './settle.ts';
export { startJobs } from './start-jobs.ts';
