import { definitionOf, exampleText, pinned } from '../../../test/ledger/programs.ts';
import type { MemberCreateOutput } from '../../extension/index.ts';
import { Refusal } from '../../kernel/errors.ts';
import { refuseWhereRefused } from '../expressions/index.ts';
import { type EnrolmentInput, enrichedBy, judgeEnrichment } from './enrichment.policy.ts';

const program = pinned(definitionOf(exampleText('demo')), 1);
const now = new Date('2026-11-20T04:00:00Z');
const input: EnrolmentInput = {
  ...{ idempotencyKey: 'key', identities: [], tags: ['own'], profile: { displayName: 'Lin', locale: 'en' } },
  attributes: { own: 1, text: 'x'.repeat(4_000) },
};

const approve = (more: Partial<MemberCreateOutput>): MemberCreateOutput => ({ decision: 'APPROVE', ...more });
const by = (name: string, output: MemberCreateOutput) => ({ extension: { name, version: 1 }, output });

describe('what an extension may add', () => {
  const judge = (
    output: MemberCreateOutput,
    limits: Parameters<typeof judgeEnrichment>[3]['limits'] = null,
  ) => judgeEnrichment(program, input, output, { limits, now });
  const posting = { asset: 'points', amount: '5', reason: 'why' };

  it.each([
    ['nothing', {}],
    ['a tier of the primary ladder', { tier: 'gold' }],
    ['tags, attributes and a profile', { tags: ['a'], attributes: { b: 1 }, profile: { birthday: null } }],
    ['a birthday that is today there', { profile: { birthday: '2026-11-20' } }],
    ['postings', { postings: [posting] }],
  ])('is %s', (_what, more) => {
    expect(judge(approve(more))).toBeNull();
  });

  it.each<[string, Partial<MemberCreateOutput>, string]>([
    ['a tier that the ladder lacks', { tier: 'platinum' }, 'OUTPUT_TIER_UNKNOWN'],
    [
      'what is too much beside the caller’s',
      { attributes: { more: 'x'.repeat(5_000) } },
      'ATTRIBUTES_INVALID',
    ],
    ['a birthday to come', { profile: { birthday: '2026-11-21' } }, 'BIRTHDAY_INVALID'],
    ['text that can’t be kept', { attributes: { 'a\0b': 1 } }, 'OUTPUT_TEXT_INVALID'],
    ['an unknown asset', { postings: [{ ...posting, asset: 'gold' }] }, 'OUTPUT_ASSET_UNKNOWN'],
  ])('is not %s', (_what, more, code) => {
    expect(judge(approve(more))).toMatchObject({ code });
  });

  it('is posted within the limits of its registration', () => {
    expect(judge(approve({ postings: [posting] }), [])).toMatchObject({ code: 'OUTPUT_ABOVE_LIMIT' });
  });

  it('is not looked at where it doesn’t approve', () => {
    expect(judge({ decision: 'REFUSE', tier: 'platinum' })).toBeNull();
  });
});

const refusalOf = (act: () => unknown): Refusal['reasons'] => {
  try {
    act();
    return [];
  } catch (error) {
    if (error instanceof Refusal) return error.reasons;
    throw error;
  }
};

it('what they add is merged, and the later wins', () => {
  const answers = [
    by('one', approve({ tier: 'silver', tags: ['a'], attributes: { own: 2, b: 1 } })),
    by('two', approve({ tier: 'gold', tags: ['b'], attributes: { b: 2 }, profile: { locale: null } })),
    by('three', approve({})),
  ];
  expect(enrichedBy(input, answers)).toEqual({
    input: {
      ...{ ...input, tags: ['own', 'a', 'b'], profile: { displayName: 'Lin', locale: null } },
      attributes: { ...input.attributes, own: 2, b: 2 },
    },
    tier: { tier: 'gold', by: 'extension two' },
  });
});

it('with which extension it becomes too much is told', () => {
  const much = (name: string) => by(name, approve({ attributes: { [name]: 'x'.repeat(3_000) } }));
  expect(refusalOf(() => enrichedBy(input, [much('one'), much('two')]))).toMatchObject([
    { code: 'EXTENSION_UNAVAILABLE', details: { extension: 'two' } },
  ]);
});

it('the first refusal wins, with its reason', () => {
  const answers = [
    by('one', approve({})),
    by('two', { decision: 'USE_EXISTING', memberId: 'mem_1' }),
    by('three', { decision: 'REFUSE', reason: 'no' }),
    by('four', { decision: 'REFUSE' }),
  ];
  expect(refusalOf(() => refuseWhereRefused(answers))).toEqual([
    { code: 'EXTENSION_REFUSED', field: null, details: { extension: 'three' }, message: 'no' },
  ]);
  expect(refusalOf(() => refuseWhereRefused(answers.slice(0, 2)))).toEqual([]);
});
