import { ARTICLES, CATEGORIES, CHANNELS, DAY_MS, NOW, type Purchase, STORES, TAGS } from './purchases.ts';

/** Of a rule, what a program file says, and beside it the same in plain JavaScript. */
export interface MixedRule {
  readonly code: string;
  readonly order: number;
  readonly exclusive?: string;
  readonly once?: { readonly per: 'member'; readonly window: 'day' };
  readonly caps: readonly Cap[];
  readonly rounding: Rounding;
  /** In the program's words. */
  readonly when?: string;
  readonly postings: readonly { readonly asset: string; readonly amount: unknown }[];
  /** The same, worked out by hand. */
  readonly plain: Plain;
}

export interface Cap {
  readonly asset: string;
  readonly per: 'member' | 'program';
  readonly window: 'day' | 'month';
  readonly most: number;
}

type Rounding = 'DOWN' | 'HALF_UP' | 'UP';

interface Plain {
  holds(purchase: Purchase): boolean;
  /** What each posting gives; of both assets alike. */
  gives(purchase: Purchase): number;
}

/** What one kind of rule says; `index` counts within the kind. */
interface Said {
  readonly when?: string;
  readonly holds?: (purchase: Purchase) => boolean;
  readonly amount: unknown;
  readonly gives: (purchase: Purchase) => number;
  readonly exclusive?: string;
}
type Kind = readonly [count: number, name: string, say: (index: number, rounding: Rounding) => Said];

const ROUNDINGS: readonly Rounding[] = ['DOWN', 'HALF_UP', 'UP'];
/** The program's zone, which knows no summer time. */
const ZONE_MS = 8 * 60 * 60 * 1_000;

const at = <Item>(items: readonly Item[], index: number): Item => items[index % items.length] as Item;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const quantityOf = ({ lines }: Purchase): number => sum(lines.map(({ quantity }) => quantity));
const localDay = (moment: number): number => Math.floor((moment + ZONE_MS) / DAY_MS);
const fixed = (amount: number) => ({ amount, gives: () => amount });

function divided(value: number, by: number, rounding: Rounding): number {
  const quotient = value / by;
  if (rounding === 'UP') return Math.ceil(quotient);
  return rounding === 'DOWN' ? Math.floor(quotient) : Math.floor(quotient + 0.5);
}

function ageOf({ birthday, occurredAt }: Purchase): number {
  const local = new Date(occurredAt + ZONE_MS);
  const years = local.getUTCFullYear() - Number(birthday.slice(0, 4));
  return local.toISOString().slice(5, 10) >= birthday.slice(5) ? years : years - 1;
}

function perUnit(index: number, rounding: Rounding): Said {
  const each = [1_000, 5_000, 10_000, 29_900][index % 4] ?? 1_000;
  const gives = 1 + (index % 5);
  const amount = { each: (each / 100).toFixed(2), gives };
  return { amount, gives: ({ total }) => divided(total, each, rounding) * gives };
}

function byTier(index: number): Said {
  const rank = 1 + (index % 4);
  return {
    when: `tier.rank >= ${rank}`,
    holds: ({ tier }) => tier.rank >= rank,
    ...fixed(10 + index),
    ...(index < 4 ? { exclusive: 'tier-bonus' } : {}),
  };
}

function byCategory(index: number): Said {
  const category = at(CATEGORIES, index);
  return {
    when: `order.lines.exists(l, l.category == "${category}")`,
    holds: ({ lines }) => lines.some((line) => line.category === category),
    ...fixed(5 + index),
    ...(index % 2 === 0 ? { exclusive: `category-${index % 3}` } : {}),
  };
}

function partOfCategory(index: number, rounding: Rounding): Said {
  const category = at(CATEGORIES, index);
  const share = 50 + index * 10;
  return {
    amount: {
      expression: `mulDiv(sum(order.lines.filter(l, l.category == "${category}").map(l, l.amount)), ${share}, 10000)`,
    },
    gives: ({ lines }) => {
      const own = lines.filter((line) => line.category === category);
      return divided(sum(own.map(({ amount }) => amount)) * share, 10_000, rounding);
    },
  };
}

function byArticle(index: number): Said {
  const sku = `SKU-${(index * 5) % ARTICLES}`;
  const least = 1 + (index % 2);
  return {
    when: `order.lines.exists(l, l.sku == "${sku}" && l.quantity >= ${least})`,
    holds: ({ lines }) => lines.some((line) => line.sku === sku && line.quantity >= least),
    amount: { expression: `sum(order.lines.map(l, l.quantity)) * ${1 + index}` },
    gives: (purchase) => quantityOf(purchase) * (1 + index),
  };
}

function byBasket(index: number): Said {
  const quantity = 20 + index;
  const least = 600 + index * 100;
  return {
    when: `order.quantity >= ${quantity} && order.lines.all(l, l.amount >= ${least})`,
    holds: (purchase) =>
      quantityOf(purchase) >= quantity && purchase.lines.every(({ amount }) => amount >= least),
    ...fixed(50 + index),
  };
}

function byTag(index: number): Said {
  const tag = at(TAGS, index);
  const days = 30 * (1 + index);
  return {
    when: `"${tag}" in member.tags && member.daysEnrolled > ${days}`,
    holds: ({ tags, enrolledAt }) => tags.includes(tag) && localDay(NOW) - localDay(enrolledAt) > days,
    ...fixed(20 + index),
    ...(index < 3 ? { exclusive: 'tags' } : {}),
  };
}

function byPerson(index: number): Said {
  const age = 25 + index * 5;
  return {
    when: `member.isBirthMonth || member.gender == "FEMALE" && member.age >= ${age}`,
    holds: (purchase) => {
      const month = new Date(purchase.occurredAt + ZONE_MS).toISOString().slice(5, 7);
      const isAged = purchase.gender === 'FEMALE' && ageOf(purchase) >= age;
      return purchase.birthday.slice(5, 7) === month || isAged;
    },
    ...fixed(30 + index),
  };
}

function byActivity(index: number): Said {
  const [channel, store] = [at(CHANNELS, index), at(STORES, index).slice(0, 3)];
  const hour = 10 + index;
  return {
    when:
      `(activity.localWeekday >= 6 || activity.localHour >= ${hour}) && ` +
      `(activity.channel == "${channel}" || activity.store.startsWith("${store}"))`,
    holds: (purchase) => {
      const local = new Date(purchase.occurredAt + ZONE_MS);
      const isThen = [0, 6].includes(local.getUTCDay()) || local.getUTCHours() >= hour;
      return isThen && (purchase.channel === channel || purchase.store.startsWith(store));
    },
    amount: { expression: `mulDiv(activity.amount, ${5 + index}, 1000)` },
    gives: ({ total }) => divided(total * (5 + index), 1_000, at(ROUNDINGS, index)),
  };
}

function partByTier(index: number, rounding: Rounding): Said {
  const share = 10 + index * 5;
  return {
    when: 'tier.code != ""',
    amount: { expression: `mulDiv(order.total, tier.rank * ${share}, 10000)` },
    gives: ({ total, tier }) => divided(total * tier.rank * share, 10_000, rounding),
  };
}

function byAttribute(index: number): Said {
  const visits = 20 * (1 + index);
  return {
    when: `has(member.attributes.vip) && member.attributes.vip == true && member.attributes.visits >= ${visits}`,
    holds: ({ attributes }) => attributes.vip === true && attributes.visits >= visits,
    ...fixed(100 + index),
  };
}

function bounded(index: number): Said {
  const free = 40_000 * (1 + index);
  const most = 300 + 100 * index;
  return {
    amount: { expression: `min(max(order.total - ${free}, 0) / 100, ${most})` },
    gives: ({ total }) => Math.min(Math.floor(Math.max(total - free, 0) / 100), most),
  };
}

/** A hundred rules, as a program has them that grew for some years. */
const KINDS: readonly Kind[] = [
  [12, 'per-unit', perUnit],
  [8, 'by-tier', byTier],
  [12, 'by-category', byCategory],
  [16, 'part-of-category', partOfCategory],
  [8, 'by-article', byArticle],
  [8, 'by-basket', byBasket],
  [8, 'by-tag', byTag],
  [6, 'by-person', byPerson],
  [8, 'by-activity', byActivity],
  [6, 'part-by-tier', partByTier],
  [4, 'by-attribute', byAttribute],
  [4, 'bounded', bounded],
];

/** The rules in the order of the file: kinds mixed, with limits on some of every kind. */
export function mixRules(): MixedRule[] {
  const rules = KINDS.flatMap(([count, name, say]) =>
    Array.from({ length: count }, (_, index) => toRule(`${name}-${index}`, index, say)),
  );
  return rules.map((rule, place) => ({ ...rule, order: place % 5, ...limitsOf(place) }));
}

function toRule(code: string, index: number, say: Kind[2]): MixedRule {
  const rounding = at(ROUNDINGS, index);
  const { when, holds = () => true, amount, gives, exclusive } = say(index, rounding);
  const assets = index % 4 === 3 ? ['points', 'growth'] : ['points'];
  return {
    ...{ code, order: 0, caps: [], rounding },
    ...(when === undefined ? {} : { when }),
    ...(exclusive === undefined ? {} : { exclusive }),
    postings: assets.map((asset) => ({ asset, amount })),
    plain: { holds, gives },
  };
}

/**
 * Every tenth rule gives once a day; of every fifth what it gives is capped, of some for all members
 * together.
 */
function limitsOf(place: number): Partial<MixedRule> {
  const cap = { asset: 'points', per: 'member', window: 'day', most: 60 } as const;
  const budget = { asset: 'points', per: 'program', window: 'month', most: 100_000 } as const;
  const both = place % 2 === 0 ? [budget, cap] : [cap, budget];
  return {
    ...(place % 10 === 7 ? { once: { per: 'member', window: 'day' } as const } : {}),
    ...(place % 5 === 2 ? { caps: place % 15 === 2 ? both : [cap] } : {}),
  };
}

/** The program file. */
export function programText(rules: readonly MixedRule[]): string {
  const said = rules.map(({ plain, code, ...rule }) => {
    // JSON is YAML, too.
    return `  - ${JSON.stringify({ code, name: { en: code }, trigger: 'purchase', ...rule })}\n`;
  });
  return `name: { en: Bench }
timeZone: Asia/Shanghai
currency: CNY
assets:
  - { code: points, kind: POINTS, name: { en: Points } }
  - { code: growth, kind: GROWTH, name: { en: Growth }, spendable: false }
rules:
${said.join('')}`;
}
