import type { ProgramDefinition } from '../../src/domain/programs/index.ts';
import { setClock } from '../ledger/tenants.ts';
import type { Json, TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';

export const NOON = '2026-11-20T12:00:00+08:00';

/** A tenant whose members climb ladders. */
export interface TierTenant extends OwnTenant {
  setClock(moment: string): Promise<void>;
  /** A new member, at the moment that the clock shows. */
  enrol(input?: Record<string, unknown>): Promise<string>;
  earn(memberId: string, amount: number, asset?: string): Promise<Json>;
  adjust(memberId: string, amount: number, asset?: string): Promise<Json>;
  record(memberId: string, input: Record<string, unknown>): Promise<Json>;
  setTier(memberId: string, tier: string, input?: Record<string, unknown>): Promise<Json>;
  review(): Promise<{ readonly reviewed: number; readonly changed: number }>;
  /** The code of a member's tier in the primary ladder. */
  tierOf(memberId: string): Promise<string | null>;
  card(memberId: string): Promise<Json>;
  /** SQL as the owner role, with this tenant set. */
  sql: TestGateway['sql'];
}

const CARD = `query($id: ID!) { member(id: $id) {
  tier { code name rank }
  tierStatus {
    since until
    progress { nextTier { code name } metric current required remaining by }
    retention { metric current required remaining by atRisk }
  }
  tierHistory(first: 20) { edges { node {
    id ladder from { code rank } to { code name rank } cause reason until changedAt
  } } }
} }`;

/** @param definition the demo program when missing */
export async function tierTenant(gateway: TestGateway, definition?: ProgramDefinition): Promise<TierTenant> {
  const own = await ownTenant(gateway, { program: definition === undefined });
  const { tenantKey, act, ask } = own;
  if (definition !== undefined) {
    await gateway.application.services.programs.apply(tenantKey, definition, 'a test');
  }
  await setClock(gateway.application, tenantKey, NOON);
  const given = (input: Record<string, unknown>) => ({ idempotencyKey: newRequestKey(), ...input });
  const card = async (id: string): Promise<Json> => {
    const { data, errors } = await ask(CARD, { id });
    if (errors.length > 0) throw new Error(JSON.stringify(errors));
    return data.member;
  };
  const setTenant = (key: string) => gateway.sql(`select set_config('app.tenant_id', $1, false)`, [key]);
  return {
    ...own,
    sql: async (text, values) => {
      await setTenant(tenantKey);
      try {
        return await gateway.sql(text, values);
      } finally {
        await setTenant(gateway.tenantKey);
      }
    },
    setClock: (moment) => setClock(gateway.application, tenantKey, moment),
    enrol: (input) => enrol({ ask }, input),
    earn: (memberId, amount, asset = 'growth') =>
      act('earnPoints', given({ memberId, asset, amount: String(amount) }), 'operation { id }'),
    adjust: (memberId, amount, asset = 'growth') =>
      act(
        'adjustPoints',
        given({ memberId, asset, amount: String(amount), reason: 'a test' }),
        'operation { id }',
      ),
    record: (memberId, input) =>
      act('recordActivity', given({ memberId, ...input }), 'activity { id } member { tier { code } }'),
    setTier: (memberId, tier, input = {}) =>
      act(
        'setTier',
        given({ memberId, tier, reason: 'a test', ...input }),
        'change { id from { code } to { code } cause reason until changedAt } member { tier { code } }',
      ),
    review: () => gateway.application.jobs.tiers.review(tenantKey),
    tierOf: async (memberId) => (await card(memberId)).tier?.code ?? null,
    card,
  };
}

export const cny = (value: string) => ({ value, currency: 'CNY' });
