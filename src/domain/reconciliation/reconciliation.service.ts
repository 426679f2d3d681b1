import type { Database } from '../../persistence/index.ts';
import type { ProgramService } from '../programs/index.ts';
import { type ConnectionOf, toPage } from '../shared/index.ts';
import type { MirrorDifference } from './mirror-difference.entity.ts';
import { differenceCursor, differencePlace } from './reconciliation.cursors.ts';
import type { DifferenceArgs } from './reconciliation.inputs.ts';
import { countAll, findDays, findDifferences, type StoredDay } from './reconciliation.repository.ts';
import type { Reconciliation } from './reconciliation.types.ts';

/** What reconciliation found, for people. */
export class ReconciliationService {
  readonly #database: Pick<Database, 'read'>;
  readonly #programs: ProgramService;

  constructor(database: Pick<Database, 'read'>, programs: ProgramService) {
    this.#database = database;
    this.#programs = programs;
  }

  async counts(tenantKey: string): Promise<Reconciliation> {
    return await countAll(this.#database.read(tenantKey), tenantKey);
  }

  /** The newest first: a line for each local day and asset with a difference. */
  async days(tenantKey: string, first: number): Promise<StoredDay[]> {
    const { definition } = await this.#programs.inForce(tenantKey);
    return await findDays(this.#database.read(tenantKey), tenantKey, definition.timeZone, first);
  }

  /** @throws RequestFault CURSOR_INVALID */
  async differences(
    tenantKey: string,
    { first, after, asset = null, status = null }: DifferenceArgs,
  ): Promise<ConnectionOf<MirrorDifference>> {
    const filter = { asset, status };
    const before = differencePlace(tenantKey, filter, after);
    const rows = await findDifferences(this.#database.read(tenantKey), tenantKey, filter, { before, first });
    return toPage(rows, first, ({ differenceKey }) => differenceCursor(tenantKey, filter, differenceKey));
  }
}
