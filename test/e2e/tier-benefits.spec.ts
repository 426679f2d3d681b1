import { runDaily } from '../../src/jobs/index.ts';
import { exampleText } from '../ledger/programs.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { mutate } from '../support/own-tenant.ts';

const GRANTS = `query($id: ID!) { member(id: $id) {
  grants(first: 10) { edges { node { status source benefit { code } } } } } }`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

async function grantsOf(id: string): Promise<string[]> {
  const { data } = await gateway.ask(GRANTS, { id });
  const told = ({ node }: { node: { status: string; benefit: { code: string } } }) =>
    `${node.benefit.code} ${node.status}`;
  return data.member.grants.edges.map(told).sort();
}

async function apply(source: string): Promise<void> {
  const input = { idempotencyKey: newRequestKey(), source };
  const { userErrors } = await mutate(gateway.ask, 'applyProgram', input, 'changed');
  expect(userErrors).toEqual([]);
}

const demo = exampleText('demo');
const withDiscount = demo.replace(
  'benefits: [free-shipping]\n',
  'benefits: [free-shipping, gold-discount]\n',
);
const forNobody = demo.replaceAll(/ {8}benefits: \[.*\]\n/g, '');
const withoutDiscount = forNobody.replace(/ {2}- code: gold-discount\n( {4}.*\n)*/, '');

describe('what a tier carries in a new version of the program', () => {
  it('reaches those who hold it already, and goes from them again', async () => {
    const silver = await enrol(gateway);
    const input = { idempotencyKey: newRequestKey(), memberId: silver, asset: 'growth', amount: '500' };
    await mutate(gateway.ask, 'earnPoints', input, 'operation { id }');
    expect(await grantsOf(silver)).toEqual(['free-shipping AVAILABLE']);
    await apply(withDiscount);
    expect(await grantsOf(silver)).toEqual(['free-shipping AVAILABLE', 'gold-discount AVAILABLE']);
    await apply(demo);
    expect(await grantsOf(silver)).toEqual(['free-shipping AVAILABLE', 'gold-discount REVOKED']);
  });

  it('may leave the catalogue at the same time', async () => {
    const gold = await enrol(gateway);
    const input = { idempotencyKey: newRequestKey(), memberId: gold, asset: 'growth', amount: '2000' };
    await mutate(gateway.ask, 'earnPoints', input, 'operation { id }');
    expect(withoutDiscount).not.toContain('gold-discount');
    await apply(withoutDiscount);
    expect(await grantsOf(gold)).toEqual(['free-shipping REVOKED', 'gold-discount REVOKED']);
  });

  it('is put right by the daily work, should applying have broken off', async () => {
    await apply(demo);
    const silver = await enrol(gateway);
    const input = { idempotencyKey: newRequestKey(), memberId: silver, asset: 'growth', amount: '500' };
    await mutate(gateway.ask, 'earnPoints', input, 'operation { id }');
    await gateway.sql(`delete from benefit_grant where source = 'TIER'`);
    expect(await grantsOf(silver)).toEqual([]);
    const clock = { idempotencyKey: newRequestKey(), by: 'P1D' };
    expect((await mutate(gateway.ask, 'advanceTestClock', clock, 'now')).userErrors).toEqual([]);
    expect(await grantsOf(silver)).toEqual(['free-shipping AVAILABLE']);
  });
});

describe('a tenant from before there were tiers', () => {
  it('has them after the first daily work, from all that happened', async () => {
    await apply(demo);
    const memberId = await enrol(gateway);
    const buy = { memberId, type: 'purchase', amount: { value: '1500.00', currency: 'CNY' } };
    const order = { number: newRequestKey() };
    await mutate(
      gateway.ask,
      'recordActivity',
      { idempotencyKey: newRequestKey(), ...buy, order },
      'activity { id }',
    );
    const back = { type: 'refund', order, amount: { value: '700.00', currency: 'CNY' } };
    await mutate(
      gateway.ask,
      'recordActivity',
      { idempotencyKey: newRequestKey(), ...back },
      'activity { id }',
    );
    const query = 'query($id: ID!) { member(id: $id) { tier { code } tierStatus { progress { current } } } }';
    const standing = async () => (await gateway.ask(query, { id: memberId })).data.member;
    const before = await standing();
    expect(before).toEqual({ tier: { code: 'silver' }, tierStatus: { progress: { current: '800' } } });
    await gateway.sql('delete from benefit_grant where tier_held');
    await gateway.sql('delete from tier_change');
    await gateway.sql('delete from metric_day');
    await gateway.sql('delete from member_tier');
    await gateway.sql('delete from daily_run');
    expect((await standing()).tier).toEqual({ code: 'bronze' });
    await runDaily(gateway.application.jobs, gateway.tenantKey);
    expect(await standing()).toEqual(before);
    expect(await grantsOf(memberId)).toEqual(['free-shipping AVAILABLE']);
  });
});

describe('a dry run of an enrolment', () => {
  it('tells the tier that the member would begin with', async () => {
    const input = { idempotencyKey: newRequestKey(), dryRun: true, identities: [newIdentity()] };
    const fields = 'member { tier { code } tierStatus { progress { remaining } } }';
    const { member } = await mutate(gateway.ask, 'createMember', input, fields);
    expect(member).toEqual({ tier: { code: 'bronze' }, tierStatus: { progress: { remaining: '500' } } });
  });
});
