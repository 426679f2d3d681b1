import { refuse } from '../../kernel/errors.ts';
import {
  type EarnedByActivity as Earned,
  ExplanationOutcome,
  type StoredExplanation,
} from '../ledgers/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import type { decide } from '../rules/index.ts';
import type { StoredOrderLine } from './activity.entity.ts';

/** One line of an order, in minor units of money. */
export interface Line {
  readonly sku: string;
  readonly category: string | null;
  readonly quantity: number;
  readonly amount: bigint;
}

/** What was bought, or what is left of it. */
export interface Bought {
  readonly amount: bigint;
  /** By the index of the purchase's lines; empty where it has none. */
  readonly lines: readonly Line[];
}

/** What a refund takes back, as its sender says it: nothing said = all that is left. */
export interface RefundWish {
  readonly amount: bigint | null;
  readonly lines: readonly Line[] | null;
}

/** What of a purchase was refunded so far; `lines` by the index of the purchase's lines. */
export interface Refunded {
  readonly amount: bigint;
  readonly lines: readonly { readonly quantity: number; readonly amount: bigint }[];
}

export function toLines(stored: readonly StoredOrderLine[] | null): Line[] {
  return (stored ?? []).map(({ amount, ...line }) => ({ ...line, amount: BigInt(amount) }));
}

/** What is left of a purchase after what was refunded. */
export function remaining(bought: Bought, refunded: Refunded): Bought {
  return {
    amount: bought.amount - refunded.amount,
    lines: bought.lines.map((line, index) => {
      const gone = refunded.lines[index];
      if (gone === undefined) return line;
      return { ...line, quantity: line.quantity - gone.quantity, amount: line.amount - gone.amount };
    }),
  };
}

/**
 * What was refunded once this refund is done.
 * @throws Refusal REFUND_EXCEEDS_ORDER, REFUND_LINE_UNKNOWN
 */
export function afterRefund(bought: Bought, before: Refunded, wish: RefundWish): Refunded {
  const left = remaining(bought, before);
  if (left.amount === 0n) throw refuse('REFUND_EXCEEDS_ORDER', ['amount']);
  const amount = wish.amount ?? wish.lines?.reduce((sum, line) => sum + line.amount, 0n) ?? left.amount;
  if (amount > left.amount) throw refuse('REFUND_EXCEEDS_ORDER', ['amount']);
  const gone =
    wish.lines === null ? spread(left.lines, amount, left.amount) : matched(left.lines, wish.lines);
  return {
    amount: before.amount + amount,
    lines: gone.map((line, index) => ({
      quantity: (before.lines[index]?.quantity ?? 0) + line.quantity,
      amount: (before.lines[index]?.amount ?? 0n) + line.amount,
    })),
  };
}

type Gone = { quantity: number; amount: bigint };

/** An amount without lines is taken from all lines in proportion; whole pieces go when nothing is left. */
function spread(lines: readonly Line[], amount: bigint, total: bigint): Gone[] {
  let rest = amount;
  const shares = lines.map((line): Gone => {
    const share = total === 0n ? 0n : (line.amount * amount) / total;
    rest -= share;
    return { quantity: 0, amount: share };
  });
  return shares.map((share, index) => {
    const line = lines[index];
    if (line === undefined) return share;
    const room = line.amount - share.amount;
    const more = rest < room ? rest : room;
    rest -= more;
    const taken = share.amount + more;
    return { quantity: amount === total ? line.quantity : 0, amount: taken };
  });
}

/** Lines that name what was bought: by article, and by category where it is told. */
function matched(left: readonly Line[], wanted: readonly Line[]): Gone[] {
  const gone = left.map((): Gone => ({ quantity: 0, amount: 0n }));
  wanted.forEach((wish, position) => {
    const path = ['order', 'lines', String(position)];
    let { quantity, amount } = wish;
    const fits = left.flatMap((line, index) => (isSameArticle(line, wish) ? [{ line, index }] : []));
    if (fits.length === 0) throw refuse('REFUND_LINE_UNKNOWN', path, { sku: wish.sku });
    for (const { line, index } of fits) {
      const own = gone[index];
      if (own === undefined) continue;
      const pieces = Math.min(quantity, line.quantity - own.quantity);
      const room = line.amount - own.amount;
      const money = amount < room ? amount : room;
      own.quantity += pieces;
      own.amount += money;
      quantity -= pieces;
      amount -= money;
    }
    if (quantity > 0 || amount > 0n) throw refuse('REFUND_EXCEEDS_ORDER', path);
  });
  return gone;
}

function isSameArticle(line: Line, wish: Line): boolean {
  return line.sku === wish.sku && (wish.category === null || wish.category === line.category);
}

/** What is to be taken back of one operation. */
export interface TakeBack {
  readonly earned: Earned;
  readonly amount: bigint;
}

/**
 * What a refund takes back: of each asset the difference between what the purchase still has given and what
 * its rules give for the rest, from the operations of those rules that give less. Never below zero, never
 * more than is left of an operation.
 */
export function takeBacks(
  earned: readonly Earned[],
  entitled: ReadonlyMap<string, bigint>,
  share: { readonly left: bigint; readonly total: bigint },
): TakeBack[] {
  const byAsset = Map.groupBy(earned, ({ asset }) => asset);
  return [...byAsset].flatMap(([asset, operations]) => {
    const due = operations.map((operation) => ({
      operation,
      still: operation.amount - operation.reversed,
      keeps: keptOf(operation, entitled, share),
    }));
    const others = entitledElsewhere(asset, operations, entitled);
    const still = due.reduce((sum, one) => sum + one.still, 0n);
    let excess = still - due.reduce((sum, { keeps }) => sum + keeps, 0n) - others;
    // Rules that still give something lose their difference; the others share what is left to take.
    const order = due.toSorted((a, b) => Number(b.keeps > 0n) - Number(a.keeps > 0n));
    return order.flatMap(({ operation, still: own, keeps }): TakeBack[] => {
      const most = own > keeps ? own - keeps : 0n;
      const amount = most < excess ? most : excess;
      if (amount <= 0n) return [];
      excess -= amount;
      return [{ earned: operation, amount }];
    });
  });
}

/** What an operation keeps: no more than it gave. An extension's is taken back in proportion. */
function keptOf(
  { rule, asset, amount }: Earned,
  entitled: ReadonlyMap<string, bigint>,
  { left, total }: { readonly left: bigint; readonly total: bigint },
): bigint {
  if (rule === null) return total === 0n ? 0n : (amount * left) / total;
  const own = entitled.get(`${rule} ${asset}`) ?? 0n;
  return own < amount ? own : amount;
}

/** What rules that gave nothing for the whole would give for the rest, e.g. another of an exclusive group. */
function entitledElsewhere(
  asset: string,
  operations: readonly Earned[],
  entitled: ReadonlyMap<string, bigint>,
): bigint {
  const known = new Set(operations.map(({ rule }) => `${rule} ${asset}`));
  return [...entitled].reduce((sum, [key, amount]) => {
    return key.endsWith(` ${asset}`) && !known.has(key) ? sum + amount : sum;
  }, 0n);
}

/** Outcomes of rules whose limits left less than they would have given. */
const LIMITED = [ExplanationOutcome.CAPPED, ExplanationOutcome.BUDGET_EXHAUSTED];

/**
 * What the rules of a purchase give for what remains of it, by rule and asset; nothing for rules whose limits
 * had left nothing of the whole, and where an extension took their place.
 */
export function entitlements(
  { decisions }: Pick<ReturnType<typeof decide>, 'decisions'>,
  before: readonly StoredExplanation[],
  earned: readonly Earned[],
): Map<string, bigint> {
  // An extension put its own in the place of all that the rules gave, or of all in an asset.
  const replaced = before.flatMap(({ replaces = [] }) => [replaces].flat());
  if (replaced.includes(true)) return new Map();
  const gave = new Set(earned.map(({ rule, asset }) => `${rule} ${asset}`));
  const limited = new Set(
    before.flatMap(({ rule, outcome }) => (LIMITED.includes(outcome) ? (rule?.code ?? []) : [])),
  );
  const entitled = new Map<string, bigint>();
  for (const { rule, credits } of decisions) {
    if (rule === null) continue;
    for (const { asset, amount } of credits) {
      const key = `${rule.code} ${asset}`;
      if (replaced.includes(asset)) continue;
      if (limited.has(rule.code) && !gave.has(key)) continue;
      entitled.set(key, (entitled.get(key) ?? 0n) + amount);
    }
  }
  return entitled;
}

/** One line for a rule or an extension of the purchase: what was taken back of what it gave. */
export function explainTakeBack(
  { assets, definition, version }: PinnedProgram,
  { rule: code, extension }: Pick<Earned, 'rule' | 'extension'>,
  taken: readonly TakeBack[],
): StoredExplanation {
  const name = definition.rules.find((one) => one.code === code)?.name ?? {};
  const giver = code ?? extension?.name ?? '';
  const inWords = (language: 'en' | 'zh-CN', none: string): string => {
    const amounts = taken.map(
      ({ earned, amount }) => `−${amount} ${assets.get(earned.asset)?.name[language] ?? earned.asset}`,
    );
    return amounts.length === 0 ? none : amounts.join(language === 'en' ? ', ' : '，');
  };
  const outcome = taken.length === 0 ? ExplanationOutcome.ZERO : ExplanationOutcome.APPLIED;
  const summary = {
    en: `${name.en ?? giver}: ${inWords('en', 'nothing to take back')}`,
    'zh-CN': `${name['zh-CN'] ?? giver}：${inWords('zh-CN', '无需扣回')}`,
  };
  return { rule: code === null ? null : { code, version }, extension, outcome, summary };
}
