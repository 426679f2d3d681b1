export { catchUp, type JobParts, reviewTenant, runDaily } from './daily.ts';
export type { OwnActivity } from './own-activities.ts';
export { settleAll, settleTenant } from './settle.ts';
export { catchUpAll, startJobs } from './start-jobs.ts';
