import { IdentityKind } from '../../src/domain/members/index.ts';
import { formatProgram, type ProgramDefinition } from '../../src/domain/programs/index.ts';
import { answers, definePlugin, memberCreate } from '../../src/extension/index.ts';
import { connect, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { auditLedgers } from '../support/audit.ts';
import { asJsonb, definitionOf, exampleText } from './programs.ts';
import { enrolMember, newTenant, outcomesOf, type TestTenant } from './tenants.ts';

/** What runs whenever an extension is asked: between a proposal and its commit. */
let meanwhile: (idempotencyKey: string) => Promise<void> = async () => undefined;

const onlooker = definePlugin({
  id: 'onlooker',
  version: 1,
  description: 'Lets a test act between a proposal and its commit.',
  deadlineMs: 10_000,
  answers: [
    answers(memberCreate, async (_input, { idempotencyKey }) => {
      await meanwhile(idempotencyKey);
      return { decision: 'APPROVE' as const };
    }),
  ],
});

let application: TestApplication;
beforeAll(async () => {
  application = await startApplication([onlooker]);
});
afterAll(async () => {
  expect(await auditLedgers(application.testDatabase.adminUrl)).toEqual([]);
  await application.close();
});
beforeEach(() => {
  meanwhile = async () => undefined;
});

/** The demo program with another enrolment bonus. */
function withBonus(points: number): ProgramDefinition {
  return definitionOf(exampleText('demo').replace('amount: 100 }', `amount: ${points} }`));
}

const apply = ({ tenantKey }: TestTenant, definition: ProgramDefinition) =>
  application.services.programs.apply(tenantKey, definition, 'a test');

async function sql<Row>({ tenantKey }: TestTenant, text: string): Promise<Row[]> {
  const client = await connect(application.testDatabase.appUrl);
  try {
    await client.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
    return (await client.query(text)).rows as Row[];
  } finally {
    await client.end();
  }
}

const enrolByCard = ({ ctx }: TestTenant, card: string) =>
  application.services.members.create(ctx, {
    idempotencyKey: `enrol-${card}`,
    identities: [{ kind: IdentityKind.CARD, value: card }],
  });

describe('a program that comes into force between a proposal and its commit', () => {
  it('makes the proposal be made again, under that program and with the same key', async () => {
    const tenant = await newTenant(application, 'moving');
    const asked: string[] = [];
    meanwhile = async (key) => {
      if (asked.push(key) === 1) await apply(tenant, withBonus(250));
    };
    const { operations } = await enrolByCard(tenant, 'moved');
    expect(asked).toEqual(['enrol-moved', 'enrol-moved']);
    expect(operations.map(({ programVersion }) => programVersion)).toEqual([2, 2]);
    expect(operations[0]?.writtenEntries).toMatchObject([{ amount: 250n, balanceAfter: 250n }]);
    expect(operations[0]?.storedExplanation?.rule).toEqual({ code: 'enrolment-bonus', version: 2 });
    const written = await sql(tenant, 'select program_version as version from operation');
    expect(written).toEqual([{ version: 2 }, { version: 2 }]);
  });

  it('and is followed by others makes it be made under the last', async () => {
    const tenant = await newTenant(application, 'several');
    let bonus = 100;
    meanwhile = async () => {
      bonus += 1;
      if (bonus < 106) await apply(tenant, withBonus(bonus));
    };
    const { operations } = await enrolByCard(tenant, 'followed');
    expect([bonus, operations[0]?.programVersion]).toEqual([106, 6]);
  });

  it('again and again ends the attempts, and nothing is written', async () => {
    const tenant = await newTenant(application, 'restless');
    let bonus = 100;
    meanwhile = async () => {
      bonus += 1;
      await apply(tenant, withBonus(bonus));
    };
    await expect(enrolByCard(tenant, 'never')).rejects.toThrow();
    expect(bonus).toBe(110);
    for (const table of ['member', 'member_identity', 'ledger', 'operation', 'idempotency'])
      expect([table, await sql(tenant, `select * from ${table}`)]).toEqual([table, []]);
    meanwhile = async () => undefined;
    expect((await enrolByCard(tenant, 'never')).operations[0]?.programVersion).toBe(11);
  });

  it('while many activities are recorded leaves each under one version', async () => {
    const tenant = await newTenant(application, 'busy');
    const memberIds = await Promise.all(
      Array.from({ length: 5 }, (_, index) => enrolMember(application, tenant, `busy-${index}`)),
    );
    const record = (index: number) =>
      application.services.activities.record(tenant.ctx, {
        idempotencyKey: `busy-${index}`,
        memberId: memberIds[index % 5],
        type: 'purchase',
        amount: { value: '100.00', currency: 'CNY' },
      });
    const early = Array.from({ length: 20 }, (_, index) => record(index));
    await apply(tenant, withBonus(101));
    const late = Array.from({ length: 20 }, (_, index) => record(20 + index));
    await apply(tenant, withBonus(102));
    const recorded = await Promise.all([...early, ...late]);
    for (const { activity, operations } of recorded) {
      const explained = activity.storedExplanations.map(({ rule }) => rule?.version);
      const versions = [...operations.map(({ programVersion }) => programVersion), ...explained];
      expect(new Set(versions)).toEqual(new Set([activity.programVersion]));
    }
    await expect(record(40)).resolves.toMatchObject({ activity: { programVersion: 3 } });
  });
});

describe('operations', () => {
  it('keep the version that they were made under', async () => {
    const tenant = await newTenant(application, 'pinned');
    const first = await enrolByCard(tenant, 'one');
    await apply(tenant, withBonus(150));
    const second = await enrolByCard(tenant, 'two');
    expect(first.operations[0]?.programVersion).toBe(1);
    expect(second.operations[0]?.programVersion).toBe(2);
    const replayed = await enrolByCard(tenant, 'one');
    expect(replayed.operations.map(({ programVersion }) => programVersion)).toEqual([1, 1]);
    expect(replayed.operations[0]?.storedExplanation?.rule).toEqual({ code: 'enrolment-bonus', version: 1 });
    const { definition } = await application.services.programs.pinned(tenant.tenantKey, 1);
    expect(definition.rules[0]?.postings[0]?.amount).toBe('100');
  });
});

describe('applying a program', () => {
  it('that is in force changes nothing, however its keys are ordered', async () => {
    const tenant = await newTenant(application, 'again');
    const definition = definitionOf(exampleText('demo'));
    expect(await apply(tenant, definition)).toEqual({ version: 1, changed: false });
    expect(await apply(tenant, asJsonb(definition))).toEqual({ version: 1, changed: false });
    expect(await apply(tenant, withBonus(1))).toEqual({ version: 2, changed: true });
    expect(await apply(tenant, definition)).toEqual({ version: 3, changed: true });
  });

  it('and exporting it again gives the same text', async () => {
    const tenant = await newTenant(application, 'exported');
    const exported = formatProgram(definitionOf(exampleText('demo')));
    const stored = await application.services.programs.pinned(tenant.tenantKey, 1);
    expect(formatProgram(stored.definition)).toBe(exported);
    expect(await apply(tenant, definitionOf(formatProgram(stored.definition)))).toEqual({
      version: 1,
      changed: false,
    });
  });

  it('from several sides at once numbers the versions without a gap', async () => {
    const tenant = await newTenant(application, 'sides');
    const applied = await Promise.all([1, 2, 3, 4].map((points) => apply(tenant, withBonus(points))));
    expect(applied.map(({ version }) => version).sort()).toEqual([2, 3, 4, 5]);
  });

  it('may drop an asset that nobody ever had, and no other', async () => {
    const tenant = await newTenant(application, 'dropping');
    const withAssets = (codes: string[]): ProgramDefinition => {
      const whole = definitionOf(exampleText('demo'));
      const assets = whole.assets.filter(({ code }) => codes.includes(code));
      const rules = whole.rules.filter(({ code }) => code === 'purchase-points');
      return { ...whole, assets, rules, ladders: [] };
    };
    await enrolByCard(tenant, 'one');
    expect(await outcomesOf([apply(tenant, withAssets(['points']))])).toEqual({ ASSET_IN_USE: 1 });
    expect(await apply(tenant, withAssets(['points', 'token']))).toEqual({ version: 2, changed: true });
  });
});
