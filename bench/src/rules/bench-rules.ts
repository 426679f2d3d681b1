import { deepStrictEqual } from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Expressions from '../../../src/domain/expressions/index.ts';
import type { ClaimedLimit } from '../../../src/domain/limits/index.ts';
import type * as Programs from '../../../src/domain/programs/index.ts';
import type * as Rules from '../../../src/domain/rules/index.ts';
import { PRODUCT_FOLDER } from '../folders.ts';
import { percentile } from '../load/job.ts';
import type { Options } from '../options.ts';
import { machineLine, median, print, tableOf } from '../report.ts';
import { expectedOf, type Told, usedOf } from './expected.ts';
import { LINES, makePurchases, NOW, type Purchase } from './purchases.ts';
import { mixRules, programText } from './rule-mix.ts';

const PURCHASES = 250;
const WARM_UP = 5_000;
const EVALUATIONS = 20_000;
const BOUND_MS = 1;
const RULES = 100;

interface Product {
  readonly askRules: typeof Rules.askRules;
  readonly decide: typeof Rules.decide;
  readonly toFacts: typeof Expressions.toFacts;
  readonly rulesFor: typeof Rules.rulesFor;
  readonly parseProgram: typeof Programs.parseProgram;
}
type Pinned = Programs.PinnedProgram;
type Decisions = ReturnType<typeof Rules.decide>;

/** A purchase as the product is asked about it. */
interface Asked {
  readonly memberKey: string;
  readonly amount: bigint;
  readonly about: Parameters<typeof Expressions.toFacts>[0];
  readonly used: (most: bigint) => bigint;
}

/**
 * Measures what it takes to ask a hundred rules about a purchase: facts, conditions, amounts, groups and
 * limits, by the functions that the product calls; no database, and nothing that is sent or written.
 * @throws Error where the product gives anything else than plain JavaScript does
 */
export async function benchRules({ rounds }: Options): Promise<void> {
  const product = await loadProduct();
  const mixed = mixRules();
  const program = pin(product, programText(mixed));
  const startedAt = performance.now();
  const { length } = product.rulesFor(program.definition, 'purchase').rules;
  const compiledMs = performance.now() - startedAt;
  if (length !== RULES) throw new Error(`The program has ${length} rules instead of ${RULES}.`);
  const purchases = makePurchases(PURCHASES);
  const asked = purchases.map(toAsked);
  const expected = purchases.map((purchase) => expectedOf(mixed, purchase));
  const evaluate = evaluator(product, program);
  for (const [index, one] of asked.entries()) same(told(evaluate(one)), expected[index] ?? []);
  const points = asked.map((one) => pointsOf(evaluate(one)));
  const run = (times: number): Float64Array => measure(evaluate, asked, points, times);
  run(WARM_UP);
  const slices = Array.from({ length: rounds }, () => run(EVALUATIONS));
  report(slices, expected, compiledMs);
}

async function loadProduct(): Promise<Product> {
  const load = (folder: string): Promise<unknown> =>
    import(pathToFileURL(join(PRODUCT_FOLDER, 'domain', folder, 'index.js')).href);
  const { parseProgram } = (await load('programs')) as typeof Programs;
  const { askRules, decide, rulesFor } = (await load('rules')) as typeof Rules;
  const { toFacts } = (await load('expressions')) as typeof Expressions;
  return { askRules, decide, toFacts, rulesFor, parseProgram };
}

function pin({ parseProgram }: Product, text: string): Pinned {
  const { definition, findings } = parseProgram(text);
  if (definition === null) throw new Error(`The program is wrong: ${JSON.stringify(findings, null, 2)}`);
  const assets = new Map(definition.assets.map((asset) => [asset.code, asset]));
  return { version: 1, definition, assets };
}

function toAsked(purchase: Purchase): Asked {
  const { memberKey, birthday, gender, channel, store, tags, attributes, tier, lines } = purchase;
  const amount = BigInt(purchase.total);
  return {
    memberKey,
    amount,
    about: {
      member: {
        ...{ memberKey, birthday, gender, locale: 'zh-CN', region: 'CN-31', channel, store, attributes },
        ...{ tagCodes: tags, enrolledAt: new Date(purchase.enrolledAt) },
      },
      publicId: `mem_${memberKey}`,
      happening: {
        ...{ trigger: 'purchase', amount, occurredAt: new Date(purchase.occurredAt), channel, store },
        orderNumber: `T-${memberKey}`,
        lines: lines.map((line) => ({ ...line, amount: BigInt(line.amount) })),
      },
      tier,
    },
    used: (most) => BigInt(usedOf(Number(most), purchase)),
  };
}

/** What is measured: from a purchase as it was recorded to what its rules give. */
function evaluator({ askRules, decide, toFacts }: Product, program: Pinned): (asked: Asked) => Decisions {
  const now = new Date(NOW);
  const { timeZone } = program.definition;
  return ({ memberKey, amount, about, used }) => {
    const facts = () => toFacts(about, now, timeZone);
    const proposals = askRules(program, { trigger: 'purchase', amount, memberKey, facts });
    // What the product reads from the counters' rows, under their locks.
    const claimed = proposals.flatMap(({ limits }) =>
      limits.map((limit): ClaimedLimit => {
        return { ...limit, windowStart: '2026-11-20', used: used(limit.most) };
      }),
    );
    return decide(proposals, claimed);
  };
}

/** Each evaluation by itself; afterwards, unmeasured, whether it gave what it has to give. */
function measure(
  evaluate: (asked: Asked) => Decisions,
  asked: readonly Asked[],
  points: readonly bigint[],
  times: number,
): Float64Array {
  const latencies = new Float64Array(times);
  for (let time = 0; time < times; time += 1) {
    const index = time % asked.length;
    const one = asked[index] as Asked;
    const startedAt = process.hrtime.bigint();
    const decisions = evaluate(one);
    latencies[time] = Number(process.hrtime.bigint() - startedAt) / 1e6;
    if (pointsOf(decisions) !== points[index]) throw new Error('The same purchase gave another amount.');
  }
  return latencies;
}

function told({ decisions }: Decisions): Told[] {
  return decisions.map(({ rule, outcome, credits }) => {
    const given = credits.map(({ asset, amount }) => `${asset} ${amount}`);
    return [rule?.code, outcome, ...given].join(' ');
  });
}

function pointsOf({ decisions }: Decisions): bigint {
  let points = 0n;
  for (const { credits } of decisions) for (const { amount } of credits) points += amount;
  return points;
}

function same(actual: readonly Told[], expected: readonly Told[]): void {
  try {
    deepStrictEqual(actual, expected);
  } catch (error) {
    throw new Error(`The rules give something else than plain JavaScript:\n${(error as Error).message}`);
  }
}

function report(
  slices: readonly Float64Array[],
  expected: readonly (readonly Told[])[],
  compiledMs: number,
): void {
  const sorted = slices.map((slice) => slice.toSorted());
  const middle = (of: (latencies: Float64Array) => number): number => median(sorted.map(of));
  const rate = middle((latencies) => (latencies.length * 1_000) / latencies.reduce((sum, ms) => sum + ms, 0));
  const p99 = middle((latencies) => percentile(latencies, 0.99));
  const max = Math.max(...sorted.map((latencies) => latencies.at(-1) ?? 0));
  const head = ['a purchase', 'evaluations/s', 'p50 ms', 'p99 ms', 'max ms'];
  const line = [
    `${RULES} rules, ${LINES} order lines`,
    rate.toFixed(0),
    middle((latencies) => percentile(latencies, 0.5)).toFixed(3),
    p99.toFixed(3),
    max.toFixed(1),
  ];
  const gave = expected.flat().filter((one) => /points|growth/.test(one)).length / expected.length;
  const verdict = p99 < BOUND_MS ? 'held' : 'not held';
  print([
    ...tableOf([head, line], 1),
    '',
    `bound: p99 < ${BOUND_MS} ms: ${verdict}`,
    '',
    `${slices.length} rounds of ${EVALUATIONS} evaluations, ${PURCHASES} purchases in turn, of which each is ` +
      `given something by ${gave.toFixed(0)} rules; compiled once in ${compiledMs.toFixed(0)} ms; ${machineLine()}`,
  ]);
}
