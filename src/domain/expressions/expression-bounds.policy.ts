import type { ASTNode } from '@marcbachmann/cel-js';
import { MAX_POINTS } from '../../kernel/points.ts';
import {
  applied,
  type Estimate,
  elementOf,
  field,
  itemOf,
  literal,
  pathOf,
  plainly,
  refuseArithmetic,
  refuseDuration,
  refuseTimestamp,
} from './expression-estimate.ts';
import { Refusal } from './expression-findings.ts';
import { COMPREHENSIONS, type Comprehension, FUNCTIONS, METHODS } from './expression-functions.ts';
import type { FactName } from './expression-scope.ts';
import {
  either,
  FACT_SHAPES,
  FRACTION,
  lengthOf,
  list,
  nestingOf,
  PLAIN,
  type Shape,
  weightOf,
} from './expression-shape.ts';

/**
 * The units of work of the most expensive expression that is accepted. A unit is a step of the evaluator, and
 * took at most 50 ns where it was measured, so a million of them takes at most some 50 ms.
 *
 * What an expression costs is known before it is asked, because nothing in it can grow: texts and lists
 * cannot be joined, names cannot be bound, and facts are no larger than their limits. Each step counts
 * once, the body of a comprehension once for each item that its range can have, and comparing or reading a
 * value as much as the value can hold. So a pass over 500 lines costs some 3,000 units, lines times 100
 * tags some 400,000, and lines times lines too much.
 *
 * An error costs most: 2 µs to 3 µs, and more for the picture of a long source that the library puts into it.
 * It ends the evaluation unless `exists`, `all`, `&&` or `||` forgive it; those count one error each time that
 * they may have to.
 */
export const MOST_WORK = 1_000_000;
/** Comprehensions inside the body of another: this deep, the outermost included. */
const MOST_COMPREHENSIONS = 2;
/** Lists inside lists: the library keeps every type for good, and there would be too many. */
const MOST_NESTING = 3;

export type Purpose = 'condition' | 'amount';

/** Where a part of an expression stands. */
interface Place {
  /** The variables of the comprehensions around it. */
  readonly variables: ReadonlyMap<string, Shape>;
  readonly depth: number;
}

/**
 * Refuses what an expression must not contain or what would take too long; says which facts it reads, and how
 * many units of work it may take.
 */
export function withinBounds(
  root: ASTNode,
  purpose: Purpose,
): { readonly reads: ReadonlySet<FactName>; readonly work: number } {
  const bounds = new Bounds(root.input, purpose);
  const { work } = bounds.visit(root, { variables: new Map(), depth: 0 });
  return { reads: bounds.reads, work };
}

function isFactName(name: string): name is FactName {
  return FACT_SHAPES.has(name);
}

class Bounds {
  readonly reads = new Set<FactName>();
  readonly #source: string;
  readonly #purpose: Purpose;
  readonly #errorWork: number;

  constructor(source: string, purpose: Purpose) {
    this.#source = source;
    this.#purpose = purpose;
    this.#errorWork = 80 + source.length / 6;
  }

  visit(node: ASTNode, place: Place): Estimate {
    const estimate = this.#estimate(node, place);
    if (nestingOf(estimate.shape) > MOST_NESTING) {
      throw new Refusal('Lists lie too deep inside each other here.', this.#offsetOf(node));
    }
    if (estimate.work > MOST_WORK) {
      throw new Refusal(
        'This may take too long: it goes through too many items too often.',
        this.#offsetOf(node),
      );
    }
    return estimate;
  }

  #estimate(node: ASTNode, place: Place): Estimate {
    switch (node.op) {
      case 'value':
        return { shape: literal(node.args, node.start), work: 1, canFail: false };
      case 'id':
        return { shape: this.#variable(node.args, node.start, place), work: 1, canFail: false };
      case '.':
        return field(this.visit(node.args[0], place), node.args[1]);
      case '[]':
        return this.#item(node.args, place);
      case 'list':
        return this.#list(node.args, place);
      case 'map':
        return this.#map(node.args, place);
      case '?:':
        return this.#choice(node.args, place);
      case '&&':
      case '||':
        return this.#logic(node.args, place);
      case '!_':
        return plainly([this.visit(node.args, place)]);
      case '-_':
        return this.#minus(node.args, place);
      case 'call':
        return this.#call(node.args, node.start, place);
      case 'rcall':
        return this.#method(node, node.args, place);
      case '.?':
      case '[?]':
        throw new Refusal('"?" is not expected here.', node.start);
      default:
        return this.#operation(node.op, node.args, node.start, place);
    }
  }

  /** Of a call, where the name is: the node begins where its receiver does. */
  #offsetOf(node: ASTNode): number {
    return node.op === 'rcall' ? this.#source.indexOf(node.args[0], node.args[1].end) : node.start;
  }

  #variable(name: string, offset: number, { variables }: Place): Shape {
    const own = variables.get(name);
    if (own !== undefined) return own;
    const shape = FACT_SHAPES.get(name);
    if (shape === undefined || !isFactName(name))
      throw new Refusal(`There is no variable "${name}".`, offset);
    this.reads.add(name);
    return shape;
  }

  #item([of, by]: readonly [ASTNode, ASTNode], place: Place): Estimate {
    const [value, index] = [this.visit(of, place), this.visit(by, place)];
    if (value.shape.kind === 'record') {
      throw new Refusal('A field is asked for with a dot and its name.', by.start);
    }
    if (index.shape.kind === 'list' || index.shape.kind === 'map' || index.shape.kind === 'record') {
      throw new Refusal('An index is a number or a text.', by.start);
    }
    const work = value.work + index.work + 2 + weightOf(index.shape);
    return { shape: elementOf(value.shape), work, canFail: true };
  }

  #list(items: readonly ASTNode[], place: Place): Estimate {
    const parts = items.map((item) => this.visit(item, place));
    return { ...plainly(parts), shape: list(items.length, this.#common(items, parts)) };
  }

  #map(entries: readonly (readonly [ASTNode, ASTNode])[], place: Place): Estimate {
    const values = entries.map(([, value]) => value);
    for (const [key] of entries) {
      if (key.op !== 'value' || (typeof key.args !== 'string' && typeof key.args !== 'bigint')) {
        throw new Refusal('A key is written down as a text or a whole number.', key.start);
      }
    }
    const parts = values.map((value) => this.visit(value, place));
    const { work, canFail } = plainly(parts);
    const shape: Shape = { kind: 'map', length: entries.length, element: this.#common(values, parts) };
    return { shape, work: work + 3 * entries.length, canFail };
  }

  /** The shape of what may be any of the parts. */
  #common(nodes: readonly ASTNode[], parts: readonly Estimate[]): Shape {
    let common = parts[0]?.shape ?? PLAIN;
    parts.forEach(({ shape }, index) => {
      const next = either(common, shape);
      if (next === null) throw new Refusal('This is of another kind.', nodes[index]?.start ?? 0);
      common = next;
    });
    return common;
  }

  #choice([condition, ...branches]: readonly [ASTNode, ASTNode, ASTNode], place: Place): Estimate {
    const asked = this.visit(condition, place);
    const parts = branches.map((branch) => this.visit(branch, place));
    const { work, canFail } = plainly([asked, ...parts]);
    const isDynamic = asked.shape.kind === 'dyn';
    return { shape: this.#common(branches, parts), work, canFail: canFail || isDynamic };
  }

  /** An error on the left is kept until the right is known, and forgotten when the right decides. */
  #logic([first, second]: readonly [ASTNode, ASTNode], place: Place): Estimate {
    const [left, right] = [this.visit(first, place), this.visit(second, place)];
    const mayFail = left.canFail || left.shape.kind === 'dyn';
    const work = left.work + right.work + 1 + (mayFail ? this.#errorWork : 0);
    return { shape: PLAIN, work, canFail: mayFail || right.canFail || right.shape.kind === 'dyn' };
  }

  #minus(operand: ASTNode, place: Place): Estimate {
    // The smallest of 64 bits is written as the negative of a number that has 65.
    const isSmallest = operand.op === 'value' && operand.args === MAX_POINTS + 1n;
    const value = isSmallest ? { shape: PLAIN, work: 1, canFail: false } : this.visit(operand, place);
    return { ...plainly([value]), shape: value.shape.kind === 'fraction' ? FRACTION : PLAIN };
  }

  #operation(
    op: string,
    [first, second]: readonly [ASTNode, ASTNode],
    offset: number,
    place: Place,
  ): Estimate {
    const [left, right] = [this.visit(first, place), this.visit(second, place)];
    const both = plainly([left, right]);
    switch (op) {
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
        refuseArithmetic(left.shape, right.shape, offset);
        return { ...both, canFail: true };
      case 'in':
        return { ...both, work: both.work + 2 + weightOf(left.shape) + weightOf(right.shape) };
      default:
        return { ...both, work: both.work + Math.min(weightOf(left.shape), weightOf(right.shape)) };
    }
  }

  #call([name, nodes]: readonly [string, ASTNode[]], offset: number, place: Place): Estimate {
    const [only] = nodes;
    if (name === 'has' && only !== undefined && nodes.length === 1) return this.#has(only, place);
    const called = FUNCTIONS.get(`${name}/${nodes.length}`);
    if (called === undefined) throw unknownFunction(name, nodes.length, offset);
    if (name === 'mulDiv' && this.#purpose === 'condition') {
      throw new Refusal('mulDiv belongs to amounts, where the rule says how to round.', offset);
    }
    if (only !== undefined && name === 'timestamp') refuseTimestamp(only);
    if (only !== undefined && name === 'duration') refuseDuration(only);
    const parts = nodes.map((node) => this.visit(node, place));
    return applied(called, parts);
  }

  #method(
    node: ASTNode,
    [name, receiver, nodes]: readonly [string, ASTNode, ASTNode[]],
    place: Place,
  ): Estimate {
    const key = `${name}/${nodes.length}`;
    const comprehension = COMPREHENSIONS.get(key);
    if (comprehension !== undefined) return this.#comprehension(node, comprehension, receiver, nodes, place);
    const called = METHODS.get(key);
    if (called === undefined) throw unknownFunction(name, nodes.length, this.#offsetOf(node));
    return applied(
      called,
      [receiver, ...nodes].map((each) => this.visit(each, place)),
    );
  }

  #comprehension(
    node: ASTNode,
    { forgives, result }: Comprehension,
    receiver: ASTNode,
    [variable, ...bodies]: readonly ASTNode[],
    place: Place,
  ): Estimate {
    const range = this.visit(receiver, place);
    const depth = place.depth + 1;
    if (depth > MOST_COMPREHENSIONS) {
      throw new Refusal('At most two comprehensions may lie inside each other.', this.#offsetOf(node));
    }
    const name = variable?.op === 'id' ? variable.args : '';
    if (isFactName(name)) {
      throw new Refusal(`"${name}" is a fact: give the items another name.`, variable?.start ?? 0);
    }
    const variables = new Map(place.variables).set(name, itemOf(range.shape));
    const parts = bodies.map((body) => this.visit(body, { variables, depth }));
    const each = plainly(parts);
    const canFail = each.canFail || parts.some(({ shape }) => shape.kind === 'dyn');
    const error = forgives && canFail ? this.#errorWork : 0;
    return {
      shape: result(range.shape, parts.at(-1)?.shape ?? PLAIN),
      work: range.work + 5 + lengthOf(range.shape) * (each.work + 2 + error),
      canFail: range.canFail || canFail || range.shape.kind === 'dyn',
    };
  }

  /** The library checks only what the chain of names begins with, and every declared field is there. */
  #has(argument: ASTNode, place: Place): Estimate {
    const names: string[] = [];
    let node = argument;
    while (node.op === '.') {
      names.unshift(node.args[1]);
      node = node.args[0];
    }
    const shape = node.op === 'id' ? this.#variable(node.args, node.start, place) : PLAIN;
    const dynamic = names.findIndex((_name, index) => pathOf(shape, names.slice(0, index)).kind === 'dyn');
    if (dynamic === -1) {
      throw new Refusal('has() asks for what is in member.attributes.', argument.start);
    }
    const work = 2 + 3 * names.length;
    return { shape: PLAIN, work, canFail: names.length - dynamic > 1 };
  }
}

function unknownFunction(name: string, count: number, offset: number): Refusal {
  return new Refusal(`There is no function ${name} of ${count} arguments here.`, offset);
}
