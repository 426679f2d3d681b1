import { jest } from '@jest/globals';
import { runDaily } from '../../src/jobs/index.ts';
import { fromPublicId } from '../../src/kernel/ids.ts';
import type { Transaction } from '../../src/persistence/index.ts';
import { setClock } from '../ledger/tenants.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { eventReader, type SeenEvent } from '../support/feed-events.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { newRequestKey } from '../support/members.ts';
import { type OwnTenant, tenantWith } from '../support/own-tenant.ts';

let gateway: TestGateway;
let tenant: OwnTenant;
/** What happened since it was asked last. */
let heard: () => Promise<SeenEvent[]>;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  tenant = await tenantWith(gateway, PROGRAM, '2026-03-10T10:00:00Z');
  heard = eventReader(gateway, tenant.tenantKey);
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
});
afterEach(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
});

const PROGRAM = `name: { en: Telling }
timeZone: Europe/Berlin
currency: EUR
assets:
  - { code: points, kind: POINTS, name: { en: Points } }
  - { code: growth, kind: GROWTH, name: { en: Growth }, spendable: false }
ladders:
  - code: main
    name: { en: Main }
    metric: growth
    window: CALENDAR_YEAR
    tiers:
      - { code: base, name: { en: Base }, threshold: "0" }
      - { code: gold, name: { en: Gold }, threshold: "100", benefits: [lounge] }
benefits:
  - { code: lounge, name: { en: Lounge }, kind: ACCESS }
  - { code: gift, name: { en: Gift }, kind: GIFT, uses: { perGrant: 2 } }
tags: [{ code: vip, name: { en: VIP } }, { code: big, name: { en: Big } }]
rules:
  - { code: welcome, name: { en: Welcome }, trigger: enrolment, postings: [{ asset: points, amount: 5 }] }
  - { code: buy, name: { en: Buy }, trigger: purchase, postings: [{ asset: growth, amount: 50 }] }
  - { code: give, name: { en: Give }, trigger: visit, grants: [gift], tags: { add: [big] } }
  - { code: scan, name: { en: Scan }, trigger: scan, postings: [{ asset: points, amount: 1 }] }
  - { code: bag, name: { en: Bag }, trigger: purchase, when: "activity.amount >= 500000", grants: [gift] }`;

type Input = Record<string, unknown>;

async function act(mutation: string, input: Input, fields: string): Promise<Json> {
  const payload = await tenant.act(mutation, { idempotencyKey: newRequestKey(), ...input }, fields);
  expect(payload.userErrors).toEqual([]);
  return payload;
}

let cards = 0;
const identities = (): Json => {
  cards += 1;
  return [{ kind: 'CARD', value: `feed-${cards}` }];
};
const enrol = async (more: Input = {}): Promise<string> =>
  (await act('createMember', { identities: identities(), ...more }, 'member { id }')).member.id;
const record = (memberId: string, type: string, more: Input = {}): Promise<Json> =>
  act('recordActivity', { memberId, type, ...more }, 'activity { id }');
const grant = async (memberId: string): Promise<string> =>
  (await act('grantBenefit', { memberId, benefit: 'gift' }, 'grant { id }')).grant.id;

/** A member whose beginnings were heard. */
async function known(more: Input = {}): Promise<string> {
  const memberId = await enrol(more);
  await heard();
  return memberId;
}

const told = async (): Promise<[string, string, string | null][]> =>
  (await heard()).map(({ stream, type, memberId }) => [stream, type, memberId]);

describe('members', () => {
  it('are told of as they are enrolled, by whichever way', async () => {
    const first = await enrol();
    const [identity] = identities();
    const input = { identity, enrolIfUnknown: true, type: 'scan' };
    const { member } = await act('recordActivity', input, 'member { id }');
    expect(await told()).toEqual([
      ['members', 'ENROLLED', first],
      ['members', 'ENROLLED', member.id],
    ]);
  });

  it('are told of with the names of what changed, and nothing personal', async () => {
    const memberId = await known();
    await act(
      'updateMember',
      {
        memberId,
        profile: { displayName: 'Xiao Man', birthday: '1990-02-28' },
        addIdentities: [{ kind: 'EMAIL', value: 'man@example.com' }],
        consents: [{ purpose: 'MARKETING', granted: true }],
        attributes: { shoe: 38 },
        tags: ['vip'],
        status: 'BLOCKED',
      },
      'member { id }',
    );
    const changed = ['displayName', 'birthday', 'identities', 'consents', 'attributes'];
    expect((await heard()).map(({ type, detail }) => [type, detail])).toEqual([
      ['UPDATED', { changed }],
      ['TAGS_CHANGED', null],
      ['STATUS_CHANGED', { status: 'BLOCKED' }],
    ]);
    await act('updateMember', { memberId, profile: { displayName: 'Xiao Man' } }, 'member { id }');
    expect(await told()).toEqual([]);
  });

  it('are told of when their tags change, by hand and by rule, and only if they do', async () => {
    const memberId = await known();
    await act('changeTags', { memberId, add: ['vip'] }, 'member { id }');
    await act('changeTags', { memberId, add: ['vip'], remove: ['big'] }, 'member { id }');
    expect(await told()).toEqual([['members', 'TAGS_CHANGED', memberId]]);
    await record(memberId, 'visit');
    await record(memberId, 'visit');
    expect((await told()).map(([, type]) => type).sort()).toEqual(['GRANTED', 'GRANTED', 'TAGS_CHANGED']);
  });

  it('are told of when two become one, with what moves', async () => {
    const [from, into] = [await enrol({ tags: ['vip'] }), await enrol()];
    const grantId = await grant(from);
    await record(from, 'purchase');
    await record(from, 'purchase');
    await heard();
    const input = { fromMemberId: from, intoMemberId: into, reason: 'the same' };
    await act('mergeMembers', input, 'member { id }');
    const events = await heard();
    const shown = events.map(({ stream, type, memberId }) => `${stream} ${type} ${memberId}`).sort();
    expect(shown).toEqual(
      [
        `members MERGED ${from}`,
        `members TAGS_CHANGED ${into}`,
        `members TOOK_OVER ${into}`,
        `grants MERGED ${into}`,
        `tiers RAISED ${into}`,
        // What the tier carries, for one, and for the other no more.
        `grants GRANTED ${into}`,
        `grants REVOKED ${from}`,
      ].sort(),
    );
    const moved = events.find(({ stream, type }) => stream === 'grants' && type === 'MERGED');
    expect(moved?.subjectKey).toBe(fromPublicId('grant', grantId));
    expect(events.find(({ type }) => type === 'TOOK_OVER')?.detail).toEqual({
      other: fromPublicId('member', from),
    });
  });
});

describe('tiers', () => {
  it('are told of as they are raised, set and lowered, with what they carry', async () => {
    const memberId = await known();
    await record(memberId, 'purchase');
    expect(await told()).toEqual([]);
    await record(memberId, 'purchase');
    expect(await told()).toEqual([
      ['tiers', 'RAISED', memberId],
      ['grants', 'GRANTED', memberId],
    ]);
    const set = (tier: string) => act('setTier', { memberId, tier, reason: 'a test' }, 'change { id }');
    const { change } = await set('gold');
    const [again] = await heard();
    expect(again).toMatchObject({ type: 'SET', subjectKey: fromPublicId('tierChange', change.id) });
    await set('base');
    expect(await told()).toEqual([
      ['tiers', 'LOWERED', memberId],
      ['grants', 'REVOKED', memberId],
    ]);
  });

  it('are told of when the daily review lowers them', async () => {
    const memberId = await known();
    await record(memberId, 'purchase');
    await record(memberId, 'purchase');
    await runDaily(gateway.application.jobs, tenant.tenantKey);
    await heard();
    await setClock(gateway.application, tenant.tenantKey, '2028-03-11T10:00:00Z');
    await runDaily(gateway.application.jobs, tenant.tenantKey);
    expect(await told()).toEqual([
      ['tiers', 'LOWERED', memberId],
      ['grants', 'REVOKED', memberId],
    ]);
  });
});

describe('granted benefits', () => {
  it('are told of as they are granted, used, not used after all, and revoked', async () => {
    const memberId = await known();
    const grantId = await grant(memberId);
    const { use } = await act('useBenefit', { grantId }, 'use { id }');
    await act('undoBenefitUse', { useId: use.id, reason: 'cancelled' }, 'use { id }');
    await act('revokeGrant', { grantId, reason: 'a mistake' }, 'grant { id }');
    const events = await heard();
    const detail = { use: fromPublicId('use', use.id) };
    expect(events.map((event) => [event.type, event.detail])).toEqual([
      ['GRANTED', null],
      ['USED', detail],
      ['USE_UNDONE', detail],
      ['REVOKED', null],
    ]);
    const subjectKey = fromPublicId('grant', grantId);
    for (const event of events) expect(event).toMatchObject({ stream: 'grants', memberId, subjectKey });
  });

  it('are told of when a tier that somebody revoked is lost: not again', async () => {
    const memberId = await known();
    await act('setTier', { memberId, tier: 'gold', reason: 'a test' }, 'change { id }');
    const [, given] = await heard();
    const { data } = await tenant.ask(
      `{ member(id: "${memberId}") { grants(first: 1) { edges { node { id } } } } }`,
    );
    const grantId = data.member.grants.edges[0].node.id;
    expect(given?.subjectKey).toBe(fromPublicId('grant', grantId));
    await act('revokeGrant', { grantId, reason: 'a mistake' }, 'grant { id }');
    await act('setTier', { memberId, tier: 'base', reason: 'a test' }, 'change { id }');
    expect((await told()).map(([, type]) => type)).toEqual(['REVOKED', 'LOWERED']);
  });

  it('are told of when a refund takes them back', async () => {
    const memberId = await known();
    const amount = { value: '6000.00', currency: 'EUR' };
    await record(memberId, 'purchase', { amount, order: { number: 'O-1' } });
    expect(await told()).toEqual([['grants', 'GRANTED', memberId]]);
    await act('recordActivity', { type: 'refund', order: { number: 'O-1' }, amount }, 'activity { id }');
    expect(await told()).toContainEqual(['grants', 'REVOKED', memberId]);
  });
});

it('takes one statement for all that happens in a transaction', async () => {
  const memberId = await known();
  await record(memberId, 'purchase');
  const amount = { value: '6000.00', currency: 'EUR' };
  const sent = await deferredBy(() => record(memberId, 'purchase', { amount }));
  expect(sent.filter((name) => name === 'feed_event.insert')).toHaveLength(1);
  expect((await told()).map(([, type]) => type).sort()).toEqual(['GRANTED', 'GRANTED', 'RAISED']);
});

describe('extensions', () => {
  it('are told of with each change', async () => {
    const sandbox = { code: 'export default () => ({ postings: [] });', language: 'JAVASCRIPT' };
    const { extension } = await act(
      'registerExtension',
      { name: 'extra', point: 'points.rule', runtime: 'SANDBOX', sandbox },
      'extension { id }',
    );
    const extensionId = extension.id;
    await act('setExtensionStage', { extensionId, stage: 'SHADOW' }, 'extension { id }');
    const events = await heard();
    expect(
      events.map(({ stream, type, memberId, subjectKey }) => [stream, type, memberId, subjectKey]),
    ).toEqual(
      ['REGISTERED', 'STAGED'].map((type) => [
        ...['extensions', type, null],
        fromPublicId('extension', extensionId),
      ]),
    );
    const changes = await gateway.sql(
      `select change_id as change, version, to_stage as stage from extension_change
        where extension_id = $1 order by change_id`,
      [fromPublicId('extension', extensionId)],
    );
    expect(events.map(({ detail }) => detail)).toEqual(changes);
  });
});

describe('whoever listens', () => {
  it('is woken by each commit that wrote events, and no entries', async () => {
    const memberId = await known();
    const woken = jest.spyOn(gateway.application.watcher, 'posted');
    const wakes = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      woken.mockClear();
      const result = await work();
      expect(await heard()).not.toEqual([]);
      expect(woken.mock.calls.map(([tenantKey]) => tenantKey)).toContain(tenant.tenantKey);
      return result;
    };
    try {
      const displayName = 'Xiao Man';
      await wakes(() => act('updateMember', { memberId, profile: { displayName } }, 'member { id }'));
      await wakes(() => act('changeTags', { memberId, add: ['vip'] }, 'member { id }'));
      await wakes(() => act('setTier', { memberId, tier: 'gold', reason: 'a test' }, 'change { id }'));
      const grantId = await wakes(() => grant(memberId));
      const { use } = await wakes(() => act('useBenefit', { grantId }, 'use { id }'));
      await wakes(() => act('undoBenefitUse', { useId: use.id, reason: 'cancelled' }, 'use { id }'));
      await wakes(() => act('revokeGrant', { grantId, reason: 'a mistake' }, 'grant { id }'));
      const sandbox = { code: 'export default () => ({ postings: [] });', language: 'JAVASCRIPT' };
      const extension = { name: 'extra', point: 'points.rule', runtime: 'SANDBOX', sandbox };
      await wakes(() => act('registerExtension', extension, 'extension { id }'));
      // The program's tiers carry another benefit now, and ask for more.
      const source = PROGRAM.replace('benefits: [lounge]', 'benefits: [gift]');
      await wakes(() => act('applyProgram', { source }, 'changed'));
      await act('setTier', { memberId, tier: 'base', reason: 'a test' }, 'change { id }');
      await record(memberId, 'purchase');
      const lower = source.replace('threshold: "100"', 'threshold: "50"');
      await wakes(() => act('applyProgram', { source: lower }, 'changed'));
    } finally {
      woken.mockRestore();
    }
  });
});

describe('nothing is told', () => {
  it('of dry runs, replays and what was refused', async () => {
    const memberId = await known();
    const key = newRequestKey();
    const input = { idempotencyKey: key, memberId, benefit: 'gift' };
    await tenant.act('grantBenefit', input, 'grant { id }');
    await heard();
    await expectNothingWritten(gateway, async () => {
      await tenant.act('grantBenefit', input, 'grant { id }');
      const dry = { dryRun: true };
      await act('createMember', { identities: identities(), ...dry }, 'member { id }');
      await act('updateMember', { memberId, profile: { displayName: 'N' }, ...dry }, 'member { id }');
      await act('changeTags', { memberId, add: ['vip'], ...dry }, 'member { id }');
      await act('setTier', { memberId, tier: 'gold', reason: 'r', ...dry }, 'change { id }');
      await record(memberId, 'visit', dry);
      await act('grantBenefit', { memberId, benefit: 'gift', ...dry }, 'grant { id }');
      const taken = { identities: [{ kind: 'CARD', value: `feed-${cards - 1}` }] };
      const idempotencyKey = newRequestKey();
      expect(
        (await tenant.act('createMember', { idempotencyKey, ...taken }, 'member { id }')).userErrors,
      ).toHaveLength(1);
      const many = { idempotencyKey, memberId, addIdentities: taken.identities, tags: ['vip'] };
      expect((await tenant.act('updateMember', many, 'member { id }')).userErrors).toHaveLength(1);
    });
    expect(await heard()).toEqual([]);
  });

  it('of activities that change neither tier nor grant: the feed has their entries alone', async () => {
    const memberId = await known();
    const before = await positions();
    expect(await deferredBy(() => record(memberId, 'scan'))).toEqual(['entry.write']);
    expect(await deferredBy(() => record(memberId, 'nothing'))).toEqual([]);
    for (let count = 0; count < 3; count += 1) await record(memberId, 'scan');
    expect(await heard()).toEqual([]);
    expect((await positions()) - before).toBe(4);
  });
});

/** The names of the statements that a piece of work sends together with its COMMITs. */
async function deferredBy(work: () => Promise<unknown>): Promise<string[]> {
  const { database } = gateway.application;
  const names: string[] = [];
  const { transaction } = database;
  const spy = jest.spyOn(database, 'transaction').mockImplementation((key, act, options) => {
    const watched = (tx: Transaction) => {
      const defer: Transaction['defer'] = (stmt, values, onRows) => {
        names.push(stmt.name);
        tx.defer(stmt, values, onRows);
      };
      const { facts } = tx;
      return act({ facts, run: tx.run.bind(tx), defer, check: tx.check.bind(tx) });
    };
    return transaction.call(database, key, watched as typeof act, options);
  });
  try {
    await work();
  } finally {
    spy.mockRestore();
  }
  return names;
}

async function positions(): Promise<number> {
  const [row] = await gateway.sql<{ position: number }>('select position::int from tenant_feed');
  return row?.position ?? 0;
}

it('shares its positions with entries, whoever writes them at once', async () => {
  const members = await Promise.all(Array.from({ length: 8 }, () => enrol()));
  await Promise.all(
    members.flatMap((memberId) => [
      record(memberId, 'scan'),
      record(memberId, 'visit'),
      record(memberId, 'purchase'),
      act('changeTags', { memberId, add: ['vip'] }, 'member { id }'),
      act('earnPoints', { memberId, asset: 'points', amount: '7' }, 'operation { id }'),
    ]),
  );
  const rows = await gateway.sql<{ position: number }>(
    `select feed_position::int as position from entry
      union all select position::int from feed_event order by 1`,
  );
  expect(rows.map(({ position }) => position)).toEqual(rows.map((_, index) => index + 1));
  expect(rows).toHaveLength(await positions());
});
