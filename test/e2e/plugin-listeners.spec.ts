import {
  answers,
  type MemberCreateOutput,
  memberCreate,
  type Plugin,
  type PluginEvent,
} from '../../src/extension/index.ts';
import { startJobs } from '../../src/jobs/index.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { shelfPlugin } from '../support/shelf-plugin.ts';
import { untilHolds } from '../support/until-holds.ts';

const WRITE = 'insert into note (tenant_id, about, words) values ($1, $2, $3)';

const told: PluginEvent[] = [];
const configured: unknown[] = [];
let failures = 0;
const { plugin } = shelfPlugin({
  deadlineMs: 10_000,
  listeners: [
    {
      name: 'enrolments',
      types: ['members.enrolled'],
      hear: async (events, { sql, configuration }) => {
        configured.push(configuration);
        for (const event of events) {
          told.push(event);
          await sql.run(WRITE, [sql.tenantKey, event.id, event.type]);
        }
        if (failures > 0) {
          failures -= 1;
          throw new Error('not now');
        }
      },
    },
  ],
  answers: [
    answers(memberCreate, async (_input, context): Promise<MemberCreateOutput> => {
      configured.push(context.configuration);
      await context.transaction((sql) =>
        sql.run(WRITE, [sql.tenantKey, `asked ${context.mode} ${context.idempotencyKey}`, context.mode]),
      );
      return { decision: 'APPROVE' };
    }),
  ],
} satisfies Partial<Plugin>);

let gateway: TestGateway;
let jobs: { stop(): Promise<void> };
let own: OwnTenant;
beforeAll(async () => {
  gateway = await startTestGateway({ plugins: [plugin] });
  own = await ownTenant(gateway);
  jobs = await startJobs(gateway.application.jobs, { everyMs: 60_000 });
});
afterAll(async () => {
  await jobs.stop();
  await gateway.close();
});

async function notes(): Promise<string[]> {
  const { data } = await own.ask('{ shelfNotes_notes { words } }');
  return data.shelfNotes_notes.map(({ words }: { words: string }) => words);
}

const heard = async (): Promise<number> =>
  (await notes()).filter((words) => words === 'members.enrolled').length;

it('a listener that fails is told the same events again, and what it wrote is there once', async () => {
  failures = 2;
  const member = await enrol(own);
  await untilHolds(async () => (await heard()) === 1, 'the enrolment is heard');
  expect(told.map(({ type, member: about }) => [type, about?.id])).toEqual(
    Array.from({ length: 3 }, () => ['members.enrolled', member]),
  );
  await Promise.all([enrol(own), enrol(own), enrol(own)]);
  await untilHolds(async () => (await heard()) === 4, 'three more are heard');
  expect(told).toHaveLength(6);
});

it('an answerer keeps what it writes where something is done, and nothing in a dry run', async () => {
  const before = (await notes()).filter((words) => words === 'LIVE').length;
  const create = (dryRun: boolean) =>
    own.act(
      'createMember',
      { idempotencyKey: newRequestKey(), identities: [newIdentity()], dryRun },
      'member { id }',
    );
  expect((await create(true)).userErrors).toEqual([]);
  expect((await notes()).filter((words) => words !== 'members.enrolled')).toHaveLength(before);
  expect((await create(false)).userErrors).toEqual([]);
  expect((await notes()).filter((words) => words === 'LIVE')).toHaveLength(before + 1);
  expect(await notes()).not.toContain('DRY_RUN');
});

it('both are told what the tenant configured, unless it registered the answerer with something else', async () => {
  const configure = (greeting: string) =>
    own.act(
      'configurePlugin',
      { idempotencyKey: newRequestKey(), plugin: 'shelf-notes', configuration: { greeting } },
      'plugin { id }',
    );
  const toldOnEnrolment = async (): Promise<unknown[]> => {
    const before = await heard();
    configured.splice(0);
    await enrol(own);
    await untilHolds(async () => (await heard()) === before + 1, 'the enrolment is heard');
    return configured.splice(0);
  };
  await configure('ni hao');
  expect(await toldOnEnrolment()).toEqual([{ greeting: 'ni hao' }, { greeting: 'ni hao' }]);
  const { userErrors } = await own.act(
    'registerExtension',
    {
      ...{ idempotencyKey: newRequestKey(), name: 'greeter', point: 'member.create', runtime: 'IN_PROCESS' },
      ...{ stage: 'LIVE', plugin: { id: 'shelf-notes', configuration: { greeting: 'of its own' } } },
    },
    'extension { id }',
  );
  expect(userErrors).toEqual([]);
  expect(await toldOnEnrolment()).toEqual([{ greeting: 'of its own' }, { greeting: 'ni hao' }]);
});
