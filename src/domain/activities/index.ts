export { Activity, RefundedPart } from './activity.entity.ts';
export { activityErrors } from './activity.errors.ts';
export { type ActivityLoaders, createActivityLoaders } from './activity.loaders.ts';
export { ActivityResolver, MemberActivitiesResolver } from './activity.resolver.ts';
export { ActivityService } from './activity.service.ts';
