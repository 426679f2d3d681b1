import type { CallMode, CallOutcome } from '../../extension/index.ts';
import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { RegisteredExtension, StoredCall } from './extension.entity.ts';

const callColumns = `
  tenant_id as "tenantKey", call_id as "callKey", extension_id as "extensionKey", version, mode, attempt,
  outcome, idempotency_key as "idempotencyKey", started_at as "startedAt", duration_ms as "durationMs", differences,
  coalesce(contents, (select s.contents from call_seal s
                       where s.tenant_id = $1 and s.seal_id = sealed_in)) as contents,
  sealed_in as "sealKey", place, recorded_at as "recordedAt"`;

const insertSeals = statement(
  'call_seal.insert',
  `insert into call_seal (tenant_id, seal_id, contents, recorded_at)
   select $1, s.seal_id, convert_to(s.contents, 'UTF8'), date_trunc('milliseconds', now())
     from unnest($2::uuid[], $3::text[]) as s (seal_id, contents)`,
);

/** A call that is there already was written by an attempt whose answer got lost. */
const insertCalls = statement(
  'extension_call.insert',
  `insert into extension_call (tenant_id, call_id, extension_id, version, mode, attempt, outcome,
                               idempotency_key, started_at, duration_ms, differences, sealed_in, place,
                               recorded_at)
   select $1, c.call_id, c.extension_id, c.version, c.mode, c.attempt, c.outcome, c.idempotency_key,
          c.started_at, c.duration_ms, c.differences, c.sealed_in, c.place, date_trunc('milliseconds', now())
     from unnest($2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::int[], $7::text[], $8::text[],
                 $9::timestamptz[], $10::float8[], $11::int[], $12::uuid[], $13::int[])
       as c (call_id, extension_id, version, mode, attempt, outcome, idempotency_key, started_at, duration_ms,
             differences, sealed_in, place)
   on conflict do nothing`,
);
const selectCall = statement<StoredCall>(
  'extension_call.by_key',
  `select ${callColumns} from extension_call where tenant_id = $1 and call_id = $2`,
);
/**
 * The newest calls of an extension ($2) of some modes ($3) and outcomes ($4): those of each mode and outcome
 * stand in their order in one index, so that nothing else is looked at. What follows bounds each of them.
 */
const ofKinds = `
     from unnest($3::text[]) as m (asked_mode)
    cross join unnest($4::text[]) as o (asked_outcome)
    cross join lateral (
      select c.* from extension_call c
       where c.tenant_id = $1 and c.extension_id = $2 and c.mode = m.asked_mode and c.outcome = o.asked_outcome`;
const newestFirst = 'order by recorded_at desc, call_id desc';

const selectPage = statement<StoredCall>(
  'extension_call.page',
  `select ${callColumns} ${ofKinds}
         and (c.recorded_at, c.call_id) < ($5::timestamptz, $6::uuid)
       ${newestFirst} limit $7) as newest
    ${newestFirst} limit $7`,
);
/** Clocks of gateways say when a call began; the database's, by which they are ordered, when it was written. */
const selectForReplay = statement<StoredCall>(
  'extension_call.for_replay',
  `select ${callColumns} ${ofKinds}
         and c.recorded_at > $5::timestamptz - interval '1 hour' and c.started_at >= $5
         and c.recorded_at < $6::timestamptz + interval '1 hour' and c.started_at < $6
       ${newestFirst} limit $7) as newest
    ${newestFirst} limit $7`,
);
const selectHealth = statement<CallHealth>(
  'extension_call.health',
  `select count(*)::int as calls, (count(*) filter (where outcome <> 'OK'))::int as failures,
          percentile_cont(0.5) within group (order by duration_ms) as "p50Ms",
          percentile_cont(0.99) within group (order by duration_ms) as "p99Ms"
     from (select outcome, duration_ms ${ofKinds}
                    and c.recorded_at > now() - interval '1 hour'
                  ${newestFirst} limit 1000) as newest
            ${newestFirst} limit 1000) as latest`,
);
/** By outcome, the last hundred calls that counted since the revision was staged. */
const selectLatest = statement<{ outcome: CallOutcome; count: number; p95Ms: number }>(
  'extension_call.latest',
  `with latest as (
     select outcome, duration_ms ${ofKinds}
               and c.version = $5
               and c.recorded_at > greatest(now() - interval '10 minutes', $6::timestamptz)
             ${newestFirst} limit 100) as newest
      ${newestFirst} limit 100)
   select outcome, count(*)::int as count,
          (select percentile_cont(0.95) within group (order by duration_ms) from latest) as "p95Ms"
     from latest group by outcome order by count(*) desc, outcome`,
);
const selectShadow = statement<{ calls: number; same: number; different: number; failed: number }>(
  'extension_call.shadow',
  `select count(*)::int as calls, (count(*) filter (where differences = 0))::int as same,
          (count(*) filter (where differences > 0))::int as different,
          (count(*) filter (where outcome <> 'OK'))::int as failed
     from (select outcome, differences ${ofKinds}
                    and c.recorded_at > $5::timestamptz - interval '1 hour' and c.started_at >= $5
                  ${newestFirst} limit 10000) as newest
            ${newestFirst} limit 10000) as latest`,
);
const selectDiffering = statement<StoredCall>(
  'extension_call.differing',
  `select ${callColumns}
     from (select * ${ofKinds}
                    and c.recorded_at > $5::timestamptz - interval '1 hour' and c.started_at >= $5
                  ${newestFirst} limit 10000) as newest
            ${newestFirst} limit 10000) as latest
    where differences > 0
    ${newestFirst} limit 200`,
);
const selectFailing = statement<{ extensionKey: string }>(
  'extension_call.failing',
  `select e.extension_id as "extensionKey"
     from extension e
    where e.tenant_id = $1 and e.stage in ('CANARY', 'LIVE')
      and (e.latency_ms is not null
           or exists (select from extension_call c
                       where c.tenant_id = $1 and c.extension_id = e.extension_id and c.mode = e.stage
                         and c.outcome = any($2) and c.recorded_at > now() - interval '10 minutes'))`,
);
const deleteOld = statement<{ callKey: string }>(
  'extension_call.delete_old',
  `delete from extension_call
    where tenant_id = $1
      and call_id in (select call_id from extension_call
                       where tenant_id = $1 and recorded_at < now() - $2 * interval '1 day'
                       order by recorded_at limit $3)
   returning call_id as "callKey"`,
);
/** A seal is as old as its calls. */
const deleteOldSeals = statement(
  'call_seal.delete_old',
  `delete from call_seal
    where tenant_id = $1
      and seal_id in (select seal_id from call_seal
                       where tenant_id = $1 and recorded_at < now() - $2 * interval '1 day'
                       order by recorded_at limit $3)`,
);

const MODES: readonly CallMode[] = ['LIVE', 'CANARY', 'SHADOW', 'TEST', 'DRY_RUN'];
const FAILURES: readonly CallOutcome[] = [
  ...(['INVALID_INPUT', 'INVALID_OUTPUT', 'TIMEOUT', 'ERROR', 'UNREACHABLE', 'BREAKER_OPEN'] as const),
];
/** What becomes of calls that were made, or should have been. */
const ASKED: readonly CallOutcome[] = ['OK', ...FAILURES];
const OUTCOMES: readonly CallOutcome[] = [...ASKED, 'SKIPPED_BY_FILTER'];
const LAST_KEY = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** How an extension did. */
export interface CallHealth {
  readonly calls: number;
  readonly failures: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface CallFilter {
  readonly outcome?: CallOutcome | null;
  readonly mode?: CallMode | null;
}

/** What of a call is written in clear. */
export type CallFacts = Omit<StoredCall, 'tenantKey' | 'contents' | 'sealKey' | 'place' | 'recordedAt'>;

/** Calls to be written; what was said in them is one sealed text, a list in their order. */
export interface SealedCalls {
  readonly sealKey: string;
  readonly contents: string;
  readonly calls: readonly CallFacts[];
}

interface Of {
  readonly tenantKey: string;
  readonly extensionKey: string;
}

export async function insertSealedCalls(
  tx: Transaction,
  tenantKey: string,
  seals: readonly SealedCalls[],
): Promise<void> {
  const calls = seals.flatMap(({ sealKey, calls: own }) =>
    own.map((call, place) => ({ ...call, sealKey, place })),
  );
  await tx.run(insertSeals, [
    tenantKey,
    seals.map(({ sealKey }) => sealKey),
    seals.map(({ contents }) => contents),
  ]);
  await tx.run(insertCalls, [
    tenantKey,
    calls.map(({ callKey }) => callKey),
    calls.map(({ extensionKey }) => extensionKey),
    calls.map(({ version }) => version),
    calls.map(({ mode }) => mode),
    calls.map(({ attempt }) => attempt),
    calls.map(({ outcome }) => outcome),
    calls.map(({ idempotencyKey }) => idempotencyKey),
    calls.map(({ startedAt }) => startedAt),
    calls.map(({ durationMs }) => durationMs),
    calls.map(({ differences }) => differences),
    calls.map(({ sealKey }) => sealKey),
    calls.map(({ place }) => place),
  ]);
}

export async function findCall(sql: Sql, tenantKey: string, callKey: string): Promise<StoredCall | null> {
  const [row] = await sql.run(selectCall, [tenantKey, callKey]);
  return row ?? null;
}

/** Newest first, and one more to tell whether there is one. */
export async function findCalls(
  sql: Sql,
  { tenantKey, extensionKey }: Of,
  { outcome = null, mode = null }: CallFilter,
  page: { readonly first: number; readonly before: { readonly moment: Date; readonly key: string } | null },
): Promise<StoredCall[]> {
  const { first, before } = page;
  return await sql.run(selectPage, [
    ...[tenantKey, extensionKey, mode === null ? MODES : [mode], outcome === null ? OUTCOMES : [outcome]],
    ...[before?.moment ?? 'infinity', before?.key ?? LAST_KEY, first + 1],
  ]);
}

/** Calls that were really asked, newest first. */
export async function findCallsForReplay(
  sql: Sql,
  { tenantKey, extensionKey }: Of,
  {
    outcome = null,
    mode = null,
    since = null,
    until = null,
    first,
  }: CallFilter & { since?: Date | null; until?: Date | null; first: number },
): Promise<StoredCall[]> {
  const outcomes = outcome === null ? ASKED : ASKED.filter((one) => one === outcome);
  return await sql.run(selectForReplay, [
    ...[tenantKey, extensionKey, mode === null ? MODES : [mode], outcomes],
    ...[since ?? '-infinity', until ?? 'infinity', first],
  ]);
}

export async function readHealth(sql: Sql, { tenantKey, extensionKey }: Of): Promise<CallHealth> {
  const modes: readonly CallMode[] = ['LIVE', 'CANARY', 'SHADOW'];
  const [row] = await sql.run(selectHealth, [tenantKey, extensionKey, modes, ASKED]);
  return row ?? { calls: 0, failures: 0, p50Ms: null, p99Ms: null };
}

/** What the last calls of the newest revision that counted came to, the most frequent first. */
export async function findLatestOutcomes(
  sql: Sql,
  { tenantKey, extensionKey, stage, version, stagedAt }: RegisteredExtension,
) {
  return await sql.run(selectLatest, [tenantKey, extensionKey, [stage], ASKED, version, stagedAt]);
}

/** How the shadow's answers compare, and the newest of those that differ. */
export async function readShadow(sql: Sql, { tenantKey, extensionKey }: Of, since: Date | null) {
  const values = [tenantKey, extensionKey, ['SHADOW'], ASKED, since ?? '-infinity'];
  const [[counts], differing] = await Promise.all([
    sql.run(selectShadow, values),
    sql.run(selectDiffering, values),
  ]);
  return { ...(counts ?? { calls: 0, same: 0, different: 0, failed: 0 }), differing };
}

/** Extensions that count and failed lately, or that may be too slow. */
export async function findFailing(sql: Sql, tenantKey: string): Promise<string[]> {
  const rows = await sql.run(selectFailing, [tenantKey, FAILURES]);
  return rows.map(({ extensionKey }) => extensionKey);
}

/** Forgets some of the calls that are older than so many days; answers how many. */
export async function forgetCalls(
  tx: Transaction,
  tenantKey: string,
  days: number,
  most: number,
): Promise<number> {
  await tx.run(deleteOldSeals, [tenantKey, days, most]);
  return (await tx.run(deleteOld, [tenantKey, days, most])).length;
}
