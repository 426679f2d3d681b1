import { fromDeliveryId, fromPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import { type ConnectionOf, toPage } from '../shared/index.ts';
import { type DeliveryFilter, findAttempts, findDeliveries, findDelivery } from './delivery.repository.ts';
import { deliveryCursor, deliveryPlace, endpointCursor, endpointPlace } from './endpoint.cursors.ts';
import type { StoredAttempt, StoredDelivery, StoredEndpoint } from './endpoint.entity.ts';
import type { EventDeliveriesArgs } from './endpoint.inputs.ts';
import { countStates, findEndpoint, findEndpoints } from './endpoint.repository.ts';

const MOST_ATTEMPTS = 100;
/** Nobody's: a member who isn't there has no deliveries. */
const NO_LANE = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** What staff see of endpoints. */
export class EndpointReads {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(ctx: RequestContext, id: string): Promise<StoredEndpoint | null> {
    const endpointKey = fromPublicId('eventEndpoint', id);
    return endpointKey === null ? null : await this.findByKey(ctx, endpointKey);
  }

  async findByKey(
    { tenantKey, caller }: RequestContext,
    endpointKey: string,
  ): Promise<StoredEndpoint | null> {
    if (caller.role !== 'STAFF') return null;
    return await findEndpoint(this.#database.read(tenantKey), { tenantKey, endpointKey });
  }

  /** A delivery by its public id; null where there is none, or none for this caller. */
  async delivery(ctx: RequestContext, id: string): Promise<StoredDelivery | null> {
    const place = fromDeliveryId(id);
    if (place === null || (await this.findByKey(ctx, place.endpointKey)) === null) return null;
    const { tenantKey } = ctx;
    const of = { tenantKey, endpointKey: place.endpointKey };
    return await findDelivery(this.#database.read(tenantKey), of, place.position);
  }

  async page(
    { tenantKey }: RequestContext,
    { first, after }: { readonly first: number; readonly after?: string | null },
  ): Promise<ConnectionOf<StoredEndpoint>> {
    const before = endpointPlace(tenantKey, after);
    const rows = await findEndpoints(this.#database.read(tenantKey), tenantKey, before, first);
    return toPage(rows, first, ({ endpointKey }) => endpointCursor(tenantKey, endpointKey));
  }

  async deliveries(
    endpoint: StoredEndpoint,
    { first, after, filter: given }: EventDeliveriesArgs,
  ): Promise<ConnectionOf<StoredDelivery>> {
    const memberId = given?.memberId ?? null;
    const filter: DeliveryFilter = {
      state: given?.state ?? null,
      types: given?.types ?? null,
      laneKey: memberId === null ? null : (fromPublicId('member', memberId) ?? NO_LANE),
    };
    const before = deliveryPlace(endpoint, filter, after);
    const sql = this.#database.read(endpoint.tenantKey);
    const rows = await findDeliveries(sql, endpoint, filter, { before, first });
    return toPage(rows, first, ({ position }) => deliveryCursor(endpoint, filter, position));
  }

  /** The newest hundred. */
  async attempts(delivery: StoredDelivery): Promise<StoredAttempt[]> {
    return await findAttempts(this.#database.read(delivery.tenantKey), delivery, MOST_ATTEMPTS);
  }

  async counts(endpoint: StoredEndpoint) {
    return await countStates(this.#database.read(endpoint.tenantKey), endpoint);
  }
}
