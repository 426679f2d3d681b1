import type pg from 'pg';
import { operatorContext } from '../../src/boot/index.ts';
import { type Application, composeApplication, createLogger } from '../../src/compose.ts';
import { IdentityKind } from '../../src/domain/members/index.ts';
import type { RequestContext } from '../../src/kernel/request-context.ts';
import { digestOf } from '../../src/persistence/idempotency.ts';
import type { Database } from '../../src/persistence/index.ts';
import { connect } from '../persistence/furnished.ts';
import { auditLedgers } from '../support/audit.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { WAITING_SESSIONS } from '../support/open-transactions.ts';
import { untilHolds } from '../support/until-holds.ts';
import { outcomesOf } from './tenants.ts';

/*
 * A key is an operation's id, or stands beside its answer, and no unique index reaches over both: what is told
 * here of one key in both ways at once is kept by the two functions that bind it.
 */

let gateway: TestGateway;
let ctx: RequestContext;
/** Another process on the same database, as far as anybody can tell. */
let other: Application;

beforeAll(async () => {
  gateway = await startTestGateway();
  ctx = operatorContext(gateway.tenantKey, 'a test');
  const { config, database } = gateway;
  const logger = createLogger('silent');
  other = await composeApplication({ config, databaseUrl: database.appUrl, plugins: [], logger });
});

afterAll(async () => {
  await other.close();
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

/** What one key is asked for: what becomes an operation, and what has another answer. */
interface Ways {
  operation(application: Application): Promise<unknown>;
  answer(application: Application): Promise<unknown>;
}

async function waysOf(name: 'a hold' | 'an enrolment'): Promise<Ways> {
  const idempotencyKey = newRequestKey();
  const posted = { idempotencyKey, memberId: await enrol(gateway), asset: 'points', amount: 5n };
  const held = { ...posted, memberId: await enrol(gateway) };
  const identities = [{ ...newIdentity(), kind: IdentityKind.CARD }];
  return {
    operation: ({ services }) => services.ledgers.earn(ctx, posted),
    answer: ({ services }) =>
      name === 'a hold'
        ? services.holds.hold(ctx, held)
        : services.members.create(ctx, { idempotencyKey, identities }),
  };
}

/** Lets the first transaction of `work` that is about to end wait until `meanwhile` is done. */
async function heldUp<Result>(
  work: () => Promise<Result>,
  meanwhile: () => Promise<unknown>,
): Promise<Promise<Result>> {
  const { calls, database } = gateway.application;
  await calls.flush();
  const replaced = database as { transaction: Database['transaction'] };
  const before = replaced.transaction;
  const transact = before.bind(database);
  let isFirst = true;
  replaced.transaction = async (tenantKey, act, options) => {
    const actAndWait: typeof act = async (tx) => {
      const result = await act(tx);
      if (isFirst) {
        isFirst = false;
        await meanwhile();
      }
      return result;
    };
    return await transact(tenantKey, actAndWait, options);
  };
  try {
    return await work();
  } finally {
    replaced.transaction = before;
  }
}

describe.each(['a hold', 'an enrolment'] as const)('one key for a posting and for %s', (name) => {
  it('in turns: the first is done, and the other is in conflict', async () => {
    for (const order of [['operation', 'answer'] as const, ['answer', 'operation'] as const]) {
      const ways = await waysOf(name);
      for (const way of order) {
        const expected = way === order[0] ? { done: 1 } : { IDEMPOTENCY_CONFLICT: 1 };
        expect(await outcomesOf([ways[way](gateway.application)])).toEqual(expected);
      }
    }
  });

  it.each([
    ['operation', 'answer'],
    ['answer', 'operation'],
  ] as const)('the %s is done while the %s is about to end: that is in conflict', async (done, late) => {
    const ways = await waysOf(name);
    const held = heldUp(
      () => ways[late](gateway.application),
      () => ways[done](other),
    );
    expect(await outcomesOf([held])).toEqual({ IDEMPOTENCY_CONFLICT: 1 });
    expect(await outcomesOf([ways[done](gateway.application)])).toEqual({ done: 1 });
  });

  it('at once, from two processes, many times: one is done', async () => {
    for (let round = 0; round < 20; round += 1) {
      const ways = await waysOf(name);
      const [here, there] = round % 2 === 0 ? [gateway.application, other] : [other, gateway.application];
      expect(await outcomesOf([ways.operation(here), ways.answer(there)])).toEqual({
        done: 1,
        IDEMPOTENCY_CONFLICT: 1,
      });
    }
  });
});

it('among activities that are recorded together, the key of a posting is in conflict, and costs no other', async () => {
  const { activities, ledgers } = gateway.application.services;
  const memberId = await enrol(gateway);
  const keys = Array.from({ length: 9 }, () => newRequestKey());
  const [, , taken = ''] = keys;
  await ledgers.earn(ctx, { idempotencyKey: taken, memberId, asset: 'points', amount: 5n });
  const lines = keys.map((idempotencyKey) => ({ idempotencyKey, memberId, type: 'scan' }));
  const told = await activities.recordAll(ctx, lines, { isImport: true });
  expect(told.map((refusal) => refusal?.reasons[0]?.code ?? null)).toEqual(
    keys.map((key) => (key === taken ? 'IDEMPOTENCY_CONFLICT' : null)),
  );
});

describe('the last statement before COMMIT', () => {
  const keys = [digestOf('kept already')];
  const answer = `insert into idempotency (tenant_id, key, request_hash, result, created_at)
                  values ($1, $2, '', '{}', now())`;
  const operation = `insert into stored_entry (tenant_id, ledger_id, version, operation_id, kind, amount,
                       posted_after, feed_position, occurred_at, program_version)
                     values ($1, $1, 1, $2, 'EARN', 1, 1, 1, now(), 1)`;
  const binding = {
    answer: 'select bind_to_answers($1, array[$2::uuid])',
    operation: 'select bind_to_operations($1, array[$2::uuid])',
  };
  let [first, second]: pg.Client[] = [];

  beforeEach(async () => {
    [first, second] = [await connect(gateway.database.appUrl), await connect(gateway.database.appUrl)];
    for (const client of [first, second]) {
      await client.query('begin');
      await client.query(`select set_config('app.tenant_id', $1, true)`, [gateway.tenantKey]);
    }
  });
  afterEach(async () => {
    await Promise.all([first?.end(), second?.end()]);
  });

  it.each([
    ['answer', answer, 'operation', operation],
    ['operation', operation, 'answer', answer],
  ] as const)('of an %s lets the other wait until that has ended', async (way, bind, otherWay, otherBind) => {
    // Each in a transaction that is open: neither sees the other, and no index is violated.
    const values = [gateway.tenantKey, keys[0]];
    await first?.query(bind, values);
    await second?.query(otherBind, values);
    await first?.query(binding[way], values);
    const waiting = second?.query(binding[otherWay], values);
    await untilHolds(async () => {
      const [row] = await gateway.sql<{ waiting: number }>(WAITING_SESSIONS);
      return row?.waiting === 1;
    }, 'the second waits');
    await first?.query('rollback');
    await waiting;
    // What the first one commits, a third one finds.
    await second?.query('savepoint here');
    await expect(second?.query(binding[way], values)).rejects.toMatchObject({ code: '23505' });
  });
});

it('a key is the same in SQL', async () => {
  for (const key of ['order-1', '订单 1', '', 'k'.repeat(200)]) {
    const [row] = await gateway.sql<{ key: string }>('select request_key($1) as key', [key]);
    expect(row?.key).toBe(digestOf(key));
  }
});
