import { charactersOf, lengthOf, list, PLAIN, type Shape, text, weightOf } from './expression-shape.ts';

/** A function that an expression may call: what it costs, whether it can fail, and what comes out of it. */
export interface AllowedFunction {
  /** Units of work on top of its arguments, from the shapes of its receiver and its arguments. */
  readonly work: (...shapes: readonly Shape[]) => number;
  readonly canFail: boolean;
  readonly result: (...shapes: readonly Shape[]) => Shape;
}

/** Characters that are read for one unit of work. */
const READS = 6;

const toPlain = (): Shape => PLAIN;
const toSame = (receiver: Shape = PLAIN): Shape => text(charactersOf(receiver));
/** A number has at most as many digits as the largest double. */
const toText = (value: Shape = PLAIN): Shape => text(Math.max(330, charactersOf(value)));
const reads = (receiver: Shape = PLAIN): number => 2 + charactersOf(receiver) / READS;
const constant = (units: number) => (): number => units;

const safe = (units: number): AllowedFunction => ({
  work: constant(units),
  canFail: false,
  result: toPlain,
});
const risky = (units: number): AllowedFunction => ({ work: constant(units), canFail: true, result: toPlain });
const reader = (result: AllowedFunction['result']): AllowedFunction => ({
  work: reads,
  canFail: false,
  result,
});
const prefix: AllowedFunction = {
  work: (_receiver, argument = PLAIN) => 2 + weightOf(argument),
  canFail: false,
  result: toPlain,
};
const part: AllowedFunction = { work: constant(3), canFail: true, result: toSame };

/** By name and number of arguments. `has` is none of them: it is a macro of its own. */
export const FUNCTIONS: ReadonlyMap<string, AllowedFunction> = new Map<string, AllowedFunction>([
  ['size/1', reader(toPlain)],
  ['int/1', risky(5)],
  ['bool/1', risky(3)],
  ['string/1', { work: constant(4), canFail: false, result: toText }],
  ['timestamp/1', safe(16)],
  ['duration/1', safe(25)],
  ['min/2', safe(3)],
  ['max/2', safe(3)],
  ['mulDiv/3', risky(8)],
  ['sum/1', { work: (items = PLAIN) => 3 + lengthOf(items), canFail: true, result: toPlain }],
]);

/**
 * By name and number of arguments. Those of moments know UTC only: with a time zone as an argument, the
 * library goes through the server's own.
 */
export const METHODS: ReadonlyMap<string, AllowedFunction> = new Map<string, AllowedFunction>([
  ['size/0', reader(toPlain)],
  ['startsWith/1', prefix],
  ['endsWith/1', prefix],
  ['contains/1', reader(toPlain)],
  ['lowerAscii/0', reader(toSame)],
  ['upperAscii/0', reader(toSame)],
  ['trim/0', reader(toSame)],
  ['substring/1', part],
  ['substring/2', part],
  ...[
    'getFullYear',
    'getMonth',
    'getDate',
    'getDayOfMonth',
    'getDayOfWeek',
    'getHours',
    'getMinutes',
    'getSeconds',
    'getMilliseconds',
  ].map((name): [string, AllowedFunction] => [`${name}/0`, safe(3)]),
]);

/** The comprehensions: how they treat an error of an item, and what comes out of them. */
export interface Comprehension {
  /** Whether an error of one item is forgotten when another item decides. */
  readonly forgives: boolean;
  readonly result: (range: Shape, body: Shape) => Shape;
}

const quantifier: Comprehension = { forgives: true, result: toPlain };
const mapping: Comprehension = {
  forgives: false,
  result: (range, body) => list(lengthOf(range), body),
};

export const COMPREHENSIONS: ReadonlyMap<string, Comprehension> = new Map<string, Comprehension>([
  ['all/2', quantifier],
  ['exists/2', quantifier],
  ['exists_one/2', { forgives: false, result: toPlain }],
  ['map/2', mapping],
  ['map/3', mapping],
  ['filter/2', { forgives: false, result: (range) => range }],
]);

function namesOf(...tables: readonly ReadonlyMap<string, unknown>[]): ReadonlySet<string> {
  return new Set(tables.flatMap((table) => [...table.keys()].map((key) => key.replace(/\/\d$/, ''))));
}

const CALLED = new Set([...namesOf(FUNCTIONS), 'has']);
const CALLED_ON = namesOf(METHODS, COMPREHENSIONS);

/** Blanks and comments, texts, names and everything else, one character each: as the library reads them. */
const TOKEN = new RegExp(
  [
    String.raw`\s+|//[^\n]*`,
    String.raw`[bBrR]?"""(?:\\.|[^\\])*?"""|[bBrR]?'''(?:\\.|[^\\])*?'''`,
    String.raw`[bBrR]?"(?!"")(?:\\.|[^\\"\n\r])*"|[bBrR]?'(?!'')(?:\\.|[^\'\n\r])*'`,
    String.raw`[A-Za-z_]\w*|.`,
  ].join('|'),
  'gsy',
);

/**
 * The first call of a function that is not allowed. Asked before the library parses, because the library
 * keeps an entry for every name of a function that it was ever asked for.
 */
export function forbiddenCall(source: string): { readonly name: string; readonly offset: number } | null {
  let name = { text: '', offset: 0, isMethod: false };
  let before = '';
  for (const { 0: token, index } of source.matchAll(TOKEN)) {
    if (/^(\s|\/\/)/.test(token)) continue;
    // A text without an end: the parser says so.
    if (token === '"' || token === "'") return null;
    if (token === '(' && name.text !== '') {
      const allowed = name.isMethod ? CALLED_ON : CALLED;
      if (name.text !== 'in' && !allowed.has(name.text)) return { name: name.text, offset: name.offset };
    }
    const isName = /^[A-Za-z_]\w*$/.test(token);
    name = { text: isName ? token : '', offset: index, isMethod: before === '.' };
    before = token;
  }
  return null;
}
