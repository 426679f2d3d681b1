import { compileCondition, type ExpressionFacts, scopeOf } from './index.ts';

const moment = new Date('2025-05-01T03:04:05Z');
const facts: ExpressionFacts = {
  member: {
    id: 'm1',
    enrolledAt: moment,
    daysEnrolled: 0n,
    birthday: '',
    age: 1n,
    isBirthday: false,
    isBirthMonth: false,
    gender: '',
    tags: [],
    channel: '',
    store: '',
    region: '',
    locale: '',
    attributes: {},
  },
  activity: {
    type: 'purchase',
    occurredAt: moment,
    localDate: '2025-05-01',
    localHour: 11n,
    localWeekday: 4n,
    channel: '',
    store: '',
    amount: 1n,
  },
  order: { number: '', total: 1n, quantity: 1n, lines: [] },
  tier: { code: '', rank: 0n },
  now: moment,
};

describe('facts that are too large', () => {
  const line = { sku: 'green', category: 'tea', quantity: 2n, amount: 15_000n };
  const many = Array.from({ length: 501 }, () => line);
  const member = (own: Partial<ExpressionFacts['member']>): ExpressionFacts => ({
    ...facts,
    member: { ...facts.member, ...own },
  });

  it.each<[string, ExpressionFacts, string]>([
    [
      'order.quantity > 0',
      { ...facts, order: { ...facts.order, lines: many } },
      'The order has too many lines.',
    ],
    [
      'order.quantity > 0',
      { ...facts, order: { ...facts.order, number: 'x'.repeat(257) } },
      'A text of the order is too long.',
    ],
    [
      'tier.rank > 0',
      { ...facts, tier: { code: 'x'.repeat(257), rank: 1n } },
      'A text of the tier is too long.',
    ],
    [
      'activity.amount > 0',
      { ...facts, activity: { ...facts.activity, store: 'x'.repeat(257) } },
      'A text of the activity is too long.',
    ],
    ['member.age > 0', member({ tags: ['x'.repeat(257)] }), 'A text of the member is too long.'],
    [
      'member.age > 0',
      member({ tags: Array.from({ length: 101 }, () => 'x') }),
      'The member has too many tags.',
    ],
    [
      'member.age > 0',
      member({ attributes: { list: Array.from({ length: 4_096 }, () => 1) } }),
      'The member has too many attributes.',
    ],
    [
      'member.age > 0',
      member({ attributes: { text: 'x'.repeat(8_193) } }),
      'The member has too many attributes.',
    ],
    [
      'member.age > 0',
      member({ attributes: { ['x'.repeat(8_193)]: 1 } }),
      'The member has too many attributes.',
    ],
  ])('make %s fail', (source, own, failure) => {
    const large = scopeOf(own);
    expect(compileCondition(source).evaluate(large)).toEqual({ failure });
    expect(compileCondition('now == now').evaluate(large)).toEqual({ value: true });
  });

  it('are those beyond 500 lines, 100 tags and 8 kB of attributes', () => {
    const attributes = { list: Array.from({ length: 4_000 }, () => 1) };
    const tags = Array.from({ length: 100 }, (_, index) => `t${index}`);
    const own = { ...member({ tags, attributes }), order: { ...facts.order, lines: many.slice(1) } };
    const source = 'order.lines.all(l, l.sku in ["green"]) && member.tags.size() == 100';
    expect(
      compileCondition(`${source} && member.attributes.list.all(n, n == 1)`).evaluate(scopeOf(own)),
    ).toEqual({
      value: true,
    });
  });
});
