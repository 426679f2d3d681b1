import { plugin } from '../../plugins/risk-guard/plugin.ts';
import type { JobContext } from '../../src/extension/index.ts';
import { startTestGateway, type TestGateway } from '../../src/testing/index.ts';
import { untilHolds } from '../support/until-holds.ts';

const ENROL = `mutation { createMember(input: { idempotencyKey: "one", identities: [{ kind: EXTERNAL, value: "one" }] }) {
  member { id } } }`;
const LIMIT = `mutation { riskGuard_setLimit(input: { event: "points.earned", most: 4, withinMinutes: 10080 }) {
  wrong } }`;

/** What `membergraph/testing` offers to authors, tried on a plugin with tables, fields, a listener and a job. */
let gateway: TestGateway;
const nights: Date[] = [];
beforeAll(async () => {
  const run = async ({ due }: JobContext): Promise<void> => void nights.push(due);
  const nightly = { name: 'nightly', cron: '0 3 * * *', run };
  gateway = await startTestGateway({ plugins: [{ ...plugin, deadlineMs: 10_000, jobs: [nightly] }] });
});
afterAll(() => gateway.close());

it('a gateway for tests of authors has all that a plugin brings, and a clock that moves', async () => {
  expect(await gateway.ask(LIMIT)).toEqual({ data: { riskGuard_setLimit: { wrong: null } }, errors: [] });
  const { data } = await gateway.ask(ENROL);
  const created = data?.createMember as { readonly member: { readonly id: string } } | undefined;
  const score = async (): Promise<unknown> => {
    const asked = await gateway.ask(`{ member(id: "${created?.member.id}") { riskGuard_score } }`);
    return (asked.data?.member as { readonly riskGuard_score: unknown } | undefined)?.riskGuard_score;
  };
  await untilHolds(async () => (await score()) === 50, 'what was earned at enrolment is heard');
  await gateway.advanceClock('P9D');
  expect(await score()).toBe(0);
  await untilHolds(async () => {
    await gateway.advanceClock('P1D');
    return nights.length > 0;
  }, 'a night passed');
});
