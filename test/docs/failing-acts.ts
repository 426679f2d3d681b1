import { extensionPoints } from '../../src/extension/index.ts';
import type { Json } from '../support/gateway.ts';
import { enrol, newIdentity } from '../support/members.ts';
import type { OwnTenant } from '../support/own-tenant.ts';
import { act } from '../support/registered.ts';

/** What is done to have an extension point asked, and what is seen of it. */
export interface FailingAct {
  /** A mutation, or what of a query. */
  readonly mutation: string;
  /** Instead of a mutation: a query of what `input` says. */
  readonly query?: string;
  /** An asset that the demo program lacks, as its file has it. */
  readonly asset?: string;
  /** A new one for each time. */
  readonly input: (tenant: OwnTenant) => Promise<Json>;
  /** The payload's field, and what in it says whether the extension counted. */
  readonly shows: string;
  /** An answer of the point's shape that says what can't be. */
  readonly lie: Json;
  /** What stands for an answer under DEFAULT. */
  readonly instead: Json;
}

const APPROVE = { decision: 'APPROVE' };
const NUMBERED = {
  shows: 'operation { reference { id } }',
  lie: { ...APPROVE, reference: { type: 'crm', id: 'a\u0000b' } },
  instead: { ...APPROVE, reference: { type: 'crm', id: 'by-default' } },
};
const POSTED = 'operations { explanation { outcome } }';

const posting = (asset: string) => ({ asset, amount: '7', reason: 'by default' });
const reviewed = async (tenant: OwnTenant): Promise<Json> => ({
  memberId: await enrol(tenant),
  type: 'review',
});
const granted = async (tenant: OwnTenant): Promise<Json> => ({
  memberId: await enrol(tenant),
  benefit: 'birthday-gift',
});
const moved = async (tenant: OwnTenant): Promise<Json> => ({
  memberId: await enrol(tenant),
  asset: 'points',
  amount: '10',
});

async function made(tenant: OwnTenant, mutation: string, input: Json, type: string): Promise<string> {
  const payload = await act(tenant, mutation, input, `${type} { id }`);
  expect(payload.userErrors).toEqual([]);
  return payload[type].id;
}

function keptElsewhere(asset: string, more: string) {
  return {
    mutation: 'Ledger.balance',
    asset: `{ code: ${asset}, ${more}, name: { en: ${asset} }, recordOf: EXTERNAL }`,
    query: `query($memberId: ID!) { member(id: $memberId) { ledger(asset: "${asset}") {
      balance { available } source } } }`,
    input: async (tenant: OwnTenant): Promise<Json> => ({ memberId: await enrol(tenant) }),
    shows: '',
  };
}

/** Each of them in a tenant of its own, so that nothing else is asked. */
const ACTS: Readonly<Record<string, FailingAct>> = {
  'member.create': {
    mutation: 'createMember',
    input: async () => ({ identities: [newIdentity()] }),
    shows: 'member { tags { code } }',
    lie: { ...APPROVE, tier: 'no-such-tier' },
    instead: { ...APPROVE, tags: ['by-default'] },
  },
  'member.update': {
    mutation: 'updateMember',
    input: async (tenant) => ({ memberId: await enrol(tenant), attributes: {} }),
    shows: 'member { attributes }',
    lie: { ...APPROVE, attributes: { too: { deep: { to: { be: { kept: 1 } } } } } },
    instead: { ...APPROVE, attributes: { by: 'default' } },
  },
  'member.code': {
    mutation: 'issueMemberCode',
    input: async (tenant) => ({ memberId: await enrol(tenant) }),
    shows: 'memberCode { barcode }',
    lie: { code: 'OVER', expiresAt: '2020-01-01T00:00:00Z' },
    instead: { code: 'BY-DEFAULT', barcode: 'BY-DEFAULT' },
  },
  'member.read': {
    mutation: 'Member.profile',
    query: 'query($memberId: ID!) { member(id: $memberId) { profile { origin } } }',
    input: async (tenant) => ({ memberId: await enrol(tenant) }),
    shows: '',
    lie: { profiles: [{ memberId: 'mem_01jdb4g8vse3aaaaaaaaaaaaaa', profile: {} }] },
    instead: { profiles: [] },
  },
  'points.read': {
    ...keptElsewhere('miles', 'kind: POINTS'),
    lie: {
      available: '7',
      log: [{ reference: 'a\u0000b', amount: '7', occurredAt: '2026-11-20T04:00:00Z' }],
    },
    instead: { available: '7' },
  },
  'growth.read': {
    ...keptElsewhere('stars', 'kind: GROWTH, spendable: false'),
    // It says nothing but numbers, and any may be true.
    lie: { current: 'a lot' },
    instead: { current: '7' },
  },
  'activity.validate': {
    mutation: 'recordActivity',
    input: reviewed,
    shows: 'activity { type }',
    // Nothing of it is kept: all that fits its shape may be said.
    lie: { decision: 'MAYBE' },
    instead: { decision: 'REFUSE', reason: 'by default' },
  },
  'points.rule': {
    mutation: 'recordActivity',
    input: reviewed,
    shows: POSTED,
    lie: { postings: [posting('no-such-asset')] },
    instead: { postings: [posting('token')] },
  },
  'growth.rule': {
    mutation: 'recordActivity',
    input: reviewed,
    shows: POSTED,
    lie: { postings: [posting('token')] },
    instead: { postings: [posting('growth')] },
  },
  'benefit.rule': {
    mutation: 'grantBenefit',
    input: granted,
    shows: 'grant { status }',
    lie: { eligible: true, effect: { kind: 'PERCENT_OFF', value: 'a lot' } },
    instead: { eligible: false, reason: 'by default' },
  },
  'points.redeem': { mutation: 'redeemPoints', input: moved, ...NUMBERED },
  'points.hold': { mutation: 'holdPoints', input: moved, ...NUMBERED },
  'points.release': {
    mutation: 'releaseHold',
    input: async (tenant) => ({ holdId: await made(tenant, 'holdPoints', await moved(tenant), 'hold') }),
    ...NUMBERED,
  },
  'points.reverse': {
    mutation: 'reverseOperation',
    input: async (tenant) => ({
      operationId: await made(tenant, 'redeemPoints', await moved(tenant), 'operation'),
    }),
    ...NUMBERED,
  },
  'benefit.use': {
    mutation: 'useBenefit',
    input: async (tenant) => ({
      grantId: await made(tenant, 'grantBenefit', await granted(tenant), 'grant'),
    }),
    shows: 'use { effect { value } }',
    lie: { decision: 'REFUSE', reason: 'a\u0000b' },
    instead: { ...APPROVE, value: 'BY-DEFAULT' },
  },
  'storedvalue.topup': {
    mutation: 'topUpStoredValue',
    asset: '{ code: wallet, kind: STORED_VALUE, name: { en: Wallet } }',
    input: async (tenant) => ({ memberId: await enrol(tenant), asset: 'wallet', paid: '100' }),
    ...NUMBERED,
  },
  'tier.set': {
    mutation: 'setTier',
    input: async (tenant) => ({ memberId: await enrol(tenant), tier: 'gold', reason: 'a test' }),
    shows: 'change { to { code } }',
    lie: { ...APPROVE, tier: 'no-such-tier' },
    instead: { ...APPROVE, tier: 'silver' },
  },
  'tier.list': {
    mutation: 'tierList',
    query: 'query($memberId: ID!) { tierList(memberId: $memberId) { origin items { name } } }',
    input: async (tenant) => ({ memberId: await enrol(tenant) }),
    shows: '',
    lie: { tiers: [{ code: 'no-such-tier' }] },
    instead: { tiers: [{ code: 'gold', name: 'BY-DEFAULT' }] },
  },
};

/** Asked once the request is committed: no caller is refused, and none tries again. */
const AFTER_THE_COMMIT: readonly string[] = ['tier.evaluate'];

/**
 * What is done for each extension point that somebody waits for, and for which something can stand in.
 * @throws Error where one has nothing here
 */
export function failingActs(): [point: string, act: FailingAct][] {
  const awaited = extensionPoints.filter(
    ({ kind, name, keepsRecord }) => kind !== 'TOLD' && !keepsRecord && !AFTER_THE_COMMIT.includes(name),
  );
  return awaited.map(({ name }) => {
    const found = ACTS[name];
    if (found === undefined) throw new Error(`Say in failing-acts.ts how "${name}" is asked, and lied to.`);
    return [name, found];
  });
}
