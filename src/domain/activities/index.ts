export { Activity, RefundedPart } from './activity.entity.ts';
export { activityErrors } from './activity.errors.ts';
export { ActivityResolver } from './activity.resolver.ts';
export { ActivityService } from './activity.service.ts';
