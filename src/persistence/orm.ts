import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { inTransaction } from './in-transaction.ts';

export type { EntityManager } from '@mikro-orm/postgresql';

type EntityClass = new (...args: never[]) => object;

/** Opens MikroORM over the app role, for the use cases that no hot path runs through. */
export async function openOrm(appUrl: string, entities: readonly EntityClass[]): Promise<MikroORM> {
  return await MikroORM.init({
    clientUrl: appUrl,
    entities: [...entities],
    metadataProvider: ReflectMetadataProvider,
    discovery: { warnWhenNoEntities: false },
    pool: { min: 0, max: 4 },
    allowGlobalContext: false,
    forceUtcTimezone: true,
  });
}

/** The database's own time, for the one act that has no tenant yet: making it. */
export async function databaseTime(em: EntityManager): Promise<Date> {
  const [row] = await em.execute<{ now: Date | string }[]>(`select date_trunc('milliseconds', now()) as now`);
  return new Date(row?.now ?? Number.NaN);
}

/** Runs `work` in one transaction with the tenant set, and flushes and commits what it changed. */
export async function unitOfWork<T>(
  orm: MikroORM,
  tenantKey: string,
  work: (em: EntityManager) => Promise<T>,
): Promise<T> {
  return await orm.em.fork().transactional(async (em) => {
    await em.execute(`select set_config('app.tenant_id', ?, true)`, [tenantKey]);
    return await inTransaction(() => work(em as EntityManager));
  });
}
