import { statement, type Transaction } from '../../persistence/index.ts';
import { type ClaimedLimit, type Limit, windowStart } from './limit.policy.ts';

/** Stands for everybody in the counters' keys. */
const EVERYBODY = '00000000-0000-0000-0000-000000000000';

/** Locks each counter, in the order of their keys so that no two transactions wait for each other. */
const claimCounters = statement<{ subject: string; memberKey: string; windowStart: string; used: bigint }>(
  'limit.claim',
  `insert into limit_counter (tenant_id, subject, member_id, window_start)
   select $1, c.subject, c.member_id, c.window_start
     from unnest($2::text[], $3::uuid[], $4::date[]) as c (subject, member_id, window_start)
    order by c.subject, c.member_id, c.window_start
   on conflict (tenant_id, subject, member_id, window_start) do update set used = limit_counter.used
   returning subject, member_id as "memberKey", window_start as "windowStart", used`,
);
const addToCounters = statement(
  'limit.add',
  `update limit_counter set used = limit_counter.used + c.amount
     from unnest($2::text[], $3::uuid[], $4::date[], $5::bigint[])
       as c (subject, member_id, window_start, amount)
    where limit_counter.tenant_id = $1 and limit_counter.subject = any($2::text[])
      and limit_counter.member_id = any($3::uuid[]) and limit_counter.window_start = any($4::date[])
      and limit_counter.subject = c.subject and limit_counter.member_id = c.member_id
      and limit_counter.window_start = c.window_start`,
);

const addToOther = statement(
  'limit.merge',
  `insert into limit_counter (tenant_id, subject, member_id, window_start, used)
   select $1, c.subject, $3::uuid, c.window_start, c.used from limit_counter c
    where c.tenant_id = $1 and c.member_id = $2::uuid and c.used <> 0
    order by c.subject, c.window_start
   on conflict (tenant_id, subject, member_id, window_start)
      do update set used = limit_counter.used + excluded.used`,
);

function keyOf(subject: string, memberKey: string | null, start: string): string {
  return `${subject}|${memberKey ?? EVERYBODY}|${start}`;
}

/**
 * Locks the counters of these limits in the windows around a moment, and tells what of them is used up. Only
 * one transaction at a time can be between this and its COMMIT, so what is decided by it holds.
 */
export async function claimLimits(
  tx: Transaction,
  tenantKey: string,
  limits: readonly Limit[],
  { moment, timeZone }: { readonly moment: Date; readonly timeZone: string },
): Promise<ClaimedLimit[]> {
  const [claimed = []] = await claimLimitsOfMany(tx, tenantKey, [{ limits, moment }], timeZone);
  return claimed;
}

/**
 * As `claimLimits`, for many occasions at once, each with its own moment. Those that share a counter share
 * its `used`: whoever takes something of it adds that, so that the next occasion doesn't find it.
 */
export async function claimLimitsOfMany(
  tx: Transaction,
  tenantKey: string,
  occasions: readonly { readonly limits: readonly Limit[]; readonly moment: Date }[],
  timeZone: string,
): Promise<ClaimedLimit[][]> {
  const counters = new Map<string, ClaimedLimit>();
  const keys = occasions.map(({ limits, moment }) =>
    limits.map((limit) => {
      const start = windowStart(limit.window, moment, timeZone);
      const key = keyOf(limit.subject, limit.memberKey, start);
      counters.set(key, { ...limit, windowStart: start, used: 0n });
      return key;
    }),
  );
  if (counters.size === 0) return keys.map(() => []);
  const wanted = [...counters.values()];
  const rows = await tx.run(claimCounters, [
    tenantKey,
    wanted.map(({ subject }) => subject),
    wanted.map(({ memberKey }) => memberKey ?? EVERYBODY),
    wanted.map((one) => one.windowStart),
  ]);
  for (const row of rows) {
    const counter = counters.get(keyOf(row.subject, row.memberKey, row.windowStart));
    if (counter !== undefined) counter.used = row.used;
  }
  return keys.map((own) => own.flatMap((key) => counters.get(key) ?? []));
}

/** What one member used up of limits is used up for another too, whom they live on in. */
export async function mergeLimits(
  tx: Transaction,
  tenantKey: string,
  from: string,
  into: string,
): Promise<void> {
  await tx.run(addToOther, [tenantKey, from, into]);
}

/** Counts what was taken of claimed limits (below zero: given back); each of them at most once a call. */
export async function countLimits(
  tx: Transaction,
  tenantKey: string,
  taken: readonly { readonly limit: ClaimedLimit; readonly amount: bigint }[],
): Promise<void> {
  const counted = taken.filter(({ amount }) => amount !== 0n);
  if (counted.length === 0) return;
  await tx.run(addToCounters, [
    tenantKey,
    counted.map(({ limit }) => limit.subject),
    counted.map(({ limit }) => limit.memberKey ?? EVERYBODY),
    counted.map(({ limit }) => limit.windowStart),
    counted.map(({ amount }) => amount),
  ]);
}
