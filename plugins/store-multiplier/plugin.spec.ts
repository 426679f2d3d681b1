import { pointsRule } from '../../src/extension/index.ts';
import { askPlugin } from '../../test/support/plugins.ts';
import { plugin } from './plugin.ts';

const { activity } = pointsRule.example.input;

/** What it adds, by asset, where rules propose these. */
async function added(
  proposed: readonly [asset: string, amount: string][],
  configuration: unknown,
  store: string | null = 'airport',
): Promise<Record<string, string>> {
  const input = {
    activity: { ...activity, source: { channel: 'pos', store } },
    proposed: proposed.map(([asset, amount], index) => ({ rule: `rule-${index}`, asset, amount })),
  };
  const { postings, replace } = await askPlugin(plugin, pointsRule, { input, configuration });
  expect(replace).toBeUndefined();
  return Object.fromEntries(postings.map(({ asset, amount }) => [asset, amount]));
}

it.each<[multiplier: string, amounts: string[], more: string | undefined]>([
  ['2', ['268'], '268'],
  ['1.5', ['88', '7'], '47'],
  ['1.5', ['1', '1', '1'], '1'],
  ['1.5', ['1'], undefined],
  ['1.0001', ['10000'], '1'],
  ['1.0001', ['9999'], undefined],
  ['1', ['100'], undefined],
  ['1.0', ['100'], undefined],
  ['3', ['9007199254740993'], '18014398509481986'],
  ['1.1', ['0'], undefined],
  ['2', ['-5'], undefined],
  ['2', ['10', '-4'], '6'],
  ['9999', ['9223372036854775807'], '9223372036854775807'],
  ['2', [], undefined],
])('×%s of %j adds %s', async (multiplier, amounts, more) => {
  const proposed = amounts.map((amount): [string, string] => ['points', amount]);
  expect(await added(proposed, { stores: { airport: multiplier } })).toEqual(
    more === undefined ? {} : { points: more },
  );
});

it('adds at most what is configured, in each asset', async () => {
  const configuration = { stores: { airport: '2' }, assets: ['points', 'growth', 'points'], most: '50' };
  expect(
    await added(
      [
        ['points', '268'],
        ['growth', '20'],
        ['tokens', '5'],
      ],
      configuration,
    ),
  ).toEqual({ points: '50', growth: '20' });
});

it('multiplies points alone unless told otherwise', async () => {
  expect(
    await added(
      [
        ['points', '10'],
        ['growth', '10'],
      ],
      { stores: { airport: '2' } },
    ),
  ).toEqual({ points: '10' });
});

it.each([null, 'suzhou-02', '', '__proto__', 'constructor'])(
  'adds nothing in the store %j',
  async (store) => {
    expect(await added([['points', '10']], { stores: { airport: '2' } }, store)).toEqual({});
  },
);

it('adds nothing without a configuration', async () => {
  expect(await added([['points', '10']], {})).toEqual({});
});

it.each([
  { stores: { airport: 2 } },
  { stores: { airport: '0.5' } },
  { stores: { airport: '0' } },
  { stores: { airport: '-2' } },
  { stores: { airport: '1.23456' } },
  { stores: { airport: '1e3' } },
  { stores: { airport: '２' } },
  { most: '0' },
  { most: 5 },
  { assets: ['Not A Code'] },
  { store: {} },
])('refuses the configuration %j', (configuration) => {
  expect(plugin.configuration?.safeParse(configuration).success).toBe(false);
});
