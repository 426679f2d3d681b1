import { IdentityKind } from '../../src/domain/members/index.ts';
import { bornOn, daysToDo } from '../../src/jobs/birthdays.ts';
import { catchUp, type JobParts, type OwnActivity, runDaily } from '../../src/jobs/index.ts';
import { refuse } from '../../src/kernel/errors.ts';
import { newKey, toPublicId } from '../../src/kernel/ids.ts';
import { digestOf } from '../../src/persistence/idempotency.ts';
import { definitionOf, exampleText } from '../ledger/programs.ts';
import { newTenant, setClock, type TestTenant } from '../ledger/tenants.ts';
import { startApplication, type TestApplication } from '../persistence/furnished.ts';

const DEMO = exampleText('demo');
const ANSWERING = `${DEMO}  - code: welcome-up
    name: { en: Welcome up }
    trigger: tier_change
    postings:
      - { asset: points, amount: 5 }
`;

let application: TestApplication;
beforeAll(async () => {
  application = await startApplication();
});
afterAll(() => application.close());

let made = 0;

async function tenantAt(moment: string, program = DEMO): Promise<TestTenant> {
  made += 1;
  const tenant = await newTenant(application, `tenant-${made}`, definitionOf(program));
  await setClock(application, tenant.tenantKey, moment);
  return tenant;
}

async function born({ ctx }: TestTenant, birthday: string | null): Promise<string> {
  made += 1;
  const { member } = await application.services.members.create(ctx, {
    idempotencyKey: `enrol-${made}`,
    identities: [{ kind: IdentityKind.CARD, value: `card-${made}` }],
    profile: { birthday },
  });
  return member.memberKey;
}

async function sql<Row>({ tenantKey }: TestTenant, text: string): Promise<Row[]> {
  return await application.database.unitOfWork(tenantKey, (em) => em.execute<Row[]>(text, [tenantKey]));
}

/** The jobs with parts of a test's own, and what they were told to record. */
function watched(more: Partial<JobParts> = {}): { parts: JobParts; recorded: OwnActivity[] } {
  const recorded: OwnActivity[] = [];
  const recordOwn = async (tenantKey: string, activity: OwnActivity): Promise<void> => {
    await application.jobs.activities.recordOwn(tenantKey, activity);
    recorded.push(activity);
  };
  return { parts: { ...application.jobs, activities: { recordOwn }, ...more }, recorded };
}

const birthdaysOf = (tenant: TestTenant) =>
  sql<{ member_id: string }>(
    tenant,
    `select member_id from activity where tenant_id = ? and type = 'birthday' order by activity_id`,
  ).then((rows) => rows.map(({ member_id: memberKey }) => memberKey));

const dayOf = (tenant: TestTenant) =>
  sql<{ day: string }>(tenant, 'select day::text as day from daily_run where tenant_id = ?').then(
    ([row]) => row?.day ?? null,
  );

describe('the days to do', () => {
  it.each([
    [null, '2026-03-10', ['2026-03-10']],
    ['2026-03-09', '2026-03-10', ['2026-03-10']],
    ['2026-02-26', '2026-03-01', ['2026-02-27', '2026-02-28', '2026-03-01']],
    ['2028-02-28', '2028-03-01', ['2028-02-29', '2028-03-01']],
    ['2026-03-10', '2026-03-10', []],
    ['2026-03-11', '2026-03-10', []],
  ])('after %s up to %s', (last, today, days) => {
    expect(daysToDo(last, today)).toEqual(days);
  });

  it('go back a year at most', () => {
    const days = daysToDo('2020-01-01', '2026-03-10');
    expect([days.length, days[0], days.at(-1)]).toEqual([367, '2025-03-09', '2026-03-10']);
  });

  it.each([
    ['2026-03-10', '1990-03-10', 200],
    ['2026-02-28', '1992-02-29', 249],
    ['2028-02-28', '1990-02-28', 200],
    ['2028-02-29', '1992-02-29', 49],
    ['2100-02-28', '2096-02-29', 249],
  ])('%s is the birthday of who was born on %s', (day, birth, dates) => {
    expect(bornOn(day)).toContain(birth);
    expect([bornOn(day).length, new Set(bornOn(day)).size]).toEqual([dates, dates]);
  });

  it.each([
    ['2028-02-28', '1992-02-29'],
    ['2026-03-01', '1992-02-29'],
    ['2026-03-10', '1990-03-11'],
  ])('%s is not the birthday of who was born on %s', (day, birth) => {
    expect(bornOn(day)).not.toContain(birth);
  });
});

describe('birthdays', () => {
  it('are recorded on their local day, once a year, of active members alone', async () => {
    const tenant = await tenantAt('2026-03-09T15:59:00Z');
    const today = await born(tenant, '1990-03-10');
    await born(tenant, '1990-03-11');
    await born(tenant, null);
    const blocked = await born(tenant, '1990-03-10');
    await sql(
      tenant,
      `update member set status = 'BLOCKED' where tenant_id = ? and member_id = '${blocked}'`,
    );
    expect(await runDaily(application.jobs, tenant.tenantKey)).toEqual({ operations: 0, day: '2026-03-09' });
    expect(await birthdaysOf(tenant)).toEqual([]);
    await setClock(application, tenant.tenantKey, '2026-03-09T16:00:00Z');
    expect(await runDaily(application.jobs, tenant.tenantKey)).toMatchObject({ day: '2026-03-10' });
    expect(await birthdaysOf(tenant)).toEqual([today]);
    expect(await runDaily(application.jobs, tenant.tenantKey)).toBeNull();
    const gifts = await sql(
      tenant,
      `select * from benefit_grant where tenant_id = ? and benefit = 'birthday-gift'`,
    );
    expect(gifts).toHaveLength(1);
    const keys = await sql<{ key: string }>(
      tenant,
      `select key from idempotency join activity using (tenant_id, activity_id)
        where tenant_id = ? and type = 'birthday'`,
    );
    expect(keys).toEqual([{ key: digestOf(`birthday:${toPublicId('member', today)}:2026`) }]);
    await setClock(application, tenant.tenantKey, '2027-03-10T04:00:00Z');
    await runDaily(application.jobs, tenant.tenantKey);
    expect(await birthdaysOf(tenant)).toEqual([today, expect.any(String), today]);
  });

  it('of 29 February are on the 28th where there is no 29th', async () => {
    const tenant = await tenantAt('2026-02-27T04:00:00Z');
    const [leap, usual] = [await born(tenant, '1992-02-29'), await born(tenant, '1990-02-28')];
    const found: Record<string, string[]> = {};
    for (const day of ['2026-02-27', '2026-02-28', '2026-03-01', '2028-02-28', '2028-02-29']) {
      await setClock(application, tenant.tenantKey, `${day}T04:00:00Z`);
      const { parts, recorded } = watched();
      await runDaily(parts, tenant.tenantKey);
      found[day] = recorded.map(({ memberKey }) => memberKey).sort();
    }
    expect(found['2026-02-27']).toEqual([]);
    expect(found['2026-02-28']).toEqual([leap, usual].sort());
    expect(found['2026-03-01']).toEqual([]);
    // 2027 was missed, and lies within a year of 28 February 2028; so does that day itself.
    expect(found['2028-02-28']).toEqual([leap, usual, usual].sort());
    expect(found['2028-02-29']).toEqual([leap]);
  });

  it('of days that were missed are done too, but not of days before somebody was a member', async () => {
    const tenant = await tenantAt('2026-03-10T04:00:00Z');
    await runDaily(application.jobs, tenant.tenantKey);
    const early = [await born(tenant, '1990-03-12'), await born(tenant, '1990-03-14')];
    await setClock(application, tenant.tenantKey, '2026-03-15T04:00:00Z');
    const late = [await born(tenant, '1990-03-13'), await born(tenant, '1990-03-15')];
    await runDaily(application.jobs, tenant.tenantKey);
    expect(await birthdaysOf(tenant)).toEqual([...early, late[1]]);
    expect(await dayOf(tenant)).toBe('2026-03-15');
  });

  it('are recorded once by several that work at once', async () => {
    const tenant = await tenantAt('2026-03-10T04:00:00Z');
    const members = await Promise.all(Array.from({ length: 20 }, () => born(tenant, '1990-03-10')));
    await Promise.all(Array.from({ length: 4 }, () => runDaily(application.jobs, tenant.tenantKey)));
    expect((await birthdaysOf(tenant)).sort()).toEqual(members.sort());
  });

  it('are not looked for where no rule answers to them', async () => {
    const tenant = await tenantAt(
      '2026-03-10T04:00:00Z',
      DEMO.replace('trigger: birthday', 'trigger: other'),
    );
    await born(tenant, '1990-03-10');
    await runDaily(application.jobs, tenant.tenantKey);
    expect(await birthdaysOf(tenant)).toEqual([]);
  });

  it('that fail stop no other, and are tried again', async () => {
    const tenant = await tenantAt('2026-03-10T04:00:00Z');
    const [poor, refused, fine] = [
      await born(tenant, '1990-03-10'),
      await born(tenant, '1990-03-10'),
      await born(tenant, '1990-03-10'),
    ];
    const recorded: string[] = [];
    let isBroken = true;
    const activities = {
      recordOwn: async (_tenantKey: string, { memberKey }: OwnActivity): Promise<void> => {
        if (memberKey === poor && isBroken) throw new Error('It fails.');
        if (memberKey === refused) throw refuse('MEMBER_NOT_ACTIVE', ['memberId']);
        recorded.push(memberKey);
      },
    };
    const { parts } = watched({ activities });
    await expect(runDaily(parts, tenant.tenantKey)).rejects.toThrow('It fails.');
    expect([recorded, await dayOf(tenant)]).toEqual([[fine], null]);
    isBroken = false;
    await runDaily(parts, tenant.tenantKey);
    expect([recorded, await dayOf(tenant)]).toEqual([[fine, poor, fine], '2026-03-10']);
  });
});

describe('the review', () => {
  it('comes after birthdays, once a local day, and again where it failed', async () => {
    const tenant = await tenantAt('2026-03-10T04:00:00Z');
    await born(tenant, '1990-03-10');
    const order: string[] = [];
    let isBroken = true;
    const { parts } = watched({
      activities: { recordOwn: async () => void order.push('birthday') },
      tiers: {
        review: async () => {
          order.push('review');
          if (isBroken) throw new Error('The review fails.');
          return { reviewed: 1, changed: 0 };
        },
      },
    });
    await expect(catchUp(parts, tenant.tenantKey)).rejects.toThrow('The review fails.');
    isBroken = false;
    await catchUp(parts, tenant.tenantKey);
    await catchUp(parts, tenant.tenantKey);
    expect(order).toEqual(['birthday', 'review', 'birthday', 'review']);
    await setClock(application, tenant.tenantKey, '2026-03-10T16:00:00Z');
    expect(await catchUp(parts, tenant.tenantKey)).toEqual({ operations: 0, day: '2026-03-11' });
    expect(order.slice(4)).toEqual(['review']);
  });
});

describe('changes of tiers', () => {
  /** A change that nobody was asked about. */
  async function changed(tenant: TestTenant, memberKey: string): Promise<string> {
    const changeKey = newKey();
    await sql(
      tenant,
      `insert into tier_change (tenant_id, change_id, member_id, ladder, to_tier, cause, changed_at)
       values (?, '${changeKey}', '${memberKey}', 'tea-friends', 'silver', 'REACHED', now())`,
    );
    return changeKey;
  }

  const unannounced = (tenant: TestTenant) =>
    sql<{ key: string }>(
      tenant,
      'select change_id as key from tier_change where tenant_id = ? and announced_at is null order by 1',
    ).then((rows) => rows.map(({ key }) => key));

  it('are announced once each, by an activity of the member', async () => {
    const tenant = await tenantAt('2026-03-10T04:00:00Z', ANSWERING);
    const member = await born(tenant, null);
    await catchUp(application.jobs, tenant.tenantKey);
    const keys = [await changed(tenant, member), await changed(tenant, member)];
    await Promise.all(Array.from({ length: 3 }, () => catchUp(application.jobs, tenant.tenantKey)));
    expect(await unannounced(tenant)).toEqual([]);
    const known = await sql<{ key: string }>(
      tenant,
      `select key from idempotency join activity using (tenant_id, activity_id)
        where tenant_id = ? and type = 'tier_change'`,
    );
    const wanted = keys.map((key) => digestOf(`tier-change:${toPublicId('tierChange', key)}`));
    expect(known.map(({ key }) => key)).toEqual(expect.arrayContaining(wanted));
    const activities = await sql(
      tenant,
      `select * from activity where tenant_id = ? and type = 'tier_change'`,
    );
    expect(activities).toHaveLength(known.length);
    expect(await catchUp(application.jobs, tenant.tenantKey)).toEqual({ operations: 0, day: null });
  });

  it('are done with, without an activity, where no rule answers to them', async () => {
    const tenant = await tenantAt('2026-03-10T04:00:00Z');
    await changed(tenant, await born(tenant, null));
    await catchUp(application.jobs, tenant.tenantKey);
    expect(await unannounced(tenant)).toEqual([]);
    expect(await sql(tenant, `select * from activity where tenant_id = ? and type = 'tier_change'`)).toEqual(
      [],
    );
  });

  it('that fail are announced later, and keep neither the others nor the day', async () => {
    const tenant = await tenantAt('2026-03-10T04:00:00Z', ANSWERING);
    const [poor, blocked, fine] = [
      await born(tenant, null),
      await born(tenant, null),
      await born(tenant, null),
    ];
    await sql(
      tenant,
      `update member set status = 'BLOCKED' where tenant_id = ? and member_id = '${blocked}'`,
    );
    const [first] = [
      await changed(tenant, poor),
      await changed(tenant, blocked),
      await changed(tenant, fine),
    ];
    const { parts, recorded } = watched();
    const { recordOwn } = parts.activities;
    let isBroken = true;
    const failing = {
      recordOwn: async (tenantKey: string, activity: OwnActivity): Promise<void> => {
        if (activity.memberKey === poor && isBroken) throw new Error('It fails.');
        await recordOwn(tenantKey, activity);
      },
    };
    await expect(catchUp({ ...parts, activities: failing }, tenant.tenantKey)).rejects.toThrow('It fails.');
    expect(await unannounced(tenant)).toEqual([first]);
    expect(await dayOf(tenant)).toBe('2026-03-10');
    isBroken = false;
    await catchUp({ ...parts, activities: failing }, tenant.tenantKey);
    expect(await unannounced(tenant)).toEqual([]);
    const announced = recorded.filter(({ type }) => type === 'tier_change').map(({ memberKey }) => memberKey);
    expect(announced).toEqual([fine, poor]);
  });
});

describe('proof', () => {
  const count = (tenant: TestTenant, what: string) =>
    sql<{ n: string }>(tenant, `select count(*) as n from ${what} where tenant_id = ?`).then(([row]) =>
      Number(row?.n),
    );

  it('is kept up: each round seals what was committed, each day sums its legs', async () => {
    const tenant = await tenantAt('2026-03-09T04:00:00Z');
    const memberKey = await born(tenant, '1990-03-10');
    const input = { memberId: toPublicId('member', memberKey), asset: 'points', amount: 10n };
    await application.services.ledgers.earn(tenant.ctx, { ...input, idempotencyKey: newKey() });
    await catchUp(application.jobs, tenant.tenantKey);
    const [operations, days] = [await count(tenant, 'operation'), await count(tenant, 'leg_day')];
    expect(await count(tenant, 'operation_chain, unnest(operation_ids)')).toBe(operations);
    expect(days).toBeGreaterThan(0);
    await application.services.ledgers.earn(tenant.ctx, { ...input, idempotencyKey: newKey() });
    await catchUp(application.jobs, tenant.tenantKey);
    expect(await count(tenant, 'operation_chain, unnest(operation_ids)')).toBe(operations + 1);
    await setClock(application, tenant.tenantKey, '2026-03-10T04:00:00Z');
    await catchUp(application.jobs, tenant.tenantKey);
    expect((await application.proof.verify(tenant.tenantKey)).fault).toBeNull();
    expect(await application.proof.rollUp(tenant.tenantKey, 'UTC')).toBe(0n);
  });

  it('that fails keeps the day open, and seals even where the rest failed', async () => {
    const tenant = await tenantAt('2026-03-09T04:00:00Z');
    let sealed = 0;
    const proof = {
      rollUp: async () => Promise.reject(new Error('The sums fail.')),
      seal: async () => {
        sealed += 1;
      },
    };
    const { parts } = watched({ proof });
    await expect(catchUp(parts, tenant.tenantKey)).rejects.toThrow('The sums fail.');
    expect([sealed, await dayOf(tenant)]).toEqual([1, null]);
  });
});
