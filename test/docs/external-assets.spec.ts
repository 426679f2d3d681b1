import { readFileSync } from 'node:fs';
import { projectPath } from '../../src/persistence/index.ts';
import { type Example, startExample } from '../support/examples.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol } from '../support/members.ts';
import { type OwnTenant, tenantWith } from '../support/own-tenant.ts';
import { freePort } from '../support/process.ts';

const GUIDE = readFileSync(projectPath('docs', 'guides', 'external-assets.md'), 'utf8');

/** The blocks of a language, in their order. */
const blocks = (language: string): string[] =>
  [...GUIDE.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, block = '']) => block);

let gateway: TestGateway;
let tenant: OwnTenant;
let receiver: Example | null = null;
beforeAll(async () => {
  gateway = await startTestGateway({ environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' } });
});
afterAll(async () => {
  await receiver?.stop();
  await gateway.close();
});

async function round(after: string): Promise<Json> {
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  await gateway.sql('update tenant set clock_offset = clock_offset + $2::interval where tenant_id = $1', [
    tenant.tenantKey,
    after,
  ]);
  return await gateway.application.jobs.reconciliation.reconcile(tenant.tenantKey);
}

it('the guide has a record read, mirrors what was booked, and finds what differs', async () => {
  const [program = ''] = blocks('yaml');
  const [register = '', begin = '', earn = '', card = '', booked = '', findings = ''] = blocks('graphql');
  tenant = await tenantWith(gateway, program, '2026-11-20T04:00:00Z');
  const port = await freePort();
  const registered: Json[] = [];
  for (const point of ['points.read', 'points.change']) {
    const own = register.replaceAll(/points\.read|miles-read|miles-1/g, (word) =>
      word === 'points.read' ? point : `${word}-${point.replace('.', '-')}`,
    );
    // As long as may be, so that a slow machine isn't taken for a slow record.
    const patient = own.replace('deadlineMs: 1000', 'deadlineMs: 10000');
    expect(patient).not.toBe(own);
    const { data } = await tenant.ask(patient.replace('8080', String(port)));
    expect(data.registerExtension.userErrors).toEqual([]);
    registered.push(data.registerExtension);
  }
  const secrets = registered.map(({ signingSecret }) => signingSecret).join(' ');
  const environment = { SIGNING_SECRET: secrets, PORT: String(port) };
  receiver = await startExample('record-keeper/receiver.mjs', [], environment);
  for (const { extension } of registered) {
    const own = begin.replace('miles-2', `begin-${extension.id}`);
    const begun = await tenant.ask(own, { extensionId: extension.id });
    expect(begun.data.setExtensionStage).toEqual({ extension: { stage: 'LIVE' }, userErrors: [] });
  }

  const memberId = await enrol(tenant);
  const earned = await tenant.ask(earn, { memberId });
  const reference = { type: 'booking', id: 'B-1' };
  expect(earned.data.earnPoints).toEqual({
    operation: { status: 'DONE', record: { status: 'DONE', balance: '120', reference } },
    userErrors: [],
  });
  for (const succeeded of [1, 1]) {
    const mirrored = await tenant.ask(booked, { memberId });
    expect(mirrored.data.mirrorEntries).toMatchObject({ succeeded, failed: 0 });
  }
  const shown = await tenant.ask(card, { memberId });
  expect(shown.errors).toEqual([]);
  const line = { reference: 'B-1', amount: '120', occurredAt: expect.any(String), reason: null };
  expect(shown.data.member.ledger).toEqual({
    balance: { available: '120', pending: '0', held: '0' },
    ...{ source: 'RECORD', asOf: expect.stringMatching(/^2026-11-20/), recordLog: [line] },
    entries: {
      edges: [
        { node: { kind: 'ADJUST', amount: '40', balanceAfter: '160' } },
        { node: { kind: 'MATURE', amount: '120', balanceAfter: '120' } },
        { node: { kind: 'EARN', amount: '120', balanceAfter: '0' } },
      ],
    },
  });

  expect(await round('0 minutes')).toEqual({ compared: 1, differ: 0, adopted: 0 });
  expect(await round('5 minutes')).toEqual({ compared: 1, differ: 1, adopted: 0 });
  const found = await tenant.ask(findings);
  expect(found.errors).toEqual([]);
  expect(found.data.program.reconciliation).toMatchObject({
    ...{ open: 1, waiting: 0 },
    days: [{ day: '2026-11-20', asset: 'miles', found: 1, settled: 0, above: '0', below: '40' }],
    differences: { edges: [{ node: { member: { id: memberId }, mirror: '160', record: '120' } }] },
  });
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  expect(metrics).toContain('membergraph_mirrors_compared_total{outcome="confirmed"} 1');
});

it('names every outcome that operators watch', () => {
  const [, named = ''] = /by `outcome` \((.+?)\)/s.exec(GUIDE) ?? [];
  expect(named.match(/\w+/g)).toEqual(['agrees', 'seen', 'confirmed', 'busy', 'unanswered', 'adopted']);
});
