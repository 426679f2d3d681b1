/**
 * Random programs of requests, carried out through the real services by one, two and eight callers, against a
 * plain model in memory. By one caller everything that is stored is compared after each request. By several,
 * what was committed is replayed on the model in its order. After each program the whole audit is clean.
 *
 * PROPERTY_RUNS=50 makes it longer (programs for each number of callers). A failure says how to see it again:
 * PROPERTY_SEED and PROPERTY_PATH, with `-t` for the number of callers. What several callers do also depends
 * on who is faster; such a failure may need some runs of the same seed.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type pg from 'pg';
import { type Application, composeApplication, createLogger } from '../../src/compose.ts';
import { loadConfig } from '../../src/config/index.ts';
import { LAWS } from '../../src/domain/audit/index.ts';
import { settleTenant } from '../../src/jobs/index.ts';
import { connect, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { day } from './drafts.ts';
import { expectSerial, type Told } from './history.ts';
import { definitionOf, MAY_OWE } from './programs.ts';
import { carryOut, type Known, MEMBERS, type Phase, phases, type Step, toWish } from './requests.ts';
import { asStored, storedEntries, storedLedgers } from './stored.ts';
import { type ModelAsset, TenantModel, type Wish } from './tenant-model.ts';
import { enrolMember, newTenant, setClock, type TestTenant } from './tenants.ts';

const PROGRAM = definitionOf(`
name: { en: A model of itself }
timeZone: Etc/UTC
currency: CNY
assets:
  - code: coin
    kind: POINTS
    name: { en: Coins }
    transferable: true
    expiry: { after: P5D, until: END_OF_DAY }
  - code: credit
    kind: POINTS
    name: { en: Credit }
    transferable: true
    ${MAY_OWE}
    reversal: { shortfall: GO_NEGATIVE }
  - { code: growth, kind: GROWTH, name: { en: Growth }, spendable: false }
  - { code: hoard, kind: TOKEN, name: { en: Hoard } }
ladders:
  - code: ladder
    name: { en: Ladder }
    metric: growth
    tiers:
      - { code: low, name: { en: Low }, threshold: "0" }
      - { code: high, name: { en: High }, threshold: "60" }
`);
const NOON_MS = 12 * 3_600_000;
const noon = (today: number): Date => new Date(day(today).getTime() + NOON_MS);
/** The end of the day, five days on: what is asked at noon of day 1 is over when day 7 begins. */
const FIVE_DAYS = (now: Date): Date => {
  const over = new Date(now.getTime() + 6 * 24 * 3_600_000);
  over.setUTCHours(0, 0, 0, 0);
  return over;
};
const plain: ModelAsset = { spendable: true, transferable: false, mayOwe: false, overAt: () => null };
const ASSETS: ReadonlyMap<string, ModelAsset> = new Map([
  ['coin', { ...plain, transferable: true, overAt: FIVE_DAYS }],
  ['credit', { ...plain, transferable: true, mayOwe: true }],
  ['growth', { ...plain, spendable: false }],
  ['hoard', plain],
]);

let application: TestApplication;
/** Another process on the same database, as far as anybody can tell. */
let other: Application;
let owner: pg.Client;
let tenants = 0;

beforeAll(async () => {
  application = await startApplication();
  const config = loadConfig({ LOG_LEVEL: 'silent' }, '');
  const databaseUrl = application.testDatabase.appUrl;
  other = await composeApplication({ config, databaseUrl, plugins: [], logger: createLogger('silent') });
  owner = await connect(application.testDatabase.adminUrl);
});
afterAll(async () => {
  await owner.end();
  await other.close();
  await application.close();
});

/** A tenant of one program, and what is known of it. */
interface World {
  readonly tenant: TestTenant;
  readonly members: readonly string[];
  readonly known: Known;
  readonly told: Told[];
  readonly model: TenantModel;
  today: number;
  moments: number;
}

async function newWorld(): Promise<World> {
  tenants += 1;
  const tenant = await newTenant(application, `world-${tenants}`, PROGRAM);
  await setClock(application, tenant.tenantKey, noon(1).toISOString());
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  const cards = Array.from({ length: MEMBERS }, (_, index) => `card-${index}`);
  const members = await Promise.all(cards.map((card) => enrolMember(application, tenant, card)));
  const known = { wishes: [], holds: [], operations: [] };
  return { tenant, members, known, told: [], model: new TenantModel(ASSETS), today: 1, moments: 0 };
}

/** The wishes of a step: one, or the items of a batch. */
function wishesOf(world: World, step: Step): Wish[] {
  const items = step.kind === 'EARN' && step.again === null ? step.batch : 0;
  const steps = Array.from({ length: Math.max(items, 1) }, (_, index) => ({
    ...step,
    member: (step.member + (index >> 1)) % MEMBERS,
    amount: step.amount + BigInt(index),
  }));
  return steps.flatMap((one) => toWish(one, world.today, world.members, world.known) ?? []);
}

/** Carries out a step; answers what was told of each wish. */
async function act(world: World, step: Step, by: Pick<Application, 'services'>): Promise<Told[]> {
  const { known, tenant } = world;
  const wishes = wishesOf(world, step);
  const isBatch = wishes[0]?.says.startsWith('BATCH ') === true;
  const dryRun = step.dryRun && step.again === null && !isBatch;
  if (!dryRun) known.wishes.push(...wishes);
  world.moments += 1;
  const asked = world.moments;
  const outcomes = await carryOut(by, tenant.ctx, wishes, dryRun);
  world.moments += 1;
  const told = wishes.flatMap((wish, index): Told[] => {
    const outcome = outcomes[index];
    if (outcome === undefined) return [];
    return [{ wish, dryRun, outcome, asked, answered: world.moments, now: noon(world.today) }];
  });
  for (const { outcome } of told) {
    if (outcome.refused !== null || dryRun) continue;
    known.operations.push(outcome.operation.operationKey);
    if (outcome.hold !== '') known.holds.push(outcome.hold);
  }
  world.told.push(...told);
  return told;
}

type Stored = Awaited<ReturnType<typeof storedLedgers>>;

/** One request, and all that is stored after it. */
async function actAlone(world: World, step: Step, before: Stored): Promise<Stored> {
  const { model } = world;
  const told = await act(world, step, application);
  const touched = new Set<string>();
  for (const { wish, dryRun, outcome, now } of told) {
    expect([wish.says, outcome.refused]).toEqual([wish.says, model.refusal(wish, now)]);
    if (outcome.refused !== null || dryRun) continue;
    const { operationKey: operation, createdAt } = outcome.operation;
    const bound = model.bound.get(wish.requestKey);
    if (bound !== undefined) expect(bound.operation).toBe(operation);
    else {
      model.follow(wish, { operation, hold: outcome.hold }, createdAt);
      touched.add(model.placeOf(wish));
      if (wish.kind === 'TRANSFER') touched.add(`${wish.to} ${wish.asset}`);
    }
  }
  const after = await storedLedgers(owner);
  for (const [place, stored] of after) {
    if (stored.version === before.get(place)?.version) expect(stored).toEqual(before.get(place));
    else touched.add(place);
  }
  for (const place of touched)
    expect([place, after.get(place)]).toMatchObject([place, asStored(model.ledger(place))]);
  return after;
}

async function runAlone(world: World, program: readonly Phase[]): Promise<void> {
  let stored = await storedLedgers(owner);
  for (const phase of program) {
    await begin(world, phase);
    if (phase.settles) {
      await settleTenant(application.jobs, world.tenant.tenantKey);
      stored = await storedLedgers(owner);
    }
    for (const step of phase.steps) stored = await actAlone(world, step, stored);
  }
}

async function runTogether(world: World, program: readonly Phase[], callers: number): Promise<void> {
  const { tenantKey } = world.tenant;
  for (const phase of program) {
    await begin(world, phase);
    const steps = phase.steps.values();
    const call = async (by: Application): Promise<void> => {
      for (const step of steps) await act(world, step, by);
    };
    const calling = Array.from({ length: callers }, (_, index) =>
      call(index % 2 === 0 ? application : other),
    );
    const job = phase.settles ? settleTenant(other.jobs, tenantKey) : null;
    await Promise.all([...calling, job]);
  }
  expectSerial(world.model, await storedEntries(owner), world.told);
}

async function begin(world: World, { days }: Phase): Promise<void> {
  // The clock is never set back: days of no length go on.
  if (days === 0) return;
  world.today += days;
  await setClock(application, world.tenant.tenantKey, noon(world.today).toISOString());
}

/** What the job leaves is what the model has, and every law holds. */
async function expectSound({ tenant: { tenantKey }, model, today }: World): Promise<void> {
  const { proof } = application;
  const { audit } = application.services;
  await settleTenant(application.jobs, tenantKey);
  for (const [place, stored] of await storedLedgers(owner)) {
    model.ledger(place).age(noon(today));
    expect([place, stored]).toMatchObject([place, asStored(model.ledger(place))]);
  }
  await proof.rollUp(tenantKey, 'Etc/UTC');
  await proof.seal(tenantKey);
  for (const law of LAWS)
    expect([law.code, (await audit.check(tenantKey, law)).named]).toEqual([law.code, []]);
  expect((await audit.rebuild(tenantKey, null)).breaches.named).toEqual([]);
  expect((await proof.verify(tenantKey)).fault).toBeNull();
}

async function runProgram(program: readonly Phase[], callers: number): Promise<void> {
  const world = await newWorld();
  if (callers === 1) await runAlone(world, program);
  else await runTogether(world, program, callers);
  await expectSound(world);
}

const { PROPERTY_RUNS, PROPERTY_SEED, PROPERTY_PATH } = process.env;
const RUNS = Number(PROPERTY_RUNS ?? 6);
/** No program begins after so long: a slow machine has fewer, and a failure is made smaller until then. */
const MOST_MS = 30_000 + RUNS * 5_000;

async function expectAlways(callers: number, steps: number): Promise<void> {
  const until = performance.now() + MOST_MS;
  // What has begun goes to its end, whatever the time is: interrupted, it would go on beside what comes next.
  const property = fc.asyncProperty(phases(steps), async (program) => {
    if (performance.now() < until) await runProgram(program, callers);
  });
  const found = await fc.check(property, {
    numRuns: RUNS,
    ...(PROPERTY_SEED === undefined ? {} : { seed: Number(PROPERTY_SEED) }),
    ...(PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH }),
  });
  if (!found.failed) return;
  const again = `PROPERTY_SEED=${found.seed} PROPERTY_PATH=${found.counterexamplePath}`;
  const said = `${fc.defaultReportMessage(found)}\n${(found.errorInstance as Error | null)?.message}`;
  throw new Error(
    `To see it again: ${again} npx jest test/ledger/services-properties -t "by ${callers} "\n${said}`,
  );
}

describe('any program of requests', () => {
  it.each([
    [1, 40],
    [2, 60],
    [8, 100],
  ])('carried out by %i callers at once comes to what plain arithmetic says', expectAlways, MOST_MS + 60_000);
});

it('an amount that no ledger can have is refused, also where it would count toward a tier', async () => {
  const { tenant, members } = await newWorld();
  const act = { idempotencyKey: 'too-much', memberId: members[0] ?? '', asset: 'growth', amount: 2n ** 63n };
  await expect(application.services.ledgers.earn(tenant.ctx, act)).rejects.toMatchObject({
    reasons: [{ code: 'BALANCE_OUT_OF_RANGE' }],
  });
  expect(await storedLedgers(owner)).toEqual(new Map());
});
