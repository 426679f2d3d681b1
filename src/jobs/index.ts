export { catchUpAll } from './catch-up-all.ts';
export { catchUp, type JobParts, reviewTenant, runDaily } from './daily.ts';
export type { OwnActivity } from './own-activities.ts';
export { settleAll, settleTenant } from './settle.ts';
export { startJobs } from './start-jobs.ts';
