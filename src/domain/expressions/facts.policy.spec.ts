import fc from 'fast-check';
import { MAX_POINTS, MIN_POINTS } from '../../kernel/points.ts';
import { type ExpressionFacts, restoreFacts, storeFacts } from './facts.policy.ts';

const amount = fc.bigInt({ min: MIN_POINTS, max: MAX_POINTS });
const moment = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});
const text = fc.string({ unit: 'grapheme' });
/** As PostgreSQL gives JSON back: without the negative zero, for instance. */
const attributes = fc
  .dictionary(fc.string(), fc.jsonValue())
  .map((value): Record<string, unknown> => JSON.parse(JSON.stringify(value)));

const facts: fc.Arbitrary<ExpressionFacts> = fc.record({
  member: fc.record({
    id: text,
    enrolledAt: moment,
    daysEnrolled: amount,
    birthday: text,
    age: amount,
    isBirthday: fc.boolean(),
    isBirthMonth: fc.boolean(),
    gender: text,
    tags: fc.array(text),
    channel: text,
    store: text,
    region: text,
    locale: text,
    attributes,
  }),
  activity: fc.record({
    type: text,
    occurredAt: moment,
    localDate: text,
    localHour: amount,
    localWeekday: amount,
    channel: text,
    store: text,
    amount,
  }),
  order: fc.record({
    number: text,
    total: amount,
    quantity: amount,
    lines: fc.array(fc.record({ sku: text, category: text, quantity: amount, amount })),
  }),
  tier: fc.record({ code: text, rank: amount }),
  now: moment,
});

describe('stored facts', () => {
  it('are, restored, the facts that were stored', () => {
    void fc.assert(
      fc.property(facts, (given) => {
        const asJson = JSON.parse(JSON.stringify(storeFacts(given)));
        expect(restoreFacts(asJson)).toEqual(given);
      }),
    );
  });

  it('are JSON that says whole numbers as decimal strings and moments in ISO 8601', () => {
    void fc.assert(
      fc.property(facts, (given) => {
        const stored = storeFacts(given);
        expect(stored.now).toBe(given.now.toISOString());
        expect(stored.order.total).toBe(given.order.total.toString());
        expect(stored.member.age).toBe(given.member.age.toString());
        expect(JSON.parse(JSON.stringify(stored))).toEqual(stored);
      }),
    );
  });
});
