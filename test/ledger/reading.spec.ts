import { auditLedgers } from '../support/audit.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { definitionOf, exampleText } from './programs.ts';
import { enrolMember, newTenant, setClock, type TestTenant } from './tenants.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

let made = 0;

/** A member of a new tenant in New York, and how to ask as its staff. */
async function newMember(moment: string) {
  made += 1;
  const program = definitionOf(exampleText('demo').replace('Asia/Shanghai', 'America/New_York'));
  const tenant = await newTenant(gateway.application, `reader-${made}`, program);
  const { secret } = await gateway.application.services.tenants.createApiKey(tenant.tenantKey, 'a test');
  await tell(tenant, moment);
  const memberId = await enrolMember(gateway.application, tenant, `card-${made}`);
  const ask = async (selection: string) => {
    const query = `query($id: ID!) { member(id: $id) { ledger(asset: "points") { ${selection} } } }`;
    const { data, errors } = await gateway.ask(query, { id: memberId }, { 'x-api-key': secret });
    return { ledger: data?.member?.ledger, errors };
  };
  return { tenant, memberId, ask };
}

const tell = ({ tenantKey }: TestTenant, moment: string) => setClock(gateway.application, tenantKey, moment);

async function earn(
  { ctx }: TestTenant,
  memberId: string,
  amount: bigint,
  moments: { availableAt?: string; expiresAt?: string } = {},
): Promise<void> {
  made += 1;
  await gateway.application.services.ledgers.earn(ctx, {
    idempotencyKey: `earn-${made}`,
    memberId,
    asset: 'points',
    amount,
    availableAt: moments.availableAt === undefined ? null : new Date(moments.availableAt),
    expiresAt: moments.expiresAt === undefined ? null : new Date(moments.expiresAt),
  });
}

async function redeem({ ctx }: TestTenant, memberId: string, amount: bigint): Promise<void> {
  made += 1;
  const input = { idempotencyKey: `redeem-${made}`, memberId, asset: 'points', amount };
  await gateway.application.services.ledgers.redeem(ctx, input);
}

describe('the balance at a moment', () => {
  it('is what had been recorded by then, with what was due by then', async () => {
    const { tenant, memberId, ask } = await newMember('2026-05-01T12:00:00Z');
    await tell(tenant, '2026-05-02T12:00:00Z');
    await earn(tenant, memberId, 50n, {
      availableAt: '2026-05-04T00:00:00Z',
      expiresAt: '2026-05-08T00:00:00Z',
    });
    await tell(tenant, '2026-05-06T12:00:00Z');
    await redeem(tenant, memberId, 30n);
    // Due for days, but only recorded now.
    await earn(tenant, memberId, 11n, {
      availableAt: '2026-05-03T00:00:00Z',
      expiresAt: '2026-12-01T00:00:00Z',
    });
    await tell(tenant, '2026-05-10T12:00:00Z');
    await redeem(tenant, memberId, 10n);
    await tell(tenant, '2026-05-11T12:00:00Z');
    const moments: [at: string, available: string, pending: string][] = [
      ['1970-01-01T00:00:00Z', '0', '0'],
      ['2026-05-01T11:59:59Z', '0', '0'],
      ['2026-05-01T13:00:00Z', '100', '0'],
      ['2026-05-02T13:00:00Z', '100', '50'],
      ['2026-05-03T23:59:59.999Z', '100', '50'],
      ['2026-05-04T00:00:00Z', '150', '0'],
      ['2026-05-06T11:00:00Z', '150', '0'],
      ['2026-05-06T13:00:00Z', '131', '0'],
      ['2026-05-07T23:59:59.999Z', '131', '0'],
      ['2026-05-08T00:00:00Z', '111', '0'],
      ['2026-05-10T11:00:00Z', '111', '0'],
      ['2026-05-10T13:00:00Z', '101', '0'],
      ['2026-05-11T12:00:00Z', '101', '0'],
    ];
    const aliases = moments.map(
      ([at], index) => `at${index}: balance(at: "${at}") { available pending held }`,
    );
    const { ledger } = await ask(aliases.join('\n'));
    expect(Object.values(ledger)).toEqual(
      moments.map(([, available, pending]) => ({ available, pending, held: '0' })),
    );
  });

  it('doesn’t depend on when the job ran', async () => {
    const { tenant, memberId, ask } = await newMember('2026-05-01T12:00:00Z');
    await earn(tenant, memberId, 7n, {
      availableAt: '2026-05-02T00:00:00Z',
      expiresAt: '2026-05-03T00:00:00Z',
    });
    const selection = ['2026-05-01T13:00:00Z', '2026-05-02T12:00:00Z', '2026-05-03T12:00:00Z']
      .map((at, index) => `at${index}: balance(at: "${at}") { available pending }`)
      .join('\n');
    await tell(tenant, '2026-05-06T12:00:00Z');
    const before = await ask(selection);
    expect(before.ledger).toEqual({
      at0: { available: '100', pending: '7' },
      at1: { available: '107', pending: '0' },
      at2: { available: '100', pending: '0' },
    });
    await redeem(tenant, memberId, 1n);
    expect(await ask(selection)).toEqual(before);
  });

  it('can’t be told of the future', async () => {
    const { ask } = await newMember('2026-05-01T12:00:00Z');
    for (const at of ['2026-05-01T13:00:00Z', '9999-12-31T23:59:59Z']) {
      const { errors } = await ask(`balance(at: "${at}") { available }`);
      expect(errors).toMatchObject([{ extensions: { code: 'AT_IN_FUTURE', field: ['at'] } }]);
    }
  });

  it('is that of a moment wherever its offset is', async () => {
    const { tenant, ask } = await newMember('2026-05-01T12:00:00Z');
    await tell(tenant, '2026-05-01T13:00:00Z');
    const { ledger } = await ask(`
      before: balance(at: "2026-05-01T19:59:59+08:00") { available }
      after: balance(at: "2026-05-01T08:30:00-04:00") { available }`);
    expect(ledger).toEqual({ before: { available: '0' }, after: { available: '100' } });
  });
});

describe('what will expire', () => {
  const EXPIRING = (within: string): string => `expiring(within: "${within}") { amount expiresAt }`;

  it('is summed by moment, soonest first, with what is pending and without what was spent', async () => {
    const { tenant, memberId, ask } = await newMember('2026-05-01T12:00:00Z');
    const [first, second] = ['2026-05-03T00:00:00.000Z', '2026-05-05T00:00:00.000Z'];
    await earn(tenant, memberId, 30n, { expiresAt: second });
    await earn(tenant, memberId, 10n, { expiresAt: first });
    await earn(tenant, memberId, 5n, { availableAt: '2026-05-04T00:00:00Z', expiresAt: second });
    await earn(tenant, memberId, 20n, { expiresAt: second });
    await redeem(tenant, memberId, 12n);
    expect((await ask(EXPIRING('P10D'))).ledger.expiring).toEqual([{ amount: '53', expiresAt: second }]);
    await earn(tenant, memberId, 4n, { expiresAt: first });
    expect((await ask(EXPIRING('P10D'))).ledger.expiring).toEqual([
      { amount: '4', expiresAt: first },
      { amount: '53', expiresAt: second },
    ]);
  });

  it('lies after now, and no later than the end of the span', async () => {
    const { tenant, memberId, ask } = await newMember('2026-05-01T12:00:00Z');
    for (const [amount, expiresAt] of [
      [1n, '2026-05-01T12:30:00Z'],
      [2n, '2026-05-02T12:00:00Z'],
      [4n, '2026-05-02T12:30:00Z'],
    ] as const)
      await earn(tenant, memberId, amount, { expiresAt });
    await tell(tenant, '2026-05-01T12:30:00Z');
    const amounts = async (within: string): Promise<string[]> =>
      (await ask(EXPIRING(within))).ledger.expiring.map(({ amount }: { amount: string }) => amount);
    expect(await amounts('PT0S')).toEqual([]);
    expect(await amounts('PT23H')).toEqual([]);
    expect(await amounts('PT23H30M')).toEqual(['2']);
    expect(await amounts('P1D')).toEqual(['2', '4']);
    expect(await amounts('P1W')).toEqual(['2', '4']);
    // The enrolment's hundred go at the end of May of next year.
    expect(await amounts('P1Y')).toEqual(['2', '4']);
    expect(await amounts('P13M')).toEqual(['2', '4', '100']);
  });

  it.each([
    ['the short day', '2026-03-07T17:00:00Z', '2026-03-08T16:30:00Z', { P1D: 0, PT24H: 1, PT23H: 0 }],
    ['the long day', '2026-10-31T16:00:00Z', '2026-11-01T16:30:00Z', { P1D: 1, PT24H: 0, PT25H: 1 }],
  ])(
    'counts days in the tenant’s zone and hours on the clock: %s',
    async (_day, now, expiresAt, expected) => {
      const { tenant, memberId, ask } = await newMember(now);
      await earn(tenant, memberId, 1n, { expiresAt });
      for (const [within, found] of Object.entries(expected))
        expect([within, (await ask(EXPIRING(within))).ledger.expiring.length]).toEqual([within, found]);
    },
  );

  it.each(['P1001Y', 'P999999999Y', 'P-1D', 'P1.5D', 'soon'])('is not told within %s', async (within) => {
    const { ask } = await newMember('2026-05-01T12:00:00Z');
    expect((await ask(EXPIRING(within))).errors).toMatchObject([
      { extensions: { code: 'INVALID_DURATION' } },
    ]);
  });
});

describe('the pages of a ledger', () => {
  it('never shift while entries are added, and together show each once', async () => {
    const { tenant, memberId, ask } = await newMember('2026-05-01T12:00:00Z');
    for (let amount = 1n; amount <= 10n; amount += 1n) await earn(tenant, memberId, amount);
    const seen: string[] = [];
    let after = '';
    let hasNextPage = true;
    while (hasNextPage) {
      const { ledger } = await ask(
        `entries(first: 3${after}) { edges { cursor node { version } } pageInfo { hasNextPage endCursor } }`,
      );
      const { edges, pageInfo } = ledger.entries;
      seen.push(...edges.map(({ node }: { node: { version: string } }) => node.version));
      expect(pageInfo.endCursor).toBe(edges.at(-1).cursor);
      after = `, after: "${pageInfo.endCursor}"`;
      hasNextPage = pageInfo.hasNextPage;
      await earn(tenant, memberId, 100n);
      await redeem(tenant, memberId, 1n);
    }
    expect(seen).toEqual(['11', '10', '9', '8', '7', '6', '5', '4', '3', '2', '1']);
    const { ledger } = await ask('version entries(first: 2) { edges { node { version } } }');
    expect(ledger).toEqual({
      version: '19',
      entries: { edges: [{ node: { version: '19' } }, { node: { version: '18' } }] },
    });
  });

  it('are told to have no next one exactly when they haven’t', async () => {
    const { tenant, memberId, ask } = await newMember('2026-05-01T12:00:00Z');
    await earn(tenant, memberId, 1n);
    const more = async (first: number): Promise<boolean> =>
      (await ask(`entries(first: ${first}) { pageInfo { hasNextPage } }`)).ledger.entries.pageInfo
        .hasNextPage;
    expect([await more(1), await more(2), await more(3)]).toEqual([true, false, false]);
  });

  it('of lots go by expiry, then by age', async () => {
    const { tenant, memberId, ask } = await newMember('2026-05-01T12:00:00Z');
    const moments = ['2026-06-03T00:00:00Z', '2026-06-01T00:00:00Z', '2026-06-03T00:00:00Z'];
    for (const [index, expiresAt] of moments.entries())
      await earn(tenant, memberId, BigInt(index + 1), { expiresAt });
    const seen: string[] = [];
    let after = '';
    for (let page = 0; page < 2; page += 1) {
      const { ledger } = await ask(
        `lots(first: 2${after}) { edges { node { amount } } pageInfo { hasNextPage endCursor } }`,
      );
      seen.push(...ledger.lots.edges.map(({ node }: { node: { amount: string } }) => node.amount));
      expect(ledger.lots.pageInfo.hasNextPage).toBe(page === 0);
      after = `, after: "${ledger.lots.pageInfo.endCursor}"`;
    }
    expect(seen).toEqual(['2', '1', '3', '100']);
  });
});
