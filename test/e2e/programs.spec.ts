import { formatProgram } from '../../src/domain/programs/index.ts';
import { definitionOf, exampleText } from '../ledger/programs.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { codesOf, mutate, type OwnTenant, ownTenant } from '../support/own-tenant.ts';

const DEMO = exampleText('demo');
const PROGRAM = 'program { version source } changed';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

type Asked = Pick<OwnTenant, 'act'>;

/** The demo tenant, asked as its staff. */
const demo: Asked = { act: (...rest) => mutate(gateway.ask, ...rest) };

function apply({ act }: Asked, source: string, more: Record<string, unknown> = {}): Promise<Json> {
  return act('applyProgram', { idempotencyKey: newRequestKey(), source, ...more }, PROGRAM);
}

/** The demo program with another enrolment bonus. */
function withBonus(points: number): string {
  return DEMO.replace('asset: points, amount: 100 }', `asset: points, amount: ${points} }`);
}

describe('applying a program', () => {
  it('gives a tenant its first, and each change the next version', async () => {
    const tenant = await ownTenant(gateway, { program: false });
    expect((await tenant.ask('{ program { version } }')).data).toEqual({ program: null });
    const source = formatProgram(definitionOf(DEMO));
    expect(await apply(tenant, DEMO)).toEqual({
      program: { version: 1, source },
      changed: true,
      userErrors: [],
    });
    expect((await tenant.ask('{ program { version } }')).data).toEqual({ program: { version: 1 } });
    expect(await enrol(tenant)).toMatch(/^mem_/);
    expect(await apply(tenant, withBonus(1))).toMatchObject({ program: { version: 2 }, changed: true });
    expect(await apply(tenant, DEMO)).toMatchObject({ program: { version: 3 }, changed: true });
  });

  it('that says the same changes nothing, however it is written', async () => {
    const tenant = await ownTenant(gateway);
    const same = { program: { version: 1 }, changed: false, userErrors: [] };
    expect(await apply(tenant, DEMO)).toMatchObject(same);
    const { data } = await tenant.ask('{ program { source } }');
    expect(await apply(tenant, data.program.source)).toMatchObject(same);
    expect(await apply(tenant, `# A remark.\n${DEMO}`)).toMatchObject(same);
  });

  it('that a release before this one has stored changes nothing', async () => {
    const tenant = await ownTenant(gateway, { program: false });
    const { ladders, tags, benefits, ...rest } = definitionOf(DEMO);
    const [{ retention, windowDays, tiers, ...ladder } = {}] = ladders as Json[];
    const older = {
      ...rest,
      ladder: {
        ...ladder,
        window: 'LIFETIME',
        tiers: tiers.map(({ benefits, hidden, ...tier }: Json) => tier),
      },
      rules: rest.rules.flatMap(({ code, name, trigger, postings }) =>
        postings.length === 0 ? [] : [{ code, name, trigger, postings }],
      ),
    };
    await gateway.application.database.unitOfWork(tenant.tenantKey, async (em) => {
      await em.execute(
        'insert into program (tenant_id, version, definition, applied_at, applied_by) values (?, 1, ?, now(), ?)',
        [tenant.tenantKey, JSON.stringify(older), 'a release'],
      );
      await em.execute('update tenant set program_version = 1 where tenant_id = ?', [tenant.tenantKey]);
    });
    gateway.application.services.tenants.forget(tenant.tenantKey);
    const { data } = await tenant.ask('{ program { source } }');
    expect(await apply(tenant, data.program.source)).toMatchObject({
      program: { version: 1 },
      changed: false,
    });
  });

  it('answers a key the first time’s answer, whatever happened since, and refuses it for another file', async () => {
    const tenant = await ownTenant(gateway);
    const idempotencyKey = newRequestKey();
    const first = await apply(tenant, withBonus(7), { idempotencyKey });
    expect(first).toMatchObject({ program: { version: 2 }, changed: true });
    await apply(tenant, withBonus(8));
    expect(await apply(tenant, withBonus(7), { idempotencyKey })).toEqual(first);
    expect(await apply(tenant, withBonus(8), { idempotencyKey })).toMatchObject({
      program: null,
      changed: null,
      userErrors: [{ code: 'IDEMPOTENCY_CONFLICT', field: ['idempotencyKey'] }],
    });
    const unchanged = newRequestKey();
    const same = await apply(tenant, withBonus(8), { idempotencyKey: unchanged });
    expect(same).toMatchObject({ program: { version: 3 }, changed: false });
    await apply(tenant, withBonus(9));
    expect(await apply(tenant, withBonus(8), { idempotencyKey: unchanged })).toEqual(same);
  });

  it('is done once for a key that several send at once', async () => {
    const tenant = await ownTenant(gateway);
    const idempotencyKey = newRequestKey();
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => apply(tenant, withBonus(5), { idempotencyKey })),
    );
    for (const answer of answers) expect(answer).toMatchObject({ program: { version: 2 }, changed: true });
  });

  it('as a dry run tells all and writes nothing', async () => {
    const idempotencyKey = newRequestKey();
    const tried = await expectNothingWritten(gateway, () =>
      apply(demo, withBonus(3), { idempotencyKey, dryRun: true }),
    );
    const source = formatProgram(definitionOf(withBonus(3)));
    expect(tried).toEqual({ program: { version: 2, source }, changed: true, userErrors: [] });
    expect((await gateway.ask('{ program { version } }')).data).toEqual({ program: { version: 1 } });
    const bad = await apply(demo, 'name: {}', { dryRun: true });
    expect(codesOf(bad)).toContain('PROGRAM_INVALID');
    expect(await apply(demo, withBonus(4), { idempotencyKey, dryRun: true })).toMatchObject({
      changed: true,
    });
    expect(await apply(demo, DEMO, { dryRun: true })).toMatchObject({
      program: { version: 1 },
      changed: false,
    });
  });

  it('from twenty sides at once numbers the versions without a gap', async () => {
    const tenant = await ownTenant(gateway);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => apply(tenant, withBonus(200 + index))),
    );
    const versions = answers.map(({ program }) => program.version as number).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 20 }, (_, index) => index + 2));
  });

  it('lets each posting that is under way end under one version', async () => {
    const tenant = await ownTenant(gateway);
    const member = await enrol(tenant);
    const record = (): Promise<Json> =>
      tenant.act(
        'recordActivity',
        {
          idempotencyKey: newRequestKey(),
          memberId: member,
          type: 'purchase',
          amount: { value: '100.00', currency: 'CNY' },
        },
        'activity { explanations { rule { version } } } operations { programVersion }',
      );
    const acts: Promise<Json>[] = [];
    for (let index = 0; index < 30; index += 1) {
      acts.push(record());
      if (index % 15 === 5) acts.push(apply(tenant, withBonus(300 + index)).then(() => null));
      if (index % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const recorded of (await Promise.all(acts)).filter((one) => one !== null)) {
      expect(recorded.userErrors).toEqual([]);
      const explained = recorded.activity.explanations.map(({ rule }: Json) => rule.version);
      const posted = recorded.operations.map(({ programVersion }: Json) => programVersion);
      expect(posted.length).toBeGreaterThan(0);
      expect(new Set([...explained, ...posted]).size).toBe(1);
    }
    const last = await record();
    expect(last.operations[0].programVersion).toBe(3);
  });
});

describe('a program that is refused', () => {
  it('tells each fault with its line and its place, in the reader’s language, and writes nothing', async () => {
    const source = DEMO.replace('asset: points, amount: 100 }', 'asset: pionts, amount: 100 }').replace(
      'currency: CNY',
      'currency: RMB',
    );
    const line = (part: string): number => source.split('\n').findIndex((text) => text.includes(part)) + 1;
    const refused = await expectNothingWritten(gateway, () => apply(demo, source));
    expect(refused).toMatchObject({ program: null, changed: null });
    expect(refused.userErrors).toContainEqual({
      code: 'PROGRAM_INVALID',
      field: ['source', 'currency'],
      message: `第 ${line('RMB')} 行：a currency of ISO 4217, e.g. "CNY"。`,
    });
    const tenant = await ownTenant(gateway);
    const other = await apply(tenant, source.replace('currency: RMB', 'currency: CNY'));
    expect(other.userErrors).toEqual([
      {
        code: 'PROGRAM_INVALID',
        field: ['source', 'rules', '0', 'postings', '0', 'asset'],
        message: `Line ${line('pionts')}: no asset of this program is called "pionts".`,
      },
    ]);
  });

  it('tells where in an expression it is wrong', async () => {
    const source = DEMO.replace('trigger: sign_in', 'trigger: sign_in\n    when: "member.nmae == 1"');
    const tenant = await ownTenant(gateway);
    const { userErrors } = await apply(tenant, source);
    const index = definitionOf(DEMO).rules.findIndex(({ trigger }) => trigger === 'sign_in');
    expect(userErrors).toEqual([
      {
        code: 'PROGRAM_INVALID',
        field: ['source', 'rules', String(index), 'when'],
        message: expect.stringMatching(/^Line \d+: .*\(at character \d+\)\.$/),
      },
    ]);
  });

  it.each([
    ['no YAML', 'a: [', 1],
    ['nothing at all', '', 1],
    ['no map', '- a\n- b', 1],
  ])('for being %s is told so', async (_what, source, line) => {
    const { userErrors } = await apply(await ownTenant(gateway), source);
    expect(userErrors[0]).toMatchObject({ code: 'PROGRAM_INVALID' });
    expect(userErrors[0].field[0]).toBe('source');
    expect(userErrors[0].message).toContain(`Line ${line}: `);
    expect(userErrors[0].message).toMatch(/[^.:]\.$/);
  });

  it('tells fifty faults at most', async () => {
    const tags = Array.from({ length: 80 }, (_, index) => `  - { code: "T ${index}", name: { en: T } }`);
    const { userErrors } = await apply(await ownTenant(gateway), `${DEMO}tags:\n${tags.join('\n')}\n`);
    expect(userErrors).toHaveLength(50);
  });

  it('says who keeps the record of an asset, and nothing that is then said elsewhere', async () => {
    const tenant = await ownTenant(gateway);
    const asset = '{ code: miles, kind: POINTS, name: { en: Miles }, recordOf: EXTERNAL';
    const withMiles = (more: string): string => DEMO.replace('assets:\n', `assets:\n  - ${asset}${more} }\n`);
    const wrong = 'expiry: { after: P12M }, maturity: { after: P1D }, limits: {}, floor: NONE, reversal: {}';
    const { userErrors } = await apply(tenant, withMiles(`, transferable: true, ${wrong}`));
    const told = userErrors.map(({ message }: Json) => message);
    const elsewhere = told.filter((message: string) => message.includes('decides on it'));
    expect([elsewhere.length, told.length]).toEqual([5, 6]);
    expect(told.at(-1)).toContain('no commit holds for two members');
    expect(await apply(tenant, withMiles(''))).toMatchObject({ changed: true });
    const { data } = await tenant.ask('{ program { assets { code recordOf } } }');
    const earned = await tenant.act(
      'earnPoints',
      { idempotencyKey: newRequestKey(), memberId: await enrol(tenant), asset: 'miles', amount: '1' },
      'operation { id }',
    );
    expect(codesOf(earned)).toEqual(['RECORD_UNANSWERED']);
    expect(data.program.assets).toEqual([
      { code: 'miles', recordOf: 'EXTERNAL' },
      ...['points', 'growth', 'token'].map((code) => ({ code, recordOf: 'INTERNAL' })),
    ]);
    // Nothing has an entry in it: it may be kept here after all.
    const inside = withMiles('').replace('EXTERNAL', 'INTERNAL');
    expect(await apply(tenant, inside)).toMatchObject({ changed: true });
    expect(await apply(tenant, withMiles(''))).toMatchObject({ changed: true });
  });

  it('may not give the record of an asset that has entries to somebody else', async () => {
    const tenant = await ownTenant(gateway);
    await enrol(tenant);
    const away = DEMO.replace('transferable: true', 'recordOf: EXTERNAL');
    expect(away).not.toBe(DEMO);
    expect((await apply(tenant, away)).userErrors).toMatchObject([
      { code: 'ASSET_RECORD_MOVED', field: ['source', 'assets'] },
    ]);
  });

  it('may not drop an asset or a benefit that members have', async () => {
    const tenant = await ownTenant(gateway);
    const member = await enrol(tenant);
    const whole = definitionOf(DEMO);
    const without = (dropped: string[]): string => {
      const keep = ({ code }: { code: string }): boolean => !dropped.includes(code);
      const rules = whole.rules.filter(
        ({ postings, grants }) =>
          !postings.some(({ asset }) => dropped.includes(asset)) &&
          !grants.some((code) => dropped.includes(code)),
      );
      const assets = whole.assets.filter(keep);
      return formatProgram({ ...whole, assets, benefits: whole.benefits.filter(keep), rules });
    };
    expect((await apply(tenant, without(['token']))).userErrors).toMatchObject([
      { code: 'ASSET_IN_USE', field: ['source', 'assets'] },
    ]);
    const database = gateway.application.database;
    await database.unitOfWork(tenant.tenantKey, (em) =>
      em.execute(
        `insert into benefit_grant (tenant_id, grant_id, member_id, benefit, valid_from, created_at)
         select tenant_id, member_id, member_id, 'birthday-gift', now(), now() from member where tenant_id = ?`,
        [tenant.tenantKey],
      ),
    );
    expect((await apply(tenant, without(['birthday-gift']))).userErrors).toMatchObject([
      {
        code: 'BENEFIT_IN_USE',
        field: ['source', 'benefits'],
        message: expect.stringContaining('"birthday-gift"'),
      },
    ]);
    await database.unitOfWork(tenant.tenantKey, (em) =>
      em.execute('update benefit_grant set revoked_at = now() where tenant_id = ?', [tenant.tenantKey]),
    );
    expect(await apply(tenant, without(['birthday-gift']))).toMatchObject({ changed: true, userErrors: [] });
    expect(member).toMatch(/^mem_/);
  });
});

describe('a program', () => {
  it('shows its rules, in the order of the file', async () => {
    const tenant = await ownTenant(gateway);
    const source = DEMO.replace(
      'trigger: sign_in',
      'trigger: sign_in\n    when: "member.tags.size() == 0"\n    order: -5\n    exclusive: daily',
    );
    expect((await apply(tenant, source)).userErrors).toEqual([]);
    const query = '{ program { rules { code name trigger when order exclusive } } }';
    const { rules } = (await tenant.ask(query)).data.program;
    expect(rules.map(({ code }: Json) => code)).toEqual(definitionOf(DEMO).rules.map(({ code }) => code));
    expect(rules).toContainEqual({
      code: 'daily-sign-in',
      name: 'Daily sign-in',
      trigger: 'sign_in',
      when: 'member.tags.size() == 0',
      order: -5,
      exclusive: 'daily',
    });
    expect(rules).toContainEqual({
      code: 'enrolment-bonus',
      name: 'Enrolment bonus',
      trigger: 'enrolment',
      when: null,
      order: 0,
      exclusive: null,
    });
  });

  it('lists its versions, newest first, with who applied them', async () => {
    const tenant = await ownTenant(gateway);
    for (const points of [1, 2, 3]) await apply(tenant, withBonus(points));
    const query = `query($first: Int!, $after: String) { programVersions(first: $first, after: $after) {
      edges { cursor node { version appliedAt appliedBy } } pageInfo { hasNextPage endCursor } } }`;
    const first = (await tenant.ask(query, { first: 3 })).data.programVersions;
    expect(first.edges.map(({ node }: Json) => node.version)).toEqual([4, 3, 2]);
    expect(first.edges[0].node.appliedBy).toMatch(/^key_/);
    expect(first.edges[0].node.appliedAt).toMatch(/Z$/);
    expect(first.pageInfo.hasNextPage).toBe(true);
    await apply(tenant, withBonus(4));
    const rest = (await tenant.ask(query, { first: 3, after: first.pageInfo.endCursor })).data
      .programVersions;
    expect(rest.edges.map(({ node }: Json) => node.version)).toEqual([1]);
    expect(rest.edges[0].node.appliedBy).toBe('a test');
    expect(rest.pageInfo.hasNextPage).toBe(false);
    const stranger = await (await ownTenant(gateway)).ask(query, {
      first: 3,
      after: first.pageInfo.endCursor,
    });
    expect(stranger.errors[0]?.extensions.code).toBe('CURSOR_INVALID');
    expect((await tenant.ask(query, { first: 0 })).errors[0]?.extensions.code).toBe('PAGE_SIZE');
  });
});

describe('whoever listens to programs', () => {
  const heard: string[] = [];
  let failing = false;
  beforeAll(() =>
    gateway.application.services.programs.listen({
      applying: async (tx, tenantKey, program, before) => {
        const { programVersion } = await tx.facts;
        heard.push(`applying ${programVersion} ${before?.version ?? null} ${program.version}`);
        if (failing) throw new Error(`No program for ${tenantKey}.`);
      },
      applied: async () => {
        heard.push('applied');
        throw new Error('What follows fails.');
      },
    }),
  );
  beforeEach(() => {
    heard.length = 0;
  });

  it('is told before and after the commit, and what fails after it undoes nothing', async () => {
    const tenant = await ownTenant(gateway, { program: false });
    expect(await apply(tenant, DEMO)).toMatchObject({ changed: true });
    expect(await apply(tenant, DEMO)).toMatchObject({ changed: false });
    expect(await apply(tenant, withBonus(2), { dryRun: true })).toMatchObject({ changed: true });
    expect(heard).toEqual(['applying null null 1', 'applied', 'applying 1 1 2']);
    expect((await tenant.ask('{ program { version } }')).data.program.version).toBe(1);
  });

  it('can keep it from coming into force', async () => {
    const tenant = await ownTenant(gateway, { program: false });
    failing = true;
    await expect(apply(tenant, DEMO)).rejects.toThrow('INTERNAL');
    failing = false;
    expect((await tenant.ask('{ program { version } }')).data).toEqual({ program: null });
    expect(await apply(tenant, DEMO)).toMatchObject({ program: { version: 1 } });
  });
});
