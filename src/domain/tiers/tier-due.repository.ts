import { newKey } from '../../kernel/ids.ts';
import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { TierDue } from './tier-due.entity.ts';

/** What is to be evaluated, and on which occasion. */
export type DueTier = Pick<TierDue, 'memberKey' | 'ladder' | 'markKey' | 'cause'>;

/** How long a job leaves to the request that marked it, which evaluates right after its commit. */
const LEFT_TO_REQUEST_MS = 10_000;

/** What a review marked, a later act doesn't make less of. */
const insertDue = statement(
  'tier_due.mark',
  `insert into tier_due (tenant_id, member_id, ladder, mark_id, cause, failures, next_attempt_at)
   select $1, d.member_id, d.ladder, d.mark_id, d.cause, 0, now() + $6::float8 * interval '1 millisecond'
     from unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[]) as d (member_id, ladder, mark_id, cause)
    order by d.member_id, d.ladder
   on conflict (tenant_id, member_id, ladder)
   do update set mark_id = excluded.mark_id, failures = 0, next_attempt_at = excluded.next_attempt_at,
                 cause = case when excluded.cause = 'REACHED' then tier_due.cause else excluded.cause end`,
);
const dueColumns = 'member_id as "memberKey", ladder, mark_id as "markKey", cause';
const selectDue = statement<DueTier>(
  'tier_due.due',
  `select ${dueColumns} from tier_due where tenant_id = $1 and next_attempt_at <= now()
    order by next_attempt_at limit $2`,
);
const selectDueOf = statement<DueTier>(
  'tier_due.of',
  `select ${dueColumns} from tier_due where tenant_id = $1 and member_id = $2 and ladder = $3 for update`,
);
const deleteDue = statement(
  'tier_due.settle',
  'delete from tier_due where tenant_id = $1 and member_id = $2 and ladder = $3 and mark_id = $4',
);
const renewDue = statement<DueTier>(
  'tier_due.renew',
  `update tier_due set mark_id = $4 where tenant_id = $1 and member_id = $2 and ladder = $3
   returning ${dueColumns}`,
);
/** Two seconds at first, an hour in the end. */
const postponeDue = statement(
  'tier_due.postpone',
  `update tier_due
      set failures = failures + 1,
          next_attempt_at = now() + least(3600, power(2, least(failures, 11) + 1)) * interval '1 second'
    where tenant_id = $1 and member_id = $2 and ladder = $3 and mark_id = $4`,
);

/** Leaves tiers to be evaluated; where something was counted, under the lock of the members' tiers. */
export async function markDue(tx: Transaction, tenantKey: string, due: readonly DueTier[]): Promise<void> {
  const isReached = due.every(({ cause }) => cause === 'REACHED');
  await tx.run(insertDue, [
    ...[tenantKey, due.map(({ memberKey }) => memberKey), due.map(({ ladder }) => ladder)],
    ...[due.map(({ markKey }) => markKey), due.map(({ cause }) => cause)],
    isReached ? LEFT_TO_REQUEST_MS : 0,
  ]);
}

/** What nobody has evaluated, the longest waiting first. */
export async function findDue(sql: Sql, tenantKey: string, most: number): Promise<DueTier[]> {
  return await sql.run(selectDue, [tenantKey, most]);
}

/** What is to be evaluated of a member in a ladder now; undefined where nothing is. */
export async function lockDueOf(
  tx: Transaction,
  tenantKey: string,
  { memberKey, ladder }: DueTier,
): Promise<DueTier | undefined> {
  const [found] = await tx.run(selectDueOf, [tenantKey, memberKey, ladder]);
  return found;
}

/** It was evaluated. */
export async function settleDue(tx: Transaction, tenantKey: string, due: DueTier): Promise<void> {
  await tx.run(deleteDue, [tenantKey, due.memberKey, due.ladder, due.markKey]);
}

/** What was asked no longer holds: it is to be asked anew. */
export async function renew(tx: Transaction, tenantKey: string, due: DueTier): Promise<DueTier | null> {
  const [renewed] = await tx.run(renewDue, [tenantKey, due.memberKey, due.ladder, newKey()]);
  return renewed ?? null;
}

/** Nobody answered: it is tried again later. */
export async function postpone(tx: Transaction, tenantKey: string, due: DueTier): Promise<void> {
  await tx.run(postponeDue, [tenantKey, due.memberKey, due.ladder, due.markKey]);
}
