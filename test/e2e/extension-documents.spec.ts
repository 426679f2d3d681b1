import { readFile } from 'node:fs/promises';
import { buildSchema, parse, validate } from 'graphql';
import { describeDocuments, readDocument } from '../support/documents.ts';
import { type Answer, type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bodyOf, type Receiver, serve } from '../support/receivers.ts';

const DUE = ['17', '18', '19', '20', '21'];

/** What the documents found out, each for those behind it. */
const known: Record<string, Json> = {};

let gateway: TestGateway;
let receiver: Receiver;

async function send(number: string, changes: Record<string, unknown> = {}): Promise<Answer> {
  const { query, variables } = await readDocument(number, known);
  const { input, ...rest } = { ...variables, ...changes };
  const sent = input === undefined ? rest : { ...rest, input: { ...variables.input, ...input } };
  return await gateway.ask(query, sent);
}

async function run(number: string, changes?: Record<string, unknown>): Promise<Json> {
  const { data, errors } = await send(number, changes);
  expect(errors).toEqual([]);
  return data;
}

describeDocuments('what the clients send about extensions', () => {
  beforeAll(async () => {
    gateway = await startTestGateway({ environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' } });
    receiver = await serve(async (request, response) => {
      await bodyOf(request);
      response.setHeader('content-type', 'application/json');
      response.end('{ "output": { "decision": "APPROVE" } }');
    });
  });
  afterAll(async () => {
    await gateway.close();
    await receiver.close();
  });

  it.each(DUE)('%s fits the emitted schema', async (number) => {
    const schema = buildSchema(await readFile('schema/schema.graphql', 'utf8'));
    const { query } = await readDocument(number, new Proxy({}, { has: () => true }));
    expect(validate(schema, parse(query))).toEqual([]);
  });

  it('17 registers a webhook in SHADOW, and shows its secret once', async () => {
    const webhook = { url: receiver.url };
    const { registerExtension } = await run('17', { input: { webhook } });
    expect(registerExtension).toEqual({
      extension: {
        id: expect.stringMatching(/^ext_[0-9a-z]{26}$/),
        name: 'crm-sync',
        point: { name: 'member.create', version: 1 },
        runtime: 'WEBHOOK',
        stage: 'SHADOW',
        version: 1,
        deadlineMs: 800,
        onFailure: 'FAIL_CLOSED',
        priority: 100,
      },
      signingSecret: expect.stringMatching(/^whsec_/),
      userErrors: [],
    });
    known.webhookExtensionId = registerExtension.extension.id;
    expect((await run('17', { input: { webhook } })).registerExtension).toEqual({
      ...registerExtension,
      signingSecret: null,
    });
  });

  it('17 takes a name that isn’t known anywhere yet', async () => {
    const { registerExtension } = await run('17', {
      input: { idempotencyKey: 'as-it-is', name: 'as-it-is' },
    });
    expect(registerExtension).toMatchObject({ extension: { stage: 'SHADOW' }, userErrors: [] });
  });

  it('18 uploads a rule that is LIVE at once', async () => {
    const { registerExtension } = await run('18');
    expect(registerExtension).toEqual({
      extension: {
        id: expect.stringMatching(/^ext_/),
        name: 'tea-lovers-double',
        point: { name: 'points.rule', version: 1 },
        runtime: 'SANDBOX',
        stage: 'LIVE',
        version: 1,
        limits: { memoryBytes: 8_388_608, deadlineMs: 1_000, codeBytes: 65_536 },
      },
      userErrors: [],
    });
    known.sandboxExtensionId = registerExtension.extension.id;
  });

  it('19 tries it on a sample', async () => {
    const { testExtension } = await run('19');
    expect(testExtension).toEqual({
      run: {
        callId: expect.stringMatching(/^call_/),
        outcome: 'OK',
        durationMs: expect.any(Number),
        output: { postings: [{ asset: 'points', amount: '20', reason: 'tea-lovers' }] },
        logs: [],
        error: null,
      },
      userErrors: [],
    });
    const { run: replayed } = (await run('19', { input: { sample: null, callId: testExtension.run.callId } }))
      .testExtension;
    expect(replayed.output).toEqual(testExtension.run.output);
  });

  it('20 shows what was asked and what became of it', async () => {
    const { query } = await readDocument('19', known);
    await gateway.ask(query, { input: { extensionId: known.webhookExtensionId } });
    const { extension, extensionPoints } = await run('20');
    expect(extension).toMatchObject({
      id: known.webhookExtensionId,
      name: 'crm-sync',
      stage: 'SHADOW',
      version: 1,
      health: { state: 'IDLE', calls: 0, failures: 0, p50Ms: null, p99Ms: null },
      calls: { pageInfo: { hasNextPage: false } },
    });
    expect(extension.calls.edges).toEqual([
      {
        node: {
          id: expect.stringMatching(/^call_/),
          mode: 'TEST',
          outcome: 'OK',
          startedAt: expect.stringMatching(/Z$/),
          durationMs: expect.any(Number),
          attempt: 1,
          version: 1,
          input: expect.objectContaining({
            identities: [{ kind: 'PHONE', value: '[redacted]' }],
            profile: '[redacted]',
            attributes: '[redacted]',
          }),
          output: { decision: 'APPROVE' },
          error: null,
        },
      },
    ]);
    expect(extensionPoints.map(({ name, version }: Json) => [name, version])).toEqual([
      ['member.create', 1],
      ['member.update', 1],
      ['member.code', 1],
      ['member.read', 1],
      ['activity.validate', 1],
      ['points.rule', 1],
      ['growth.rule', 1],
      ['benefit.rule', 1],
      ['points.redeem', 1],
      ['points.hold', 1],
      ['points.release', 1],
      ['points.reverse', 1],
      ['points.expire', 1],
      ['points.change', 1],
      ['benefit.use', 1],
      ['storedvalue.topup', 1],
      ['tier.evaluate', 1],
      ['tier.set', 1],
      ['tier.list', 1],
      ['points.read', 1],
      ['growth.read', 1],
    ]);
    expect(extensionPoints[0].inputSchema).toMatchObject({ type: 'object' });
    expect(extensionPoints[0].outputSchema).toMatchObject({ type: 'object' });
  });

  it('21 puts it in another stage', async () => {
    const { setExtensionStage } = await run('21');
    const changed = { id: known.sandboxExtensionId, stage: 'CANARY', canaryPercent: 10, version: 1 };
    expect(setExtensionStage).toEqual({ extension: changed, userErrors: [] });
    expect((await run('21')).setExtensionStage).toEqual(setExtensionStage);
  });
});
