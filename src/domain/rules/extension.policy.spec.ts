import { definitionOf, pinned } from '../../../test/ledger/programs.ts';
import { type ExtensionPosting, judgePostings } from '../ledgers/index.ts';
import type { ClaimedLimit } from '../limits/index.ts';
import { decide, explain } from './decision.policy.ts';
import { proposedTogether, toProposal } from './extension.policy.ts';
import { askRules } from './rule.policy.ts';

const program = pinned(
  definitionOf(`name: { en: Teas }
timeZone: Asia/Shanghai
currency: CNY
assets:
  - { code: points, kind: POINTS, name: { en: Points, zh-CN: 积分 },
      limits: { earn: { perOperation: "100", perDay: "120" } } }
  - { code: stars, kind: TOKEN, name: { en: Stars, zh-CN: 星星 }, maturity: { after: P30D } }
  - { code: credit, kind: STORED_VALUE, name: { en: Credit } }
  - { code: miles, kind: POINTS, name: { en: Miles }, recordOf: EXTERNAL }
tags: [{ code: buyer, name: { en: Buyer } }]
rules:
  - code: buy
    name: { en: Buy, zh-CN: 购买 }
    trigger: purchase
    postings: [{ asset: points, amount: 10 }]
    tags: { add: [buyer] }
  - code: other
    name: { en: Other }
    trigger: purchase
    postings: [{ asset: stars, amount: { each: "100.00", gives: 1 } }]`),
  4,
);

const noFacts = () => {
  throw new Error('No rule here has an expression.');
};
const now = new Date('2026-11-20T04:00:00Z');
const MEMBER = '0193a1c2-0000-7000-8000-000000000001';

function posting(amount: string, more: Partial<ExtensionPosting> = {}): ExtensionPosting {
  return { asset: 'points', amount, reason: 'why', ...more };
}

describe('what an extension may post', () => {
  const judge = (
    postings: ExtensionPosting[],
    limits: Parameters<typeof judgePostings>[2] = null,
    occurredAt: Date | null = null,
  ) => judgePostings(program, postings, limits, { now, occurredAt });

  it.each([
    ['nothing', []],
    ['as much as the asset allows', [posting('100')]],
    ['several assets', [posting('1'), posting('9223372036854775807', { asset: 'stars' })]],
    ['stored value', [posting('1', { asset: 'credit' })]],
    ['moments of its own', [posting('1', { availableAt: '2027-01-01T00:00:00Z' })]],
    ['a moment that is over', [posting('1', { availableAt: '2020-01-01T00:00:00Z' })]],
    ['an end', [posting('1', { expiresAt: '2026-11-20T12:00:01+08:00' })]],
  ])('is %s', (_what, postings) => {
    expect(judge(postings)).toBeNull();
  });

  it.each<[string, ExtensionPosting[], string, object]>([
    ['an unknown asset', [posting('1', { asset: 'gold' })], 'OUTPUT_ASSET_UNKNOWN', { asset: 'gold' }],
    ['an asset twice', [posting('1'), posting('1')], 'OUTPUT_ASSET_TWICE', { asset: 'points' }],
    ['too much', [posting('101')], 'OUTPUT_ABOVE_LIMIT', { asset: 'points', most: '100' }],
    [
      'an end that is now',
      [posting('1', { expiresAt: '2026-11-20T12:00:00+08:00' })],
      ...(['OUTPUT_MOMENTS_INVALID', { asset: 'points' }] as const),
    ],
    [
      'an end before it is due',
      [posting('1', { availableAt: '2027-01-02T00:00:00Z', expiresAt: '2027-01-01T00:00:00Z' })],
      ...(['OUTPUT_MOMENTS_INVALID', { asset: 'points' }] as const),
    ],
    [
      'an end before its asset makes it due',
      [posting('1', { asset: 'stars', expiresAt: '2026-12-01T00:00:00Z' })],
      ...(['OUTPUT_MOMENTS_INVALID', { asset: 'stars' }] as const),
    ],
    [
      'an end where another system decides on it',
      [posting('1', { asset: 'miles', expiresAt: '2027-01-01T00:00:00Z' })],
      ...(['OUTPUT_MOMENTS_INVALID', { asset: 'miles' }] as const),
    ],
    ['half a character', [posting('1', { reason: '\ud83d' })], 'OUTPUT_TEXT_INVALID', {}],
  ])('is not %s', (_what, postings, code, details) => {
    expect(judge(postings)).toEqual({ code, details });
  });

  it('is no more than its registration says, nor than the asset does', () => {
    const limits = [
      { asset: 'points', most: 500n },
      { asset: 'stars', most: 3n },
    ];
    const above = (asset: string, most: string) => ({ code: 'OUTPUT_ABOVE_LIMIT', details: { asset, most } });
    expect(judge([posting('100'), posting('3', { asset: 'stars' })], limits)).toBeNull();
    expect(judge([posting('101')], limits)).toEqual(above('points', '100'));
    expect(judge([posting('4', { asset: 'stars' })], limits)).toEqual(above('stars', '3'));
    expect(judge([posting('1', { asset: 'credit' })], limits)).toEqual(above('credit', '0'));
  });

  it('falls due by its asset from when the activity happened', () => {
    const stars = [posting('1', { asset: 'stars', expiresAt: '2026-12-01T00:00:00Z' })];
    expect(judge(stars, null, new Date('2026-10-01T00:00:00Z'))).toBeNull();
  });
});

describe('what an extension answered', () => {
  const extension = { name: 'crm', version: 2 };
  const answer = (postings: ExtensionPosting[], more = {}) =>
    toProposal(program, { extension, isFallback: false, replaces: false, postings, ...more }, MEMBER);
  const limit = { subject: 'asset:points:earn:day', memberKey: MEMBER, window: 'day', most: 120n } as const;
  const claimed = (used: bigint): ClaimedLimit[] => [{ ...limit, windowStart: '2026-11-20', used }];

  it('is a proposal with the limits of its assets', () => {
    const availableAt = '2027-01-01T00:00:00+08:00';
    expect(answer([posting('7', { availableAt })])).toMatchObject({
      ...{ rule: null, extension: { name: 'crm', version: 2, isFallback: false }, miss: null },
      credits: [
        {
          ...{ asset: 'points', amount: 7n, reason: 'why', isCut: false },
          ...{ availableAt: new Date('2026-12-31T16:00:00Z'), expiresAt: null, availableAfter: null },
        },
      ],
      limits: [{ subject: 'asset:points:earn:day', memberKey: MEMBER, asset: 'points' }],
    });
    expect(answer([posting('7', { asset: 'stars' })]).limits).toEqual([]);
  });

  it.each([
    ['APPLIED', answer([posting('7')]), 0n, 'crm: +7 Points', 'crm：+7 积分'],
    ['FALLBACK', answer([posting('7')], { isFallback: true }), 0n, 'crm: +7 Points', 'crm：+7 积分'],
    [
      ...(['CAPPED', answer([posting('7')]), 115n] as const),
      'crm: +5 Points, less, because its cap is reached',
      'crm：+5 积分，已达上限，部分发放',
    ],
    ['CAPPED', answer([posting('7')]), 120n, 'crm: its cap is reached', 'crm：已达上限'],
    ['ZERO', answer([]), 0n, 'crm: it gives nothing', 'crm：未给予任何奖励'],
    [
      ...(['FALLBACK', answer([], { isFallback: true }), 0n] as const),
      'crm: it could not answer, and nothing is given for that case',
      'crm：未能响应，按约定不给予',
    ],
  ])('comes to %s', (outcome, proposal, used, en, chinese) => {
    const [decision] = decide([proposal], claimed(used)).decisions;
    if (decision === undefined) throw new Error('Nothing was decided.');
    expect(explain(program, decision, decision.credits)).toEqual({
      ...{ rule: null, extension, outcome, summary: { en, 'zh-CN': chinese } },
    });
  });

  it('stands after what the rules propose, or in its place', () => {
    const about = { trigger: 'purchase', amount: 100n, memberKey: MEMBER, facts: noFacts };
    const ofRules = askRules(program, about);
    const outcomes = (given: Parameters<typeof decide>[0]) =>
      decide(given, claimed(0n)).decisions.map(({ rule, outcome, applies, credits }) => [
        ...[rule?.code ?? 'crm', outcome, applies, credits.length],
      ]);
    const beside = answer([posting('7')]);
    expect(outcomes(proposedTogether(ofRules, [beside]))).toEqual([
      ['buy', 'APPLIED', true, 1],
      ['other', 'ZERO', false, 0],
      ['crm', 'APPLIED', true, 1],
    ]);
    const instead = answer([posting('7')], { replaces: true });
    const together = proposedTogether(ofRules, [beside, instead]);
    expect(outcomes(together)).toEqual([
      ['buy', 'EXTENSION_REFUSED', false, 0],
      ['other', 'ZERO', false, 0],
      ['crm', 'APPLIED', true, 1],
      ['crm', 'APPLIED', true, 1],
    ]);
    const explained = decide(together, claimed(0n)).decisions.map((one) =>
      explain(program, one, one.credits),
    );
    expect(explained[0]?.summary).toEqual({
      en: 'Buy: the extension "crm" put its own in its place',
      'zh-CN': '购买：已由扩展“crm”替代',
    });
    expect(explained.map(({ replaces }) => replaces)).toEqual([undefined, undefined, undefined, true]);
  });
});
