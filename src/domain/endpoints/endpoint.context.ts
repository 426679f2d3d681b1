import type { RequestContext } from '../../kernel/request-context.ts';
import type { EndpointService } from './endpoint.service.ts';
import type { EndpointReads } from './endpoint-reads.service.ts';
import type { EventReplays } from './event-replays.service.ts';

/** What the domain of endpoints offers to those who ask from outside. */
export interface EndpointServices {
  readonly endpoints: EndpointService;
  readonly endpointReads: EndpointReads;
  readonly eventReplays: EventReplays;
}

/** What the resolvers of endpoints need from the request. */
export interface EndpointContext {
  readonly request: RequestContext;
  readonly services: EndpointServices;
}
