import { feedCursor } from '../../src/domain/ledgers/index.ts';
import { findDueWork } from '../../src/jobs/due.repository.ts';
import { auditLedgers } from '../support/audit.ts';
import { type Following, follow } from '../support/following.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { mutate } from '../support/own-tenant.ts';
import { untilHolds } from '../support/until-holds.ts';

let gateway: TestGateway;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway({ environment: { EVENT_DAYS: '2' } });
});
afterAll(() => gateway.close());

const open: Following[] = [];
beforeEach(async () => {
  memberId = await enrol(gateway);
});
afterEach(async () => {
  for (const following of open.splice(0)) await following.stop();
});

const FIELDS = {
  memberEvents: 'cursor type occurredAt changed status member { id } other { id }',
  tierEvents:
    'cursor type occurredAt member { id tier { code } } change { id cause from { code } to { code } }',
  grantEvents: 'cursor type occurredAt member { id } grant { id status benefit { code } } use { id channel }',
  extensionEvents: 'cursor type occurredAt extension { id name stage } change { kind version toStage }',
};
type Stream = keyof typeof FIELDS;

const FILTERS: Readonly<Record<Stream, string>> = {
  memberEvents: 'MemberEventFilter',
  tierEvents: 'TierEventFilter',
  grantEvents: 'GrantEventFilter',
  extensionEvents: 'ExtensionEventFilter',
};

function following(stream: Stream, variables: Json = {}, credentials?: Record<string, string>): Following {
  const named = stream === 'extensionEvents' ? 'extensionId' : 'memberId';
  const { id = null, ...more } = variables;
  const query = `subscription($id: ID, $after: String, $filter: ${FILTERS[stream]}) {
    ${stream}(${named}: $id, after: $after, filter: $filter) { ${FIELDS[stream]} } }`;
  const one = follow(gateway, { query, variables: { id, ...more } }, credentials);
  open.push(one);
  return one;
}

async function act(mutation: string, input: Json, fields: string): Promise<Json> {
  const payload = await mutate(gateway.ask, mutation, { idempotencyKey: newRequestKey(), ...input }, fields);
  expect(payload.userErrors).toEqual([]);
  return payload;
}

async function place(): Promise<string> {
  const [row] = await gateway.sql<{ position: string }>('select position from tenant_feed');
  return feedCursor(gateway.tenantKey, BigInt(row?.position ?? 0));
}

/** Why a stream ended, or why it wasn't admitted. */
async function refusal(one: Following): Promise<Json> {
  const errors = await one.result().then(
    (result) => result.errors,
    (thrown: Json) => thrown,
  );
  return errors?.[0]?.extensions;
}

const setTier = (tier: string) => act('setTier', { memberId, tier, reason: 'a test' }, 'change { id }');

describe('streams of what happens beside points', () => {
  it('tell of members', async () => {
    const after = await place();
    const other = await enrol(gateway);
    await act(
      'updateMember',
      { memberId, profile: { displayName: 'Xiao Man' }, status: 'CLOSED' },
      'member { id }',
    );
    const all = following('memberEvents', { after });
    expect([await all.event(), await all.event(), await all.event()]).toMatchObject([
      { type: 'ENROLLED', changed: [], status: null, member: { id: other }, other: null },
      { type: 'UPDATED', changed: ['displayName'], status: null, member: { id: memberId } },
      { type: 'STATUS_CHANGED', changed: [], status: 'CLOSED', member: { id: memberId } },
    ]);
  });

  it('tell of both sides of a merge, the other one to staff alone', async () => {
    const into = await enrol(gateway);
    const after = await place();
    const merge = { fromMemberId: memberId, intoMemberId: into, reason: 'the same' };
    await act('mergeMembers', merge, 'member { id }');
    const all = following('memberEvents', { after });
    expect([await all.event(), await all.event()]).toMatchObject([
      { type: 'MERGED', member: { id: memberId }, other: { id: into } },
      { type: 'TOOK_OVER', member: { id: into }, other: { id: memberId } },
    ]);
    const own = following('memberEvents', { id: into, after }, await gateway.asMember(into));
    expect(await own.event()).toMatchObject({ type: 'TOOK_OVER', member: { id: into }, other: null });
  });

  it('tell of tiers and of what they carry, live, and each cursor is good for every stream', async () => {
    const after = await place();
    const tiers = following('tierEvents', { id: memberId, after });
    const grants = following('grantEvents', { id: memberId, after });
    const { change } = await setTier('silver');
    const raised = await tiers.event();
    expect(raised).toEqual({
      cursor: expect.any(String),
      type: 'RAISED',
      occurredAt: expect.stringMatching(/^\d{4}-/),
      member: { id: memberId, tier: { code: 'silver' } },
      change: { id: change.id, cause: 'BY_HAND', from: { code: 'bronze' }, to: { code: 'silver' } },
    });
    const granted = await grants.event();
    expect(granted).toMatchObject({
      type: 'GRANTED',
      member: { id: memberId },
      grant: { status: 'AVAILABLE', benefit: { code: 'free-shipping' } },
      use: null,
    });
    await setTier('bronze');
    const lowered = following('tierEvents', { id: memberId, after: granted.cursor });
    expect(await lowered.event()).toMatchObject({ type: 'LOWERED', change: { to: { code: 'bronze' } } });
    const revoked = following('grantEvents', { id: memberId, after: raised.cursor });
    expect([await revoked.event(), await revoked.event()].map(({ type }) => type)).toEqual([
      'GRANTED',
      'REVOKED',
    ]);
  });

  it('tell of uses with the use, only those types that are asked for', async () => {
    const after = await place();
    const { grant } = await act('grantBenefit', { memberId, benefit: 'birthday-gift' }, 'grant { id }');
    const input = { grantId: grant.id, source: { channel: 'POS' } };
    const { use } = await act('useBenefit', input, 'use { id }');
    const used = following('grantEvents', { id: memberId, after, filter: { types: ['USED', 'REVOKED'] } });
    expect(await used.event()).toMatchObject({
      type: 'USED',
      grant: { id: grant.id, status: 'USED_UP' },
      use: { id: use.id, channel: 'POS' },
    });
    await act('undoBenefitUse', { useId: use.id, reason: 'cancelled' }, 'use { id }');
    await act('revokeGrant', { grantId: grant.id, reason: 'a mistake' }, 'grant { id }');
    expect(await used.event()).toMatchObject({ type: 'REVOKED', grant: { status: 'REVOKED' }, use: null });
  });

  it('tell members of themselves alone, and staff of everybody', async () => {
    const other = await enrol(gateway);
    const credentials = await gateway.asMember(memberId);
    const after = await place();
    for (const id of [memberId, other])
      await act('setTier', { memberId: id, tier: 'gold', reason: 'a test' }, 'change { id }');
    const everybody = following('tierEvents', { after });
    const heard = [await everybody.event(), await everybody.event()];
    expect(heard.map(({ member }) => member.id)).toEqual([memberId, other]);
    const own = following('tierEvents', { id: memberId, after }, credentials);
    expect((await own.event()).member.id).toBe(memberId);
    for (const stream of ['memberEvents', 'tierEvents', 'grantEvents'] as const) {
      for (const id of [other, null])
        expect(await refusal(following(stream, { id }, credentials))).toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(await refusal(following('extensionEvents', {}, credentials))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await refusal(following('tierEvents', { id: 'mem_unknown' }))).toMatchObject({
      code: 'NOT_FOUND',
      field: ['memberId'],
    });
  });

  it('tell of extensions: developers of their own alone', async () => {
    const after = await place();
    const register = async (name: string): Promise<string> => {
      const sandbox = { code: 'export default () => ({ postings: [] });', language: 'JAVASCRIPT' };
      const input = { name, point: 'points.rule', runtime: 'SANDBOX', sandbox };
      return (await act('registerExtension', input, 'extension { id }')).extension.id;
    };
    const [first, second] = [await register('first'), await register('second')];
    await act('setExtensionStage', { extensionId: second, stage: 'SHADOW' }, 'extension { id }');
    const all = following('extensionEvents', { after });
    expect([await all.event(), await all.event(), await all.event()]).toMatchObject([
      { type: 'REGISTERED', extension: { id: first, name: 'first' }, change: { kind: 'REGISTERED' } },
      { type: 'REGISTERED', extension: { id: second, stage: 'SHADOW' }, change: { toStage: 'DRAFT' } },
      { type: 'STAGED', extension: { id: second }, change: { kind: 'STAGED', toStage: 'SHADOW' } },
    ]);
    const created = await act(
      'createApiKey',
      { label: 'a developer', role: 'DEVELOPER', extensionId: second },
      'secret',
    );
    const developer = { 'x-api-key': created.secret };
    const own = following('extensionEvents', { id: second, after }, developer);
    expect([await own.event(), await own.event()].map(({ type }) => type)).toEqual(['REGISTERED', 'STAGED']);
    for (const id of [first, null])
      expect(await refusal(following('extensionEvents', { id, after }, developer))).toMatchObject({
        code: 'NOT_FOUND',
        field: ['extensionId'],
      });
    expect(await refusal(following('tierEvents', {}, developer))).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('tell everything once, in order, however fast it comes', async () => {
    const after = await place();
    const all = following('grantEvents', { after });
    const members = await Promise.all(Array.from({ length: 10 }, () => enrol(gateway)));
    await Promise.all(
      members.flatMap((id) =>
        Array.from({ length: 5 }, () =>
          act('grantBenefit', { memberId: id, benefit: 'birthday-gift' }, 'grant { id }'),
        ),
      ),
    );
    const heard: Json[] = [];
    while (heard.length < 50) heard.push(await all.event());
    expect(new Set(heard.map(({ grant }) => grant.id)).size).toBe(50);
    const again = following('grantEvents', { after });
    const repeated: Json[] = [];
    while (repeated.length < 50) repeated.push(await again.event());
    expect(repeated.map(({ cursor }) => cursor)).toEqual(heard.map(({ cursor }) => cursor));
  });
});

describe('old events', () => {
  const isDue = async (): Promise<boolean | undefined> => {
    const { jobs, database } = gateway.application;
    const days = { callDays: jobs.extensions.callDays, eventDays: jobs.events.eventDays };
    return (await findDueWork(database.read(gateway.tenantKey), gateway.tenantKey, days))?.events;
  };
  const forget = (): Promise<number> => gateway.application.jobs.events.forgetOld(gateway.tenantKey);
  const kept = (): Promise<{ first: string; from: string }[]> =>
    gateway.sql(
      'select min(e.position) as first, max(f.events_from) as from from feed_event e, tenant_feed f',
    );

  it('are kept for EVENT_DAYS, then forgotten, and who comes from before is told so', async () => {
    await gateway.sql('delete from feed_event');
    await gateway.sql('update tenant_feed set events_from = position');
    for (const tier of ['silver', 'gold', 'black', 'gold']) await setTier(tier);
    expect([await isDue(), await forget()]).toEqual([false, 0]);
    const [{ first = '' } = {}] = await kept();
    const begin = BigInt(first);
    // Three are old; of two the moment isn't in the order of the commits, as after a long transaction.
    await gateway.sql(
      `update feed_event set recorded_at = recorded_at - interval '3 days'
        where position in ($1, $1::bigint + 1, $1::bigint + 3)`,
      [first],
    );
    expect([await isDue(), await forget(), await forget(), await isDue()]).toEqual([true, 2, 0, false]);
    const from = begin + 1n;
    expect(await kept()).toEqual([{ first: String(from + 1n), from: String(from) }]);
    expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
    const cursorAt = (position: bigint): string => feedCursor(gateway.tenantKey, position);
    const expired = { code: 'CURSOR_EXPIRED', field: ['after'] };
    for (const stream of Object.keys(FIELDS) as Stream[])
      expect(await refusal(following(stream, { after: cursorAt(0n) }))).toMatchObject(expired);
    const own = following('tierEvents', { id: memberId, after: cursorAt(from) });
    expect((await own.event()).cursor).toMatch(/./);
    // A card that is read now can be followed, however long ago its last entry was.
    const card = `{ member(id: "${memberId}") { ledger(asset: "points") { eventCursor } } }`;
    const readCursor = async (): Promise<string> => (await gateway.ask(card)).data.member.ledger.eventCursor;
    await untilHolds(async () => (await readCursor()) === cursorAt(from));
    const followed = following('tierEvents', { id: memberId, after: await readCursor() });
    expect((await followed.event()).cursor).toMatch(/./);
    const query = `subscription($after: String) { programPointEvents(after: $after) { type } }`;
    const points = follow(gateway, { query, variables: { after: cursorAt(0n) } });
    open.push(points);
    expect(await points.event()).toMatchObject({ type: expect.any(String) });
  });
});
