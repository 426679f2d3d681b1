import { acting, NOON, PROGRAM } from '../benefits/acting.ts';
import { BY_RULES, buy, gave } from '../support/attacks.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { mutate, type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { act, refusedCode, register } from '../support/registered.ts';

let gateway: TestGateway;
/** The demo tenant registers a plugin of the operator's, configured as it likes. */
async function configure(id: string, point: string, configuration: Json): Promise<void> {
  const tenant = { act: (...mutation: Parameters<OwnTenant['act']>) => mutate(gateway.ask, ...mutation) };
  const plugin = { id, configuration };
  await register(tenant, { name: `own-${id}`, point, runtime: 'IN_PROCESS', plugin, stage: 'LIVE' });
}

beforeAll(async () => {
  gateway = await startTestGateway({ environment: { PLUGINS: 'birthday-benefit,store-multiplier' } });
  await gateway.application.services.programs.apply(gateway.tenantKey, PROGRAM, 'a test');
  const effects = [{ fromRank: 1, kind: 'GIFT', value: 'TEA-GIFT-BOX-L' }];
  await configure('birthday-benefit', 'benefit.rule', { days: 3, effects });
  const stores = { airport: '1.5', 'shanghai-01': '2' };
  await configure('store-multiplier', 'points.rule', { stores, most: '200' });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.setClock(NOON));

const { done, send } = acting(() => gateway);

it('birthday-benefit: around the birthday alone, by the tenant’s local days, and more for a tier', async () => {
  const profile = { birthday: '1995-11-23', locale: 'zh-CN' };
  const memberId = await enrol(gateway, { profile });
  const { grant } = await done('grantBenefit', { memberId, benefit: 'birthday-gift' });
  await gateway.setClock('2026-11-27T00:00:00+08:00');
  const late = await expectNothingWritten(gateway, () => send('useBenefit', { grantId: grant.id }));
  expect(late.userErrors).toEqual([
    { code: 'EXTENSION_REFUSED', field: null, message: '仅限生日前后 3 天内使用。' },
  ]);
  await gateway.setClock('2026-11-26T23:59:00+08:00');
  const { use } = await done('useBenefit', { grantId: grant.id });
  expect(use.effect).toEqual({ kind: 'GIFT', value: 'TEA-GIFT-BOX-L' });
});

it('birthday-benefit: leaves other benefits alone, and asks for a birthday', async () => {
  const memberId = await enrol(gateway);
  const { grant } = await done('grantBenefit', { memberId, benefit: 'tea' });
  expect((await done('useBenefit', { grantId: grant.id })).use.effect).toEqual({
    kind: 'GIFT',
    value: 'TEA',
  });
  const { userErrors } = await send('grantBenefit', { memberId, benefit: 'birthday-gift' });
  expect(userErrors).toMatchObject([
    { code: 'EXTENSION_REFUSED', message: expect.stringContaining('yours') },
  ]);
});

const RECORD = `mutation($input: RecordActivityInput!) { recordActivity(input: $input) {
  operations { kind reason explanation { rule { code } extension { name version } }
    entries { amount asset { code } } }
  userErrors { code } } }`;

it.each<[store: string, value: string, more: string[]]>([
  ['airport', '388.00', ['15']],
  ['shanghai-01', '3000.00', ['200']],
  ['suzhou-02', '268.00', []],
])('store-multiplier: a purchase at %s of %s gives %j more', async (store, value, more) => {
  const memberId = await enrol(gateway);
  const input = {
    ...{ idempotencyKey: newRequestKey(), type: 'purchase', memberId, source: { channel: 'pos', store } },
    ...{ amount: { value, currency: 'CNY' }, order: { number: newRequestKey() } },
  };
  const { data, errors } = await gateway.ask(RECORD, { input });
  expect([errors, data?.recordActivity.userErrors]).toEqual([[], []]);
  const { operations } = data.recordActivity;
  const own = operations.filter((one: Json) => one.explanation.extension?.name === 'own-store-multiplier');
  expect(own.map(({ entries }: Json) => entries[0].amount)).toEqual(more);
});

it('is what the operator says for a tenant that says nothing, and refuses a configuration that is none', async () => {
  const tenant = await ownTenant(gateway);
  const memberId = await enrol(tenant);
  const at = { source: { channel: 'pos', store: 'airport' } };
  expect(gave(await buy(tenant, memberId, at))).toEqual(BY_RULES);
  const plugin = { id: 'store-multiplier', configuration: { stores: { airport: '0.5' } } };
  const wrong = { name: 'own', point: 'points.rule', runtime: 'IN_PROCESS', plugin };
  expect(await refusedCode(act(tenant, 'registerExtension', wrong))).toEqual([
    'PLUGIN_CONFIGURATION',
    ['plugin', 'configuration'],
  ]);
  const right = { id: 'store-multiplier', configuration: { stores: { airport: '3' } } };
  await register(tenant, { ...wrong, plugin: right, stage: 'LIVE' });
  expect(gave(await buy(tenant, memberId, at))).toEqual([...BY_RULES, 'points 20 by own 1']);
});
