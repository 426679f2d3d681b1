import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PointsRuleInput, pointsRule } from '../../src/extension/index.ts';
import { SandboxPool } from '../../src/plugin-host/runtimes/sandbox/index.ts';
import { ROOT } from '../architecture/sources.ts';

const SOURCE = readFileSync(join(ROOT, 'docs/examples/tea-lovers/rule.ts'), 'utf8');
const { activity, member } = pointsRule.example.input;

let pool: SandboxPool;
beforeAll(async () => {
  pool = await SandboxPool.open({ workers: 1 });
});
afterAll(() => pool.close());

async function ask(input: PointsRuleInput) {
  const { compiled, findings } = await pool.compile({
    tenantKey: 'demo',
    source: SOURCE,
    language: 'TYPESCRIPT',
  });
  expect(findings).toEqual([]);
  if (compiled === null) throw new Error('It wasn’t compiled.');
  const told = JSON.stringify(pointsRule.input.parse(input));
  const call = { tenantKey: 'demo', input: told, deadlineMs: 1_000, now: new Date(0), seed: 1 };
  const { outcome, output, error, log } = await pool.call({ ...compiled, ...call });
  expect([outcome, error]).toEqual(['OK', null]);
  return { ...pointsRule.output.parse(JSON.parse(output ?? '')), log };
}

type Line = [category: string | null, amount: string];

/** What it gives for an order of these lines, for which the rules propose so much. */
async function given(lines: readonly Line[], proposed: readonly string[], rank = 2, currency = 'CNY') {
  const total = lines.reduce((sum, [, value]) => sum + Math.round(Number(value) * 1_000), 0) / 1_000;
  const order = {
    number: 'SO-1',
    lines: lines.map(([category, value]) => ({
      ...{ sku: 'A', category, quantity: 1, amount: { value, currency } },
    })),
  };
  const { postings } = await ask({
    activity: { ...activity, order, amount: { value: String(total), currency } },
    member: { ...member, tier: { code: null, rank } },
    proposed: proposed.map((amount) => ({ rule: 'spend', asset: 'points', amount })),
  });
  return postings;
}

const twice = (amount: string) => [{ asset: 'points', amount, reason: 'tea-lovers' }];

it.each<[lines: Line[], proposed: string[], more: string]>([
  [[['tea', '268.00']], ['268'], '268'],
  [
    [
      ['tea', '134.00'],
      ['cups', '134.00'],
    ],
    ['268'],
    '134',
  ],
  [
    [
      ['tea', '10.00'],
      [null, '20.00'],
    ],
    ['10'],
    '3',
  ],
  [
    [
      ['tea', '10.00'],
      ['tea', '5.00'],
      [null, '15.00'],
    ],
    ['20', '10'],
    '15',
  ],
  [[['tea', '0.01']], ['9007199254740993'], '9007199254740993'],
])('%j for which the rules give %j gives %s more', async (lines, proposed, more) => {
  expect(await given(lines, proposed)).toEqual(twice(more));
});

it('reckons in currencies without decimals, and with three', async () => {
  const lines: Line[] = [
    ['tea', '100'],
    ['cups', '300'],
  ];
  expect(await given(lines, ['40'], 2, 'JPY')).toEqual(twice('10'));
  const exact: Line[] = [
    ['tea', '0.125'],
    ['cups', '0.375'],
  ];
  expect(await given(exact, ['40'], 2, 'KWD')).toEqual(twice('10'));
});

it('gives nothing below the second tier, without tea, or where the rules give nothing', async () => {
  expect(await given([['tea', '268.00']], ['268'], 1)).toEqual([]);
  expect(await given([['tea', '268.00']], ['268'], 0)).toEqual([]);
  expect(await given([['cups', '268.00']], ['268'])).toEqual([]);
  expect(await given([['tea', '268.00']], [])).toEqual([]);
  expect(await given([['tea', '0']], ['268'])).toEqual([]);
  const signIn = { ...activity, type: 'sign_in', amount: null, order: null };
  expect((await ask({ ...pointsRule.example.input, activity: signIn })).postings).toEqual([]);
});

it('writes to the call’s log what it reckoned', async () => {
  expect((await ask(pointsRule.example.input)).log).toEqual(['tea 268000000 of 268000000 gives 268 more']);
});
