import {
  answers,
  type CallContext,
  definePlugin,
  type MemberCreateInput,
  memberCreate,
} from '../../src/extension/index.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { newIdentity, newRequestKey } from '../support/members.ts';
import { execute } from '../support/typed-client.ts';
import { CreateMemberDocument, type CreateMemberMutation, RecordDocument } from './generated/graphql.ts';

/** What the plugins were asked, in order. */
const asked: { plugin: string; input: MemberCreateInput; context: Omit<CallContext, 'signal'> }[] = [];

/** A plugin that does what the new member's name says, when it is about this plugin. */
function obedient(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    id,
    version: 3,
    description: 'Does what the name says.',
    deadlineMs: 1_000,
    priority,
    onFailure,
    answers: [
      answers(memberCreate, (input, { signal: _, ...context }): Json => {
        asked.push({ plugin: id, input, context });
        const [about, what] = (input.profile.displayName ?? '').split(' ');
        if (about !== id) return { decision: 'APPROVE', attributes: { [id]: 'asked', last: id }, tags: [id] };
        return WAYS[what ?? '']?.();
      }),
    ],
  });
}

const never = new Promise<never>(() => undefined);

const WAYS: Record<string, () => Json> = {
  throws: () => {
    throw new Error('secret detail of the plugin');
  },
  rejects: () => Promise.reject(new Error('secret detail of the plugin')),
  'answers-nothing': () => undefined,
  'answers-another-shape': () => ({ decision: 'MAYBE' }),
  'answers-too-much': () => ({ decision: 'APPROVE', role: 'owner' }),
  'answers-a-wrong-tag': () => ({ decision: 'APPROVE', tags: ['Not A Code'] }),
  'is-late': () => never,
  refuses: () => ({ decision: 'REFUSE', reason: 'not this one' }),
  'refuses-silently': () => ({ decision: 'REFUSE' }),
  'adds-too-much': () => ({ decision: 'APPROVE', attributes: { text: 'x'.repeat(9_000) } }),
};

const FAILURES = [
  'throws',
  'rejects',
  'answers-nothing',
  'answers-another-shape',
  'answers-too-much',
  'answers-a-wrong-tag',
  'adds-too-much',
  'is-late',
];

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    plugins: [obedient('strict', 20, 'FAIL_CLOSED'), obedient('lax', 10, 'FAIL_OPEN')],
  });
});
afterAll(() => gateway.close());
beforeEach(() => {
  asked.length = 0;
});

async function create(
  displayName: string,
  more: Record<string, Json> = {},
): Promise<CreateMemberMutation['createMember']> {
  const input = {
    idempotencyKey: newRequestKey(),
    identities: [newIdentity()],
    profile: { displayName },
    ...more,
  };
  return (await execute(gateway, CreateMemberDocument, { input })).createMember;
}

it('asks the plugins in order of their priority, and merges what they add: the later wins', async () => {
  const { member } = await create('somebody', { attributes: { own: 1, last: 'own' } });
  expect(asked.map(({ plugin }) => plugin)).toEqual(['lax', 'strict']);
  expect(member?.attributes).toEqual({ own: 1, lax: 'asked', strict: 'asked', last: 'strict' });
  expect(member?.tags.map(({ code }) => code)).toEqual(['lax', 'strict']);
});

it('tells a plugin who asks for what, and whether it is only tried', async () => {
  const identities = [{ kind: 'PHONE', value: '+86 138 0013 8000' }];
  const idempotencyKey = newRequestKey();
  await create('somebody', {
    identities,
    idempotencyKey,
    dryRun: true,
    consents: [{ purpose: 'MARKETING', granted: true }],
  });
  expect(asked[0]).toEqual({
    plugin: 'lax',
    input: {
      identities: [{ kind: 'PHONE', value: '+8613800138000' }],
      profile: { displayName: 'somebody' },
      source: { channel: null, store: null },
      attributes: {},
      consents: [{ purpose: 'MARKETING', granted: true }],
    },
    context: expect.objectContaining({ tenant: 'demo', mode: 'DRY_RUN', attempt: 1, idempotencyKey }),
  });
  await create('somebody', { identities, idempotencyKey });
  expect(asked[2]?.context.mode).toBe('LIVE');
});

describe.each(FAILURES)('a plugin that %s', (way) => {
  it('and fails closed refuses the member: nothing is written', async () => {
    const answer = await expectNothingWritten(gateway, () => create(`strict ${way}`));
    expect(answer).toEqual({
      member: null,
      operations: [],
      userErrors: [
        { code: 'EXTENSION_UNAVAILABLE', field: null, message: expect.stringContaining('strict') },
      ],
    });
    expect(JSON.stringify(answer)).not.toContain('secret');
  });

  it('and fails open is as if it weren’t there', async () => {
    const { member, userErrors } = await create(`lax ${way}`);
    expect(userErrors).toEqual([]);
    expect(member?.attributes).toEqual({ strict: 'asked', last: 'strict' });
  });
});

it('a failure is counted, by extension point', async () => {
  const failures = async (): Promise<number> => {
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    const [, count = '0'] =
      /^membergraph_extension_failures_total\{point="member.create"\} (\d+)$/m.exec(text) ?? [];
    return Number(count);
  };
  const before = await failures();
  await create('strict throws');
  await create('lax throws');
  expect(await failures()).toBe(before + 2);
});

it('the first refusal wins, with its reason', async () => {
  const answer = await expectNothingWritten(gateway, () => create('lax refuses'));
  expect(answer.userErrors).toEqual([{ code: 'EXTENSION_REFUSED', field: null, message: 'not this one' }]);
  const silent = await create('strict refuses-silently');
  expect(silent.userErrors).toEqual([
    { code: 'EXTENSION_REFUSED', field: null, message: expect.stringContaining('strict') },
  ]);
});

it('a member enrolled by an activity is asked about too', async () => {
  const input = {
    idempotencyKey: newRequestKey(),
    type: 'sign_in',
    identity: newIdentity(),
    enrolIfUnknown: true,
  };
  const { recordActivity } = await execute(gateway, RecordDocument, { input });
  expect(recordActivity.userErrors).toEqual([]);
  expect(asked.map(({ plugin }) => plugin)).toEqual(['lax', 'strict']);
});
