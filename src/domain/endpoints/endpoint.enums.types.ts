import { registerEnumType } from 'type-graphql';
import { STREAMS } from '../../events/index.ts';

export const EventStreamName = Object.fromEntries(
  STREAMS.map((stream) => [stream.toUpperCase(), stream]),
) as Readonly<Record<string, string>>;
registerEnumType(EventStreamName, {
  name: 'EventStream',
  description: 'A kind of events.',
  valuesConfig: {
    POINTS: { description: 'Entries of ledgers.' },
    TIERS: { description: 'Changes of members’ tiers.' },
    GRANTS: { description: 'What happens to benefits that members were granted.' },
    MEMBERS: { description: 'What happens to members.' },
    EXTENSIONS: { description: 'What is done to extensions.' },
  },
});

export enum EventEndpointStatus {
  ACTIVE = 'ACTIVE',
  PAUSED = 'PAUSED',
  DISABLED = 'DISABLED',
}
registerEnumType(EventEndpointStatus, {
  name: 'EventEndpointStatus',
  description: 'Whether an endpoint is told of events.',
  valuesConfig: {
    ACTIVE: { description: 'It is told.' },
    PAUSED: { description: 'It isn’t told until somebody resumes it; then of everything since.' },
    DISABLED: { description: 'It answered that it is gone (410): as PAUSED, until somebody resumes it.' },
  },
});

export enum EventDeliveryState {
  PENDING = 'PENDING',
  DELIVERED = 'DELIVERED',
  DEAD = 'DEAD',
}
registerEnumType(EventDeliveryState, {
  name: 'EventDeliveryState',
  description: 'What became of telling an event.',
  valuesConfig: {
    PENDING: { description: 'It is to be told, perhaps again.' },
    DELIVERED: { description: 'The endpoint took it.' },
    DEAD: { description: 'It was given up after three days; `replayEvents` tells it again.' },
  },
});
