export { PointEventResolver } from './point-event.resolver.ts';
export { PointEventService } from './point-event.service.ts';
