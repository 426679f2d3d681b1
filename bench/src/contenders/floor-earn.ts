import { createHash } from 'node:crypto';
import type pg from 'pg';
import { v7 } from 'uuid';
import { fromPublicId, toPublicId } from '../ids.ts';

export interface EarnInput {
  readonly idempotencyKey: string;
  readonly memberId: string;
  readonly asset: string;
  readonly amount: string;
  readonly reason?: string | null;
  readonly reference?: { readonly type: string; readonly id: string } | null;
}

/** Locks the ledger, and settles when what is earned now expires: at the end of a local month, in a year. */
const lockLedger = {
  name: 'lock',
  text: `
    select l.ledger_id, l.posted, l.pending, l.held, l.version, t.program_version,
           greatest(date_trunc('milliseconds', now()), l.recorded_at) as now,
           (date_trunc('month', (now() at time zone 'Asia/Shanghai') + interval '12 months')
             + interval '1 month') at time zone 'Asia/Shanghai' as expires_at
      from ledger l
      join member m on m.tenant_id = l.tenant_id and m.member_id = l.member_id and m.status = 'ACTIVE'
      join tenant t on t.tenant_id = l.tenant_id
     where l.tenant_id = $1 and l.member_id = $2 and l.asset = $3
       for update of l`,
};
const insertLot = {
  name: 'lot',
  text: `
    with made as (
      insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at, expires_at,
                              matured_at)
      values ($1, $2, $3, $4, $5, $6, $7, $6))
    insert into open_lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, lost, pending,
                          available_at, expires_at)
    values ($1, $2, $3, $4, $5, $5, 0, 0, false, $6, $7)`,
};
/** Ledger, feed and entry in one statement, last: the feed's row stays locked until the commit. */
const writeEntry = {
  name: 'entry',
  text: `
    with feed as (
      update tenant_feed set position = position + 1 where tenant_id = $1 returning position),
    left_as as (
      update ledger set posted = posted + $4, version = $3, recorded_at = $6,
                        settle_at = least(settle_at, $7), feed_position = (select position from feed)
       where tenant_id = $1 and ledger_id = $2 returning posted, pending, held)
    insert into stored_entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_after,
                              pending_after, held_after, feed_position, reason, available_at, expires_at,
                              occurred_at, account, program_version, reference_type, reference_id,
                              input_hash)
    select $1, $2, $3, $5, 'EARN', $4, l.posted, nullif(l.pending, 0), nullif(l.held, 0), f.position, $8, $6, $7,
           $6, 'I', $9, $10, $11, $12
      from feed f, left_as l
    returning posted_after`,
};

/** The operation's id is the key: it isn't one already, and stands beside no other answer. */
const bindKey = { name: 'key', text: 'select bind_to_operations($1, array[$2::uuid])' };

/** All of it in one call; `floor-function.sql` has it. */
const callFunction = {
  name: 'function',
  text: 'select * from floor_earn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
};

interface LockedLedger {
  ledger_id: string;
  posted: string;
  pending: string;
  held: string;
  version: string;
  program_version: number;
  now: string;
  expires_at: string;
}
interface Posted {
  readonly operationKey: string;
  readonly ledger: Pick<LockedLedger, 'ledger_id' | 'pending' | 'held' | 'now' | 'expires_at'>;
  readonly version: string;
  readonly postedAfter: string;
}

/** Credits an amount in one interactive transaction; answers as the schema says. */
export async function earnPoints(
  pool: pg.Pool,
  tenantKey: string,
  input: EarnInput,
  asset: unknown,
): Promise<unknown> {
  const client = await pool.connect();
  let posted: Posted;
  try {
    await client.query('begin');
    posted = await post(client, tenantKey, input);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
  return toPayload(input, posted, asset);
}

/** Credits an amount by one call of an SQL function; answers as the schema says. */
export async function earnPointsByFunction(
  pool: pg.Pool,
  tenantKey: string,
  input: EarnInput,
  asset: unknown,
): Promise<unknown> {
  const { idempotencyKey, amount, reason = null, reference } = input;
  const operationKey = digestOf(idempotencyKey);
  const { rows } = await pool.query<LockedLedger & { posted_after: string }>({
    ...callFunction,
    values: [
      ...[tenantKey, operationKey, hashOf(input), fromPublicId(input.memberId), input.asset, amount],
      ...[reason, reference?.type ?? null, reference?.id ?? null, v7()],
    ],
  });
  const [ledger] = rows;
  if (ledger === undefined) throw new Error('The function answered nothing.');
  const posted = { operationKey, ledger, version: ledger.version, postedAfter: ledger.posted_after };
  return toPayload(input, posted, asset);
}

function hashOf({ idempotencyKey: _, ...request }: EarnInput): Buffer {
  return createHash('sha256')
    .update(`earnPoints\n${JSON.stringify(request)}`)
    .digest();
}

/** A key as the product keeps it. */
function digestOf(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex');
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

async function post(client: pg.PoolClient, tenantKey: string, input: EarnInput): Promise<Posted> {
  const operationKey = digestOf(input.idempotencyKey);
  const hash = hashOf(input);
  const locked = await client.query<LockedLedger>({
    ...lockLedger,
    values: [tenantKey, fromPublicId(input.memberId), input.asset],
  });
  const [ledger] = locked.rows;
  if (ledger === undefined) throw new Error('There is no such active member with such a ledger.');
  const { ledger_id: ledgerKey, now, expires_at: expiresAt } = ledger;
  const { amount, reason = null, reference } = input;
  const version = String(BigInt(ledger.version) + 1n);
  const referred = [reference?.type ?? null, reference?.id ?? null];
  const lot = [tenantKey, ledgerKey, v7(), operationKey, amount, now, expiresAt];
  await client.query({ ...insertLot, values: lot });
  const operation = [ledger.program_version, ...referred, hash];
  const entry = [tenantKey, ledgerKey, version, amount, operationKey, now, expiresAt, reason, ...operation];
  const written = await client.query<{ posted_after: string }>({ ...writeEntry, values: entry });
  await client.query({ ...bindKey, values: [tenantKey, operationKey] });
  return { operationKey, ledger, version, postedAfter: written.rows[0]?.posted_after ?? '' };
}

function toPayload(
  { amount }: EarnInput,
  { operationKey, ledger, version, postedAfter }: Posted,
  asset: unknown,
): unknown {
  const entry = {
    id: `${toPublicId('ent', ledger.ledger_id)}_${Number(version).toString(36)}`,
    asset,
    amount,
    postedDelta: amount,
    pendingDelta: '0',
    heldDelta: '0',
    balanceAfter: postedAfter,
    version,
    status: 'POSTED',
    availableAt: ledger.now,
    expiresAt: ledger.expires_at,
  };
  const available = String(BigInt(postedAfter) - BigInt(ledger.held));
  return {
    operation: {
      id: toPublicId('op', operationKey),
      kind: 'EARN',
      createdAt: ledger.now,
      entries: [entry],
    },
    ledger: {
      id: toPublicId('led', ledger.ledger_id),
      balance: { available, pending: ledger.pending, held: ledger.held },
      version,
    },
    userErrors: [],
  };
}
