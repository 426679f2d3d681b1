import { hash as hashOf } from 'node:crypto';
import { configure } from 'safe-stable-stringify';
import { type ErrorCatalogue, refuse } from '../kernel/errors.ts';
import { sparse } from './sql/sparse.ts';
import { type Sql, statement } from './sql/statement.ts';
import type { Transaction } from './sql/transaction.ts';

export const idempotencyErrors = {
  IDEMPOTENCY_CONFLICT: {
    en: 'The idempotency key was used before with another input. Send the same input, or a new key.',
    'zh-CN': '该幂等键已用于不同的请求内容。请发送相同内容，或换用新的键。',
  },
  IDEMPOTENCY_KEY_INVALID: {
    en: 'An idempotency key has 1 to 200 characters. Send such a key.',
    'zh-CN': '幂等键长度为 1 至 200 个字符，请按此发送。',
  },
} satisfies ErrorCatalogue;

/** A mutation that is about to run. */
export interface IdempotentRequest {
  /** Its key's digest: of the text that the caller sent the first half of the SHA-256, as a UUID of version 8. */
  readonly key: string;
  /** SHA-256 of the mutation's name and its coerced input. */
  readonly hash: Buffer;
}

/** A key that is bound: to which request, and what that one answered. */
export interface BoundKey {
  readonly key: string;
  /** Null where an older release left it to the operation, and that one is lost. */
  readonly hash: Buffer | null;
  readonly result: unknown;
}

/** What a request answered: an id, where it names one operation or activity and no more; JSON otherwise. */
const RESULT = `case when operation_id is not null then jsonb_build_object('operation', operation_id)
                     when activity_id is not null then jsonb_build_object('activity', activity_id)
                     else result end as result`;
/** The request's own, or that of the operation which keeps it, as an older release has it. */
const HASH = `coalesce(i.request_hash, (select o.input_hash from operation o
  where o.tenant_id = $1 and o.operation_id = i.operation_id)) as hash`;
/** And operations whose id is a key: each has one entry. */
const find = statement<Pick<BoundKey, 'hash' | 'result'>>(
  'idempotency.find',
  `select ${HASH}, ${RESULT} from idempotency i where i.tenant_id = $1 and i.key = $2
   union all
   select e.input_hash, jsonb_build_object('operation', e.operation_id) from stored_entry e
    where e.tenant_id = $1 and e.operation_id = $2 and e.program_version is not null`,
);
/** One by one, so that each is looked up by its whole key, whatever the tables held when this was planned. */
const findAnswered = statement<BoundKey>(
  'idempotency.find_answered',
  `select f.* from unnest($2::uuid[]) as k (key)
    cross join lateral (
      select i.key, ${HASH}, ${RESULT} from idempotency i where i.tenant_id = $1 and i.key = k.key offset 0) f`,
);
/** In the same way, and among operations. */
const findMany = statement<BoundKey>(
  'idempotency.find_many',
  `select f.* from unnest($2::uuid[]) as k (key)
    cross join lateral (
      select i.key, ${HASH}, ${RESULT} from idempotency i where i.tenant_id = $1 and i.key = k.key
      union all
      select e.operation_id, e.input_hash, jsonb_build_object('operation', e.operation_id) from stored_entry e
       where e.tenant_id = $1 and e.operation_id = k.key and e.program_version is not null
      offset 0) f`,
);
const checkOperations = statement(
  'idempotency.bind_to_operations',
  'select bind_to_operations($1, $2::uuid[])',
);
const checkAnswers = statement('idempotency.bind_to_answers', 'select bind_to_answers($1, $2::uuid[])');
const bindMany = statement(
  'idempotency.bind_many',
  `insert into idempotency (tenant_id, key, request_hash, result, operation_id, activity_id, created_at)
   select $1, k.key, k.hash, k.result, k.operation_id, k.activity_id, (select business_time())
     from (select unnest($2::uuid[]) as key, unnest($3::bytea[]) as hash, unnest($4::jsonb[]) as result,
                  unnest($5::uuid[]) as operation_id, unnest($6::uuid[]) as activity_id) k
    order by k.key`,
);
const claim = statement<{ key: string }>(
  'idempotency.claim',
  `insert into idempotency (tenant_id, key, request_hash, result, operation_id, activity_id, created_at)
   values ($1, $2, $3, $4, $5, $6, business_time()) on conflict do nothing returning key`,
);

const KEY = /^[0-9a-f-]{36}$/;
const stringify = configure({ bigint: false });

/**
 * What identifies a mutation: its key, and SHA-256 over its name and input, without the key and `dryRun`.
 * @throws Refusal IDEMPOTENCY_KEY_INVALID
 */
export function idempotentRequest(
  mutation: string,
  input: { readonly idempotencyKey: string; readonly dryRun?: unknown },
): IdempotentRequest {
  const { idempotencyKey, dryRun: _, ...rest } = input;
  if (idempotencyKey.length < 1 || idempotencyKey.length > 200) {
    throw refuse('IDEMPOTENCY_KEY_INVALID', ['idempotencyKey']);
  }
  const hash = hashOf('sha256', `${mutation}\n${canonical(rest)}`, 'buffer');
  return { key: digestOf(idempotencyKey), hash };
}

/** What stands for a key: as unlike that of any other as a random UUID. `request_key` is the same in SQL. */
export function digestOf(key: string): string {
  const hex = hashOf('sha256', key, 'hex');
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) & 3);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** JSON with all keys in order. */
function canonical(value: object): string | undefined {
  if (isInOrder(value)) return JSON.stringify(value);
  return holdsBigint(value) ? stringify(value, spellBigint) : stringify(value);
}

/** Whether plain JSON, which is made faster, is the same: all keys are in order, and nothing is a bigint. */
function isInOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint';
  if (value instanceof Date) return true;
  if (Array.isArray(value)) return value.every(isInOrder);
  let before = '';
  for (const [key, inner] of Object.entries(value)) {
    if (key < before || !isInOrder(inner)) return false;
    before = key;
  }
  return true;
}

/** Whether the slower way of stringifying is needed. */
function holdsBigint(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint';
  return Object.values(value).some(holdsBigint);
}

function spellBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

/**
 * The stored result of a request that was carried out before; null when its key is new.
 * @throws Refusal IDEMPOTENCY_CONFLICT when the key belongs to another request
 */
export async function findResult<Result>(
  sql: Sql,
  tenantKey: string,
  request: IdempotentRequest,
): Promise<Result | null> {
  const [row] = await sql.run(find, [tenantKey, request.key]);
  return row === undefined ? null : resultFor<Result>(request, row);
}

/**
 * What a request whose key is bound already answers.
 * @throws Refusal IDEMPOTENCY_CONFLICT when the key belongs to another request
 */
export function resultFor<Result>(
  request: IdempotentRequest,
  bound: Pick<BoundKey, 'hash' | 'result'>,
): Result {
  if (bound.hash?.equals(request.hash) !== true) {
    throw refuse('IDEMPOTENCY_CONFLICT', ['idempotencyKey']);
  }
  return bound.result as Result;
}

/** Those of many keys that are bound. */
export async function findBound(sql: Sql, tenantKey: string, keys: readonly string[]): Promise<BoundKey[]> {
  return await sql.run(findMany, [tenantKey, keys]);
}

/**
 * Those of many keys that are bound, but for those that are operations: for who binds them to answers, and
 * is told at COMMIT of the few that are.
 */
export async function findAnswers(sql: Sql, tenantKey: string, keys: readonly string[]): Promise<BoundKey[]> {
  return await sql.run(findAnswered, [tenantKey, keys]);
}

/**
 * Binds keys that were free a moment ago to operations which have them as their ids, and one entry each. A
 * unique violation at COMMIT tells that another transaction has one.
 */
export function bindToOperations(tx: Transaction, tenantKey: string, keys: readonly string[]): void {
  tx.check(checkOperations, [tenantKey, keys]);
}

/**
 * Binds keys that were free a moment ago. A unique violation, here or at COMMIT, tells that another
 * transaction has one.
 */
export async function bindKeys(
  tx: Transaction,
  tenantKey: string,
  bound: readonly (BoundKey & { readonly hash: Buffer })[],
): Promise<void> {
  const keys = bound.map(({ key }) => key);
  tx.check(checkAnswers, [tenantKey, keys]);
  const answers = bound.map(({ result }) => answerOf(result));
  await tx.run(bindMany, [
    tenantKey,
    keys,
    bound.map(({ hash }) => hash),
    sparse(answers, ({ json }) => json),
    sparse(answers, ({ operation }) => operation),
    sparse(answers, ({ activity }) => activity),
  ]);
}

/** A result as it is kept: one of the three. */
interface Answer {
  readonly json: string | null;
  readonly operation: string | null;
  readonly activity: string | null;
}

function answerOf(result: unknown): Answer {
  const { operation, activity } = onlyOneOf(result);
  if (isKey(operation)) return { json: null, operation, activity: null };
  if (isKey(activity)) return { json: null, operation: null, activity };
  return { json: JSON.stringify(result), operation: null, activity: null };
}

/** What a result names, where it names one thing. */
function onlyOneOf(result: unknown): { operation?: unknown; activity?: unknown } {
  return typeof result === 'object' && result !== null && Object.keys(result).length === 1 ? result : {};
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && KEY.test(value);
}

/** Thrown by `claimKey` when another transaction has bound the key meanwhile; its result can be read now. */
class AlreadyDone extends Error {}

/**
 * Binds the key to this request and its result, within the transaction that carries it out. Waits for another
 * transaction that holds the key. A unique violation at COMMIT tells that it became an operation meanwhile.
 * @throws AlreadyDone if that one committed
 */
export async function claimKey(
  tx: Transaction,
  tenantKey: string,
  request: IdempotentRequest,
  result: unknown,
): Promise<void> {
  const { json, operation, activity } = answerOf(result);
  tx.check(checkAnswers, [tenantKey, [request.key]]);
  const values = [tenantKey, request.key, request.hash];
  const claimed = await tx.run(claim, [...values, json, operation, activity]);
  if (claimed.length === 0) throw new AlreadyDone('The request was carried out before.');
}
