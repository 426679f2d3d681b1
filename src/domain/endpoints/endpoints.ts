import type { FeedWatcher } from '../../events/index.ts';
import type { DeliveryOutcome } from './dispatcher.ts';
import type { EndpointServices } from './endpoint.context.ts';
import { StoredAttempt, StoredDelivery, StoredEndpoint, StoredLane } from './endpoint.entity.ts';
import { type EndpointParts, EndpointService } from './endpoint.service.ts';
import { EndpointReads } from './endpoint-reads.service.ts';
import { EndpointUpkeep } from './endpoint-upkeep.ts';
import { EventRelay } from './event-relay.ts';
import { EventReplays } from './event-replays.service.ts';

/** What the tables of endpoints hold. */
export const endpointEntities = [StoredEndpoint, StoredLane, StoredDelivery, StoredAttempt];

export interface EndpointsParts extends Omit<EndpointParts, 'relay'> {
  readonly watcher: FeedWatcher;
  /** How many days what was told is kept. */
  readonly eventDays: number;
  readonly onOutcome: (outcome: DeliveryOutcome) => void;
  readonly onError: (error: unknown) => void;
}

/** What tells endpoints of events, what looks after them, and what is done with them from outside. */
export interface Endpoints {
  readonly relay: EventRelay;
  readonly upkeep: EndpointUpkeep;
  readonly services: EndpointServices;
}

export function endpointsOf(given: EndpointsParts): Endpoints {
  const relay = new EventRelay(given);
  const parts = { ...given, relay };
  return {
    relay,
    upkeep: new EndpointUpkeep(parts),
    services: {
      endpoints: new EndpointService(parts),
      endpointReads: new EndpointReads(given.database),
      eventReplays: new EventReplays(parts),
    },
  };
}
