import { decodeCursor, encodeCursor } from '../shared/index.ts';
import type { DeliveryFilter } from './delivery.repository.ts';
import type { EndpointOf } from './endpoint.repository.ts';

type After = string | null | undefined;

const endpointsOf = (tenantKey: string): string => `${tenantKey}|Query.eventEndpoints`;
const deliveriesOf = (
  { tenantKey, endpointKey }: EndpointOf,
  { state, laneKey, types }: DeliveryFilter,
): string =>
  `${tenantKey}|EventEndpoint.deliveries|${endpointKey}|${state ?? ''}|${laneKey ?? ''}|${types?.join(',') ?? ''}`;

export function endpointCursor(tenantKey: string, endpointKey: string): string {
  return encodeCursor(endpointsOf(tenantKey), endpointKey);
}

/** The key behind a cursor of `eventEndpoints`; null without a cursor. */
export function endpointPlace(tenantKey: string, after: After): string | null {
  return after === null || after === undefined ? null : decodeCursor(endpointsOf(tenantKey), after, 'after');
}

export function deliveryCursor(of: EndpointOf, filter: DeliveryFilter, position: bigint): string {
  return encodeCursor(deliveriesOf(of, filter), position.toString(36));
}

/** The position behind a cursor of `deliveries`; null without a cursor. */
export function deliveryPlace(of: EndpointOf, filter: DeliveryFilter, after: After): bigint | null {
  if (after === null || after === undefined) return null;
  return BigInt(Number.parseInt(decodeCursor(deliveriesOf(of, filter), after, 'after'), 36));
}
