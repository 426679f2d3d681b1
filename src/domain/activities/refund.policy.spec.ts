import fc from 'fast-check';
import { definitionOf, exampleText, pinned } from '../../../test/ledger/programs.ts';
import { ask } from '../../../test/rules/asked.ts';
import { Refusal } from '../../kernel/errors.ts';
import { type EarnedByActivity, ExplanationOutcome } from '../ledgers/index.ts';
import {
  afterRefund,
  type Bought,
  entitlements,
  type Line,
  type Refunded,
  remaining,
  takeBacks,
} from './refund.policy.ts';

const NOTHING: Refunded = { amount: 0n, lines: [] };

function line(sku: string, quantity: number, amount: bigint, category: string | null = null): Line {
  return { sku, category, quantity, amount };
}

const bought: Bought = {
  amount: 30_000n,
  lines: [line('TEA', 2, 20_000n, 'tea'), line('CUP', 1, 5_000n, 'ware'), line('TEA', 1, 5_000n, 'gift')],
};

/** The code of a refusal. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error.reasons.map(({ code }) => code).join();
    throw error;
  }
  return '';
}

describe('what remains of an order', () => {
  it('is nothing after all of it was refunded', () => {
    const after = afterRefund(bought, NOTHING, { amount: null, lines: null });
    expect(remaining(bought, after)).toEqual({
      amount: 0n,
      lines: bought.lines.map((own) => ({ ...own, quantity: 0, amount: 0n })),
    });
  });

  it('lacks the lines that came back, article by article', () => {
    const wish = { amount: null, lines: [line('TEA', 3, 22_000n)] };
    const left = remaining(bought, afterRefund(bought, NOTHING, wish));
    expect(left.amount).toBe(8_000n);
    expect(left.lines.map(({ quantity, amount }) => [quantity, amount])).toEqual([
      [0, 0n],
      [1, 5_000n],
      [0, 3_000n],
    ]);
  });

  it('lacks an amount in proportion, to the last cent', () => {
    const left = remaining(bought, afterRefund(bought, NOTHING, { amount: 100n, lines: null }));
    expect(left.lines.map(({ amount }) => amount)).toEqual([19_932n, 4_984n, 4_984n]);
    expect(left.lines.map(({ quantity }) => quantity)).toEqual([2, 1, 1]);
  });

  it.each([
    ['more money than was paid', { amount: 30_001n, lines: null }, 'REFUND_EXCEEDS_ORDER'],
    ['more pieces', { amount: null, lines: [line('CUP', 2, 5_000n)] }, 'REFUND_EXCEEDS_ORDER'],
    ['more for a line', { amount: null, lines: [line('CUP', 1, 5_001n)] }, 'REFUND_EXCEEDS_ORDER'],
    ['another article', { amount: null, lines: [line('POT', 1, 100n)] }, 'REFUND_LINE_UNKNOWN'],
    ['another category', { amount: null, lines: [line('CUP', 1, 100n, 'tea')] }, 'REFUND_LINE_UNKNOWN'],
  ])('is refused for %s', (_what, wish, code) => {
    expect(refusal(() => afterRefund(bought, NOTHING, wish))).toBe(code);
  });

  it('is refused once nothing is left', () => {
    const all = afterRefund(bought, NOTHING, { amount: null, lines: null });
    expect(refusal(() => afterRefund(bought, all, { amount: null, lines: null }))).toBe(
      'REFUND_EXCEEDS_ORDER',
    );
    expect(refusal(() => afterRefund(bought, all, { amount: 1n, lines: null }))).toBe('REFUND_EXCEEDS_ORDER');
  });
});

const head = exampleText('demo').split('rules:\n')[0] ?? '';
const ruleOf = (code: string, rest: string) =>
  `  - { code: ${code}, name: { en: ${code} }, trigger: purchase, ${rest} }\n`;

/** Rules of every kind: stepped, rounded, capped, exclusive, fixed, and one that gives more for less. */
const program = pinned(
  definitionOf(`${head}rules:
${[
  ruleOf('step', 'postings: [{ asset: points, amount: { each: "100.00", gives: 10 } }]'),
  ruleOf('up', 'rounding: UP, postings: [{ asset: token, amount: { each: "30.00", gives: 1 } }]'),
  ruleOf('fixed', `when: 'activity.amount >= 5000', postings: [{ asset: points, amount: 7 }]`),
  ruleOf(
    'capped',
    'caps: [{ asset: growth, per: member, window: month, most: 90 }], postings: [{ asset: growth, amount: { each: "1.00", gives: 1 } }]',
  ),
  ruleOf('large', `exclusive: size, when: 'order.total >= 20000', postings: [{ asset: token, amount: 200 }]`),
  ruleOf('small', `exclusive: size, postings: [{ asset: token, amount: { each: "1.00", gives: 1 } }]`),
  ruleOf(
    'less',
    `postings: [{ asset: points, amount: { expression: 'max(0, 40000 - order.total) / 1000' } }]`,
  ),
].join('')}`),
);

/** Asks about what is left, as a refund does. */
function entitled(left: Bought, earned: readonly EarnedByActivity[], whole: ReturnType<typeof askAbout>) {
  const answer = left.amount === 0n ? { decisions: [] } : askAbout(left);
  return entitlements(answer, whole.explanations, earned);
}

function askAbout({ amount, lines }: Bought) {
  return ask(program, { trigger: 'purchase', amount }, { happening: { orderNumber: '1', lines } });
}

interface Step {
  readonly taken: ReturnType<typeof takeBacks>;
  readonly earned: readonly EarnedByActivity[];
}

/** Refunds one amount after the other; what can't be refunded any more is left out. */
function refundAll(order: Bought, amounts: readonly bigint[]): Step[] {
  const whole = askAbout(order);
  let earned: EarnedByActivity[] = whole.credits.map((credit) => {
    const { operationKey, rule, asset, amount } = credit;
    return { operationKey, rule, extension: null, asset, amount, reversed: 0n };
  });
  let refunded = NOTHING;
  return amounts.flatMap((amount): Step[] => {
    if (amount > order.amount - refunded.amount) return [];
    refunded = afterRefund(order, refunded, { amount, lines: null });
    const left = remaining(order, refunded);
    const share = { left: left.amount, total: order.amount };
    const taken = takeBacks(earned, entitled(left, earned, whole), share);
    const byKey = new Map(taken.map((one) => [one.earned.operationKey, one.amount]));
    earned = earned.map((one) => ({ ...one, reversed: one.reversed + (byKey.get(one.operationKey) ?? 0n) }));
    return [{ taken, earned }];
  });
}

const orders = fc
  .array(fc.bigInt({ min: 1n, max: 60_000n }), { minLength: 1, maxLength: 5 })
  .map((amounts): Bought => {
    const lines = amounts.map((amount, index) => line(`SKU-${index}`, 1 + index, amount));
    return { amount: amounts.reduce((sum, amount) => sum + amount, 0n), lines };
  });
const amountsOf = fc.array(fc.bigInt({ min: 1n, max: 40_000n }), { maxLength: 8 });

describe('a refund', () => {
  it('never gives, and never takes more than was given', () => {
    void fc.assert(
      fc.property(orders, amountsOf, (order, amounts) => {
        for (const { taken, earned } of refundAll(order, amounts)) {
          expect(taken.every(({ amount }) => amount > 0n)).toBe(true);
          expect(earned.every(({ amount, reversed }) => reversed <= amount)).toBe(true);
        }
      }),
    );
  });

  it('of the whole takes back everything, in however many parts', () => {
    void fc.assert(
      fc.property(orders, amountsOf, (order, amounts) => {
        const before = amounts.filter((amount, index) => {
          return (
            amounts.slice(0, index + 1).reduce((sum, one) => sum + one, 0n) < order.amount && amount > 0n
          );
        });
        const rest = order.amount - before.reduce((sum, amount) => sum + amount, 0n);
        const last = refundAll(order, [...before, rest]).at(-1);
        expect(last?.earned.every(({ amount, reversed }) => reversed === amount)).toBe(true);
      }),
    );
  });

  it.each([
    ['what a full hundred less gives', [3_800n], { points: 0n, growth: 0n }],
    ['a hundred and more', [3_801n], { points: 10n }],
  ])('takes back %s', (_what, amounts, wanted: Record<string, bigint>) => {
    const steps = refundAll({ amount: 23_800n, lines: [] }, amounts);
    const taken = steps.flatMap((step) => step.taken).filter(({ earned }) => earned.rule === 'step');
    expect(taken.reduce((sum, { amount }) => sum + amount, 0n)).toBe(wanted.points);
  });

  it('leaves what another rule of the group gives for the rest', () => {
    const [step] = refundAll({ amount: 20_000n, lines: [] }, [5_000n]);
    const tokens = step?.earned.filter(({ rule }) => rule === 'large').map(({ reversed }) => reversed);
    expect(tokens).toEqual([50n]);
  });

  it('takes a share of what an extension gave', () => {
    const own = { operationKey: 'x', rule: null, extension: { name: 'crm', version: 2 } };
    const given = { ...own, asset: 'points', amount: 100n, reversed: 0n };
    expect(takeBacks([given], new Map(), { left: 1n, total: 3n })).toEqual([{ earned: given, amount: 67n }]);
  });

  it('entitles rules to nothing where an extension took their place', () => {
    const bought = { amount: 20_000n, lines: [] };
    const { explanations, credits } = askAbout(bought);
    const extension = { name: 'crm', version: 2 };
    const summary = { en: 'crm: +1 Points' };
    const outcome = ExplanationOutcome.APPLIED;
    const replacing = { rule: null, extension, replaces: true as const, outcome, summary };
    const left = { amount: 15_000n, lines: [] };
    expect(entitlements(askAbout(left), explanations, []).size).toBeGreaterThan(0);
    expect(entitlements(askAbout(left), [...explanations, replacing], [])).toEqual(new Map());
    expect(credits.length).toBeGreaterThan(0);
  });
});
