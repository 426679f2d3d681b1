export type { EndpointServices } from './endpoint.context.ts';
export { endpointErrors } from './endpoint.errors.ts';
export { EventAttemptResolver, EventDeliveryResolver, EventEndpointResolver } from './endpoint.resolver.ts';
export { EndpointActsResolver } from './endpoint-acts.resolver.ts';
export { type Endpoints, endpointEntities, endpointsOf } from './endpoints.ts';
export { publishedEvents } from './event.schema.ts';
export { type FeedMessage, readMessages } from './feed-messages.ts';
