import type { PluginSql } from '../extension/index.ts';

/** Up to where a listener was told; from `first` on where it wasn't yet. Nobody else tells it meanwhile. */
export async function lockPlace(sql: PluginSql, listener: string, first: bigint): Promise<bigint> {
  await sql.run(
    'insert into _place (tenant_id, listener, position) values ($1, $2, $3) on conflict do nothing',
    [sql.tenantKey, listener, first],
  );
  const [row] = await sql.run<{ position: bigint }>(
    'select position from _place where tenant_id = $1 and listener = $2 for update',
    [sql.tenantKey, listener],
  );
  return row?.position ?? first;
}

export async function movePlace(sql: PluginSql, listener: string, position: bigint): Promise<void> {
  await sql.run('update _place set position = $3 where tenant_id = $1 and listener = $2', [
    sql.tenantKey,
    listener,
    position,
  ]);
}
