import type { ExpressionFacts } from './facts.policy.ts';

/** The variables of an expression. */
export type FactName = keyof ExpressionFacts;

/**
 * The largest facts that an expression is asked about. What an accepted expression costs at most follows from
 * them (see `expression-bounds.policy.ts`), so larger ones are answered with a failure instead.
 */
export const FACT_LIMITS = {
  lines: 500,
  tags: 100,
  /** UTF-16 units of any text but those in the attributes. */
  text: 256,
  /** Objects, lists and scalars in the attributes: 8 kB of JSON have no more. */
  attributeValues: 4_096,
  /** UTF-16 units of all keys and texts in the attributes. */
  attributeText: 8_192,
  /** Objects and lists inside each other. What lies deeper is missing. */
  attributeDepth: 4,
};

// The library tells a value's declared type by its class, so each record has its own.
export class MemberRecord {}
export class ActivityRecord {}
export class OrderRecord {}
export class LineRecord {}
export class TierRecord {}

/** Facts prepared once for all expressions that are asked about one happening. */
export class ExpressionScope {
  /** What the library looks variables up in: records of the declared classes. */
  readonly variables: Readonly<Record<FactName, object>>;
  /** Why a variable cannot be read: one sentence for each that is larger than the limits allow. */
  readonly excess = new Map<FactName, string>();

  constructor({ member, activity, order, tier, now }: ExpressionFacts) {
    const attributes = new AttributeCopy();
    this.variables = {
      member: Object.assign(new MemberRecord(), {
        ...member,
        enrolledAt: new Date(member.enrolledAt),
        tags: [...member.tags],
        attributes: attributes.objectOf(member.attributes, -1),
      }),
      activity: Object.assign(new ActivityRecord(), {
        ...activity,
        occurredAt: new Date(activity.occurredAt),
      }),
      order: Object.assign(new OrderRecord(), {
        ...order,
        lines: order.lines.map((line) => Object.assign(new LineRecord(), line)),
      }),
      tier: Object.assign(new TierRecord(), tier),
      now: new Date(now),
    };
    if (attributes.isTooLarge) this.excess.set('member', 'The member has too many attributes.');
    if (member.tags.length > FACT_LIMITS.tags) this.excess.set('member', 'The member has too many tags.');
    if (order.lines.length > FACT_LIMITS.lines) this.excess.set('order', 'The order has too many lines.');
    if (hasLongText(member, ...member.tags)) this.excess.set('member', 'A text of the member is too long.');
    if (hasLongText(activity)) this.excess.set('activity', 'A text of the activity is too long.');
    if (hasLongText(order, ...order.lines)) this.excess.set('order', 'A text of the order is too long.');
    if (hasLongText(tier)) this.excess.set('tier', 'A text of the tier is too long.');
  }
}

/** Prepares facts for any number of evaluations. They are copied, so a later change of them is not seen. */
export function scopeOf(facts: ExpressionFacts): ExpressionScope {
  return new ExpressionScope(facts);
}

function hasLongText(...records: readonly (object | string)[]): boolean {
  return records.some((record) =>
    typeof record === 'string'
      ? record.length > FACT_LIMITS.text
      : Object.values(record).some((value) => typeof value === 'string' && value.length > FACT_LIMITS.text),
  );
}

type AttributeValue = string | boolean | null | number | bigint | AttributeValue[] | AttributeObject;
type AttributeObject = Map<string, AttributeValue>;

/**
 * A copy of JSON that an expression may walk through. Objects become maps, which have no prototype to reach:
 * `constructor` and `__proto__` are keys like any other, and missing like any other. Whole numbers become
 * ints, so that `member.attributes.visits * 2` is one too; other numbers stay doubles.
 */
class AttributeCopy {
  #values = 0;
  #text = 0;

  get isTooLarge(): boolean {
    return this.#values > FACT_LIMITS.attributeValues || this.#text > FACT_LIMITS.attributeText;
  }

  /** `depth` is how many objects and lists the object lies in, without the attributes themselves. */
  objectOf(source: object, depth: number): AttributeObject {
    const copy: AttributeObject = new Map();
    for (const [key, value] of Object.entries(source)) {
      if (this.isTooLarge) break;
      this.#text += key.length;
      const copied = this.#valueOf(value, depth + 1);
      if (copied !== undefined) copy.set(key, copied);
    }
    return copy;
  }

  /** Undefined for what is no JSON, or lies too deep. */
  #valueOf(value: unknown, depth: number): AttributeValue | undefined {
    this.#values += 1;
    switch (typeof value) {
      case 'string':
        this.#text += value.length;
        return value;
      case 'number':
        return Number.isSafeInteger(value) ? BigInt(value) : value;
      case 'boolean':
        return value;
      case 'object':
        if (value === null) return null;
        if (depth >= FACT_LIMITS.attributeDepth) return undefined;
        return Array.isArray(value) ? this.#listOf(value, depth) : this.objectOf(value, depth);
      default:
        return undefined;
    }
  }

  #listOf(items: readonly unknown[], depth: number): AttributeValue[] {
    const copy: AttributeValue[] = [];
    for (const item of items) {
      if (this.isTooLarge) break;
      copy.push(this.#valueOf(item, depth + 1) ?? null);
    }
    return copy;
  }
}
