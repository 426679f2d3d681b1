import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Answer, type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { WAITING_SESSIONS } from '../support/open-transactions.ts';
import { CommitProxy } from './commit-proxy.ts';

let gateway: TestGateway;
let proxy: CommitProxy;

beforeAll(async () => {
  gateway = await startTestGateway({
    through: async (url) => {
      proxy = await CommitProxy.to(url);
      return proxy.url;
    },
  });
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
  await proxy.close();
});

const POSTED = 'operation { id entries { amount version balanceAfter } } userErrors { code }';

/** The balance covers it once: done twice, it would be refused. */
const ACTS: Record<string, (memberId: string) => [mutation: string, input: Json, fields: string]> = {
  'earnPoints, which is gathered into a batch': (memberId) => [
    ...(['earnPoints', { memberId, asset: 'points', amount: '7' }, POSTED] as const),
  ],
  'redeemPoints, which is gathered into a batch': (memberId) => [
    ...(['redeemPoints', { memberId, asset: 'points', amount: '80' }, POSTED] as const),
  ],
  'holdPoints, in a transaction of its own': (memberId) => [
    'holdPoints',
    { memberId, asset: 'points', amount: '80' },
    `hold { id amount status } ${POSTED}`,
  ],
  'recordActivity, in a transaction of its own': (memberId) => [
    'recordActivity',
    { memberId, type: 'purchase', amount: { value: '238.00', currency: 'CNY' }, order: { number: memberId } },
    'activity { id } operations { id entries { amount version balanceAfter } } userErrors { code }',
  ],
};

describe.each(Object.entries(ACTS))('%s', (_, actOf) => {
  let send: () => Promise<Answer>;
  let payload: (answer: Answer) => Json;
  let memberId: string;
  let operationsBefore: number;

  beforeEach(async () => {
    memberId = await enrol(gateway);
    // A plugin was asked: what is kept of that must not meet the cut instead.
    await gateway.application.calls.flush();
    const [mutation, input, fields] = actOf(memberId);
    const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
    const query = `mutation($input: ${type}!) { ${mutation}(input: $input) { ${fields} } }`;
    const whole = { input: { ...input, idempotencyKey: newRequestKey() } };
    send = () => gateway.ask(query, whole);
    payload = ({ data, errors }) => {
      expect(errors).toEqual([]);
      expect(data[mutation].userErrors).toEqual([]);
      return data[mutation];
    };
    operationsBefore = await countOperations();
  });

  async function countOperations(): Promise<number> {
    const [row] = await gateway.sql('select count(*)::int as count from operation');
    return row.count;
  }

  /** It is done, once, and a retry tells the same. */
  async function expectDoneOnce(done: Json): Promise<void> {
    const made = done.operations?.length ?? 1;
    expect(await countOperations()).toBe(operationsBefore + made);
    expect(payload(await send())).toEqual(done);
    expect(await countOperations()).toBe(operationsBefore + made);
  }

  it('is found by its key and answered as done when the answer to its COMMIT is lost', async () => {
    const before = proxy.met;
    proxy.arm('UNANSWERED');
    const done = payload(await send());
    expect(proxy.met).toBe(before + 1);
    await expectDoneOnce(done);
  });

  it('is not done, and said to be open, when its COMMIT is lost; its retry does it', async () => {
    const before = proxy.met;
    await expectNothingWritten(gateway, async () => {
      proxy.arm('LOST');
      const { status, errors } = await send();
      expect(proxy.met).toBe(before + 1);
      expect(status).toBe(503);
      expect(errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
    });
    await expectDoneOnce(payload(await send()));
  });

  it('is never said to have failed while its COMMIT is on the way; its retry waits for it', async () => {
    proxy.arm('LATE');
    const { status, errors } = await send();
    expect(status).toBe(503);
    expect(errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
    const retry = send();
    await untilSomebodyWaits();
    proxy.deliver();
    await expectDoneOnce(payload(await retry));
  });
});

/** Until the retry stands behind a lock of the transaction that is not committed yet. */
async function untilSomebodyWaits(): Promise<void> {
  for (;;) {
    const [row] = await gateway.sql(WAITING_SESSIONS);
    if (row.waiting > 0) return;
  }
}
