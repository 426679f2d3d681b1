import { operatorContext } from '../../src/boot/index.ts';
import { type Application, composeApplication, createLogger } from '../../src/compose.ts';
import type { LedgerOperation } from '../../src/domain/ledgers/index.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import { newKey } from '../../src/kernel/ids.ts';
import { digestOf } from '../../src/persistence/idempotency.ts';
import type { Database } from '../../src/persistence/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { definitionOf, exampleText } from './programs.ts';
import { outcomesOf, type TestTenant } from './tenants.ts';

let gateway: TestGateway;
let demo: TestTenant;
/** Another process on the same database, as far as anybody can tell. */
let other: Application;

beforeAll(async () => {
  gateway = await startTestGateway();
  demo = { tenantKey: gateway.tenantKey, ctx: operatorContext(gateway.tenantKey, 'a test') };
  const { config, database } = gateway;
  const logger = createLogger('silent');
  other = await composeApplication({ config, databaseUrl: database.appUrl, plugins: [], logger });
  await gateway.application.services.programs.apply(demo.tenantKey, withStars(), 'a test');
});

afterAll(async () => {
  await other.close();
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

const times = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** The demo program with one more asset, of which nobody has a ledger yet. */
function withStars(name = 'Stars') {
  const definition = definitionOf(exampleText('demo'));
  const token = definition.assets.find(({ code }) => code === 'token');
  if (token === undefined) throw new Error('The demo program has no tokens.');
  return { ...definition, assets: [...definition.assets, { ...token, code: 'stars', name: { en: name } }] };
}

type Input = { idempotencyKey: string; memberId: string; asset: string; amount: bigint };
const inputOf = (memberId: string, amount: bigint, idempotencyKey = newRequestKey()): Input => ({
  ...{ idempotencyKey, memberId, asset: 'points', amount },
});
const earn = (input: Input, { services }: Pick<Application, 'services'> = gateway.application) =>
  services.ledgers.earn(demo.ctx, input);
const redeem = (input: Input, { services }: Pick<Application, 'services'> = gateway.application) =>
  services.ledgers.redeem(demo.ctx, input);

type Transact = Database['transaction'];

/** Runs `work` while transactions run as `replaced` says. */
async function replacing(replaced: (transact: Transact) => Transact, work: () => Promise<void>) {
  const { calls, database } = gateway.application;
  // A plugin was asked at an enrolment: what is kept of that has a transaction of its own, a moment later.
  await calls.flush();
  const held = database as { transaction: Transact };
  const before = held.transaction;
  held.transaction = replaced(before.bind(database));
  try {
    await work();
  } finally {
    held.transaction = before;
  }
}

/** How many transactions `work` takes. */
async function transactionsOf(work: () => Promise<void>): Promise<number> {
  let count = 0;
  const counting =
    (transact: Transact): Transact =>
    (...call) => {
      count += 1;
      return transact(...call);
    };
  await replacing(counting, work);
  return count;
}

async function balanceOf(memberId: string): Promise<string> {
  const asked = 'query($id: ID!) { member(id: $id) { ledger(asset: "points") { balance { available } } } }';
  const { data } = await gateway.ask(asked, { id: memberId });
  return data.member.ledger.balance.available;
}

/** What a ledger of 100 comes to when each act is done or refused in turn. */
function modelOf(acts: readonly { earns: boolean; amount: bigint }[]): { balance: bigint; done: number } {
  let [balance, done] = [100n, 0];
  for (const { earns, amount } of acts) {
    if (!earns && balance < amount) continue;
    balance += earns ? amount : -amount;
    done += 1;
  }
  return { balance, done };
}

describe('postings that arrive at once', () => {
  it('come to what they come to one by one, in few transactions', async () => {
    const memberIds = await Promise.all(times(20, () => enrol(gateway)));
    const acts = times(500, (index) => ({
      memberId: memberIds[index % 20] ?? '',
      earns: (index * 7919) % 3 === 0,
      amount: BigInt((index * 37) % 90) + 1n,
    }));
    const settled: PromiseSettledResult<LedgerOperation>[] = [];
    const transactions = await transactionsOf(async () => {
      const running = acts.map(({ memberId, earns, amount }) =>
        earns ? earn(inputOf(memberId, amount)) : redeem(inputOf(memberId, amount)),
      );
      settled.push(...(await Promise.allSettled(running)));
    });
    expect(transactions).toBeLessThan(20);
    for (const memberId of memberIds) {
      const own = acts.filter((act) => act.memberId === memberId);
      const { balance, done } = modelOf(own);
      expect(await balanceOf(memberId)).toBe(String(balance));
      const results = settled.filter((_, index) => acts[index]?.memberId === memberId);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(done);
    }
  });

  it('on one hot ledger are all there, each with its own version and position', async () => {
    const memberId = await enrol(gateway);
    const operations = await Promise.all(times(1_000, () => earn(inputOf(memberId, 1n))));
    const entries = operations.flatMap(({ writtenEntries }) => writtenEntries ?? []);
    expect(new Set(entries.map(({ version }) => version)).size).toBe(1_000);
    expect(new Set(entries.map(({ feedPosition }) => feedPosition)).size).toBe(1_000);
    expect(await balanceOf(memberId)).toBe('1100');
  });

  it('cost their neighbours nothing when they are refused, and bind no key', async () => {
    const memberIds = await Promise.all(times(10, () => enrol(gateway)));
    const keys = times(1_000, () => newRequestKey());
    const act = (index: number) => {
      const memberId = memberIds[index % 10] ?? '';
      return index % 10 < 3
        ? redeem(inputOf(memberId, 1_000_000n, keys[index]))
        : earn(inputOf(memberId, 2n, keys[index]));
    };
    expect(await outcomesOf(times(1_000, act))).toEqual({ done: 700, INSUFFICIENT_BALANCE: 300 });
    const [{ bound, apart }] = await gateway.sql(
      `select (select count(*)::int from operation where operation_id = any($1)) as bound,
              (select count(*)::int from idempotency where key = any($1)) as apart`,
      [keys.map(digestOf)],
    );
    expect({ bound, apart }).toEqual({ bound: 700, apart: 0 });
  });

  it('are found again, also where an older release kept them apart, or their answer as JSON', async () => {
    const memberId = await enrol(gateway);
    const asks = times(3, () => inputOf(memberId, 3n, newRequestKey()));
    const first = await Promise.all(asks.map((input) => earn(input)));
    const keys = asks.map(({ idempotencyKey }) => digestOf(idempotencyKey));
    const made = first.map(({ operationKey }) => operationKey);
    expect(made).toEqual(keys);
    // Their ids were of their own then.
    const [apart, spelled] = [newKey(), newKey()];
    const renamed = async (key = '', before = ''): Promise<void> => {
      await gateway.sql('update stored_entry set operation_id = $2 where operation_id = $1', [before, key]);
      await gateway.sql('update stored_lot set operation_id = $2 where operation_id = $1', [before, key]);
      await gateway.sql('update open_lot set operation_id = $2 where operation_id = $1', [before, key]);
    };
    await renamed(apart, keys[1]);
    await renamed(spelled, keys[2]);
    await gateway.sql('insert into idempotency (tenant_id, key, operation_id) values ($1, $2, $3)', [
      ...[gateway.tenantKey, keys[1], apart],
    ]);
    await gateway.sql(
      `insert into idempotency (tenant_id, key, result, request_hash, created_at)
       select tenant_id, $1, jsonb_build_object('operation', operation_id), input_hash, created_at
         from operation where operation_id = $2`,
      [keys[2], spelled],
    );
    const again = await Promise.all(asks.map((input) => earn(input)));
    expect(again.map(({ operationKey }) => operationKey)).toEqual([keys[0], apart, spelled]);
    expect(await balanceOf(memberId)).toBe('109');
    const others = asks.map((input) => earn({ ...input, amount: 4n }));
    expect(await outcomesOf(others)).toEqual({ IDEMPOTENCY_CONFLICT: 3 });
  });

  it('write nothing when all are refused, not even what time has done or a ledger that is missing', async () => {
    const [memberId, late] = [await enrol(gateway), await enrol(gateway)];
    const [{ now }] = await gateway.sql('select business_time() as now');
    await earn({ ...inputOf(late, 5n), ...{ availableAt: new Date(now.getTime() + 600_000) } });
    await gateway.advanceClock('1 hour');
    const asks = () => [
      redeem({ ...inputOf(memberId, 7_000n, 'never bound'), asset: 'stars' }),
      redeem(inputOf(late, 1_000n, 'never bound either')),
      redeem(
        inputOf(
          late.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
          1n,
          'nor this one',
        ),
      ),
    ];
    const outcomes = await expectNothingWritten(gateway, () => outcomesOf(asks()));
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(outcomes.done).toBeUndefined();
  });

  it('settle what time has done when they are accepted', async () => {
    const memberId = await enrol(gateway);
    const [{ now }] = await gateway.sql('select business_time() as now');
    await earn({ ...inputOf(memberId, 50n), ...{ availableAt: new Date(now.getTime() + 600_000) } });
    await gateway.advanceClock('1 hour');
    const done = await Promise.all([redeem(inputOf(memberId, 120n)), earn(inputOf(memberId, 1n))]);
    expect(done.map(({ writtenEntries }) => writtenEntries?.[0]?.version)).toEqual([4n, 5n]);
    expect(await balanceOf(memberId)).toBe('31');
  });
});

it('a credit that is over before it is made is spent by nobody, not even in its own batch', async () => {
  const memberId = await enrol(gateway);
  const [{ now }] = await gateway.sql('select business_time() as now');
  const moments = {
    availableAt: new Date(now.getTime() - 7_200_000),
    expiresAt: new Date(now.getTime() - 3_600_000),
  };
  const late = earn({ ...inputOf(memberId, 50n), ...moments });
  expect(await outcomesOf([late, redeem(inputOf(memberId, 101n))])).toEqual({
    done: 1,
    INSUFFICIENT_BALANCE: 1,
  });
  await redeem(inputOf(memberId, 100n));
  expect(await balanceOf(memberId)).toBe('0');
});

describe('the same key', () => {
  it('twice in one batch: the second is told what the first did', async () => {
    const memberId = await enrol(gateway);
    const input = inputOf(memberId, 5n);
    const [first, second] = await Promise.all([earn(input), earn(input)]);
    expect(second.operationKey).toBe(first.operationKey);
    expect(second.writtenEntries).toEqual(first.writtenEntries);
    expect(await balanceOf(memberId)).toBe('105');
  });

  it('with another input in one batch is a conflict, unless the first was refused', async () => {
    const memberId = await enrol(gateway);
    const key = newRequestKey();
    const outcomes = [earn(inputOf(memberId, 5n, key)), earn(inputOf(memberId, 6n, key))];
    expect(await outcomesOf(outcomes)).toEqual({ done: 1, IDEMPOTENCY_CONFLICT: 1 });
    const another = newRequestKey();
    const both = [redeem(inputOf(memberId, 5_000n, another)), earn(inputOf(memberId, 6n, another))];
    expect(await outcomesOf(both)).toEqual({ done: 1, INSUFFICIENT_BALANCE: 1 });
  });

  it('for several ledgers, in batches that run beside each other: one is done', async () => {
    const memberIds = await Promise.all(times(8, () => enrol(gateway)));
    const key = newRequestKey();
    const outcomes = await outcomesOf(memberIds.map((memberId) => earn(inputOf(memberId, 5n, key))));
    expect(outcomes).toEqual({ done: 1, IDEMPOTENCY_CONFLICT: 7 });
  });

  it('in two processes at once: one operation each, which both are told', async () => {
    const memberIds = await Promise.all(times(10, () => enrol(gateway)));
    const inputs = times(200, (index) => inputOf(memberIds[index % 10] ?? '', 3n));
    const [here, there] = await Promise.all([
      Promise.all(inputs.map((input) => earn(input))),
      Promise.all(inputs.toReversed().map((input) => earn(input, other))),
    ]);
    const keysOf = (operations: LedgerOperation[]) => operations.map(({ operationKey }) => operationKey);
    expect(keysOf(there.toReversed())).toEqual(keysOf(here));
    for (const memberId of memberIds) expect(await balanceOf(memberId)).toBe('160');
  });

  it('for ledgers that both processes make at once: each is made once', async () => {
    const memberIds = await Promise.all(times(10, () => enrol(gateway)));
    const inputs = memberIds.map((memberId) => ({ ...inputOf(memberId, 3n), asset: 'stars' }));
    const fresh = inputs.map((input) => ({ ...input, idempotencyKey: newRequestKey() }));
    const outcomes = await outcomesOf([
      ...inputs.map((input) => earn(input)),
      ...fresh.map((input) => earn(input, other)),
    ]);
    expect(outcomes).toEqual({ done: 20 });
  });
});

describe('a batch', () => {
  it('is proposed again under a program that came into force meanwhile', async () => {
    const memberIds = await Promise.all(times(4, () => enrol(gateway)));
    await earn(inputOf(memberIds[0] ?? '', 1n));
    const { programs } = other.services;
    const [first = '', ...others] = memberIds;
    const operations: LedgerOperation[] = [];
    let [transactions, version, earned] = [0, 0, 1];
    // A slow machine may forget the old program before it earns: then it is renamed once more.
    for (; transactions !== 2 && earned < 6; earned += 1) {
      await earn(inputOf(first, 1n));
      const name = `Stars, renamed ${earned}`;
      ({ version } = await programs.apply(demo.tenantKey, withStars(name), 'a test'));
      transactions = await transactionsOf(async () => {
        operations.splice(0, 1, await earn(inputOf(first, 1n)));
      });
    }
    // It found another program behind its locks, and went again.
    expect(transactions).toBe(2);
    operations.push(...(await Promise.all(others.map((memberId) => earn(inputOf(memberId, 1n))))));
    expect(operations.map(({ programVersion }) => programVersion)).toEqual(times(4, () => version));
    expect(await balanceOf(first)).toBe(String(100 + 2 * earned - 1));
  });

  it('whose connection is lost at COMMIT is looked up by its keys', async () => {
    const memberId = await enrol(gateway);
    let lost = 0;
    const losing =
      (transact: Transact): Transact =>
      async (...call) => {
        await transact(...call);
        lost += 1;
        throw new Error('Connection terminated unexpectedly');
      };
    const inputs = times(5, () => inputOf(memberId, 2n));
    const done: LedgerOperation[] = [];
    await replacing(losing, async () => {
      done.push(...(await Promise.all(inputs.map((input) => earn(input)))));
    });
    expect(lost).toBe(1);
    expect(done.map(({ writtenEntries }) => writtenEntries?.[0]?.balanceAfter)).toEqual([
      102n,
      104n,
      106n,
      108n,
      110n,
    ]);
    expect(await balanceOf(memberId)).toBe('110');
    expect(await Promise.all(inputs.map((input) => earn(input)))).toEqual(done);
  });

  it('with a value that PostgreSQL refuses fails for that one alone', async () => {
    const memberId = await enrol(gateway);
    const good = times(4, () => inputOf(memberId, 2n));
    const bad = { ...inputOf(memberId, 2n), reason: 'a\u0000b' };
    const settled = await Promise.allSettled([...good, bad].map((input) => earn(input)));
    expect(settled.map(({ status }) => status)).toEqual([...times(4, () => 'fulfilled'), 'rejected']);
    expect(await balanceOf(memberId)).toBe('108');
  });

  it('that is lost before its COMMIT fails for all, and can be asked for again', async () => {
    const memberId = await enrol(gateway);
    const inputs = times(3, () => inputOf(memberId, 2n));
    const lost = () => Promise.reject(new Error('Connection terminated unexpectedly'));
    await replacing(
      () => lost,
      async () => {
        const failed = await Promise.allSettled(inputs.map((input) => earn(input)));
        expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
        expect(failed.some((one) => one.status === 'rejected' && one.reason instanceof Refusal)).toBe(false);
      },
    );
    await Promise.all(inputs.map((input) => earn(input)));
    expect(await balanceOf(memberId)).toBe('106');
  });
});
