import { operatorContext } from '../../src/boot/index.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
import type { RequestContext } from '../../src/kernel/request-context.ts';
import { outcomesOf } from '../ledger/tenants.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { NOON } from './acting.ts';
import { benefit, demoWith } from './programs.ts';

const PROGRAM = demoWith([
  benefit('hundred', { stock: 100 }),
  benefit('daily', { limits: { perDay: 40 } }),
  benefit('once', { uses: { perGrant: 1 } }),
  benefit('shared', { uses: { perGrant: 50, total: 20 } }),
]);

let gateway: TestGateway;
let ctx: RequestContext;
let members: string[];
beforeAll(async () => {
  gateway = await startTestGateway();
  // No day ends on the way: there is a limit for one.
  await gateway.setClock(NOON);
  await gateway.application.services.programs.apply(gateway.tenantKey, PROGRAM, 'a test');
  ctx = operatorContext(gateway.tenantKey, 'a test');
  members = await Promise.all(times(10, () => enrol(gateway)));
});
afterAll(() => gateway.close());

function times<Value>(count: number, make: (index: number) => Value): Value[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

const benefits = () => gateway.application.services.benefits;
const memberOf = (index: number): string => members[index % members.length] ?? '';
const grant = (code: string, index = 0) =>
  benefits().grant(ctx, { idempotencyKey: newRequestKey(), memberId: memberOf(index), benefit: code });
const grantId = async (code: string, index = 0): Promise<string> =>
  toPublicId('grant', (await grant(code, index)).grantKey);
const use = (id: string, idempotencyKey = newRequestKey()) =>
  benefits().use(ctx, { idempotencyKey, grantId: id });

async function countOf(text: string): Promise<number> {
  const [row] = await gateway.sql<{ count: number }>(`select count(*)::int as count from ${text}`);
  return row?.count ?? -1;
}

it('a stock of 100 gives 100 grants to 1,000 who ask at once', async () => {
  const asked = times(1_000, (index) => grant('hundred', index));
  expect(await outcomesOf(asked)).toEqual({ done: 100, GRANT_LIMIT: 900 });
  expect(await countOf(`benefit_grant where benefit = 'hundred'`)).toBe(100);
}, 300_000);

it('a stock is the same after grants and revocations at once', async () => {
  const held = await gateway.sql<{ key: string }>(
    `select grant_id as key from benefit_grant where benefit = 'hundred' limit 30`,
  );
  const revoke = (key: string) =>
    benefits().revoke(ctx, {
      idempotencyKey: newRequestKey(),
      grantId: toPublicId('grant', key),
      reason: 'test',
    });
  const asked = [
    ...held.flatMap(({ key }) => [revoke(key), revoke(key)]),
    ...times(60, (index) => grant('hundred', index)),
  ];
  const outcomes = await outcomesOf(asked);
  expect(outcomes.GRANT_NOT_AVAILABLE).toBe(30);
  await outcomesOf(times(40, (index) => grant('hundred', index)));
  expect(await countOf(`benefit_grant where benefit = 'hundred' and revoked_at is null`)).toBe(100);
  expect(await countOf(`benefit_grant where benefit = 'hundred' and takes_stock`)).toBe(100);
}, 300_000);

it('a limit for a day holds with 200 who ask at once', async () => {
  const outcomes = await outcomesOf(times(200, (index) => grant('daily', index)));
  expect(outcomes).toEqual({ done: 40, GRANT_LIMIT: 160 });
});

it('one remaining use is used once by 100 who try at once', async () => {
  const id = await grantId('once');
  expect(await outcomesOf(times(100, () => use(id)))).toEqual({ done: 1, NO_USES_LEFT: 99 });
});

it('one key is one use, with the same answer for all who sent it at once', async () => {
  const id = await grantId('shared');
  const key = newRequestKey();
  const [first, ...others] = await Promise.all(times(50, () => use(id, key)));
  expect(first?.grant.usesLeft).toBe(49);
  for (const other of others) expect(other).toEqual(first);
  expect(
    await countOf(
      "benefit_use b join benefit_grant g using (tenant_id, grant_id) where g.benefit = 'shared'",
    ),
  ).toBe(1);
});

it('a limit for everybody holds while uses come and are undone at once', async () => {
  const ids = await Promise.all(times(10, (index) => grantId('shared', index)));
  const used = await Promise.allSettled(times(60, (index) => use(ids[index % 10] ?? '')));
  const done = used.flatMap((one) => (one.status === 'fulfilled' ? [one.value.use] : []));
  // One was used above.
  expect(done).toHaveLength(19);
  const undo = (useKey: string) =>
    benefits().undo(ctx, {
      idempotencyKey: newRequestKey(),
      useId: toPublicId('use', useKey),
      reason: 'test',
    });
  const undone = await outcomesOf(done.slice(0, 5).flatMap(({ useKey }) => times(4, () => undo(useKey))));
  expect(undone).toEqual({ done: 5, USE_ALREADY_UNDONE: 15 });
  expect(await outcomesOf(times(30, (index) => use(ids[index % 10] ?? '')))).toEqual({
    done: 5,
    GRANT_LIMIT: 25,
  });
  const wrong = await gateway.sql(
    `select g.grant_id from benefit_grant g
       left join (select grant_id, count(*) filter (where undone_at is null) as live
                    from benefit_use group by grant_id) u using (grant_id)
      where g.times_used <> coalesce(u.live, 0)
         or (g.benefit = 'shared' and g.uses_left + g.times_used <> 50)`,
  );
  expect(wrong).toEqual([]);
});
