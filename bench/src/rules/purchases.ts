/**
 * What the rules of the bench are asked about, as plain data: whole numbers are numbers, moments
 * milliseconds.
 */
export interface Purchase {
  readonly memberKey: string;
  readonly birthday: string;
  readonly gender: 'FEMALE' | 'MALE';
  readonly tags: readonly string[];
  readonly attributes: { readonly vip?: boolean; readonly visits: number };
  readonly enrolledAt: number;
  readonly tier: { readonly code: string; readonly rank: number };
  readonly occurredAt: number;
  readonly channel: string;
  readonly store: string;
  readonly lines: readonly Line[];
  readonly total: number;
  /** How much of each limit is used up already, in percent. */
  readonly usedPercent: number;
}

interface Line {
  readonly sku: string;
  readonly category: string;
  readonly quantity: number;
  readonly amount: number;
}

export const LINES = 10;
export const CATEGORIES = ['tea', 'cups', 'sweets', 'gifts', 'books', 'pots', 'herbs', 'sets'];
export const ARTICLES = 40;
export const TAGS = ['regular', 'tea-lover', 'newsletter', 'student', 'office'];
export const CHANNELS = ['POS', 'APP', 'WEB', 'MINI_PROGRAM'];
export const STORES = ['SH-001', 'SH-002', 'BJ-001', 'GZ-007'];
const TIERS = ['bronze', 'silver', 'gold', 'black'];
/** Business time. */
export const NOW = Date.parse('2026-11-20T04:00:00Z');
export const DAY_MS = 24 * 60 * 60 * 1_000;

/** Purchases of all kinds; the same ones in each run. */
export function makePurchases(count: number): Purchase[] {
  const random = mulberry32(20_261_120);
  const whole = (below: number): number => Math.floor(random() * below);
  const pick = <Item>(items: readonly Item[]): Item => items[whole(items.length)] as Item;
  return Array.from({ length: count }, (_, index) => {
    const lines = Array.from({ length: LINES }, () => {
      const quantity = 1 + whole(4);
      return {
        sku: `SKU-${whole(ARTICLES)}`,
        category: pick(CATEGORIES),
        quantity,
        amount: quantity * (500 + whole(12_000)),
      };
    });
    const rank = 1 + whole(TIERS.length);
    const birthday = `${1960 + whole(45)}-${two(1 + whole(12))}-${two(1 + whole(28))}`;
    return {
      memberKey: `0193a1c2-0000-7000-8000-${String(index).padStart(12, '0')}`,
      ...{ birthday, gender: pick(['FEMALE', 'MALE'] as const) },
      tags: TAGS.filter(() => random() < 0.4),
      attributes: random() < 0.3 ? { vip: random() < 0.5, visits: whole(90) } : { visits: whole(90) },
      enrolledAt: NOW - whole(900) * DAY_MS - whole(DAY_MS),
      tier: { code: TIERS[rank - 1] ?? '', rank },
      occurredAt: NOW - whole(14 * DAY_MS),
      ...{ channel: pick(CHANNELS), store: pick(STORES), lines },
      total: lines.reduce((sum, { amount }) => sum + amount, 0),
      usedPercent: pick([0, 0, 40, 95, 100]),
    };
  });
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Random numbers that are the same in each run. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
