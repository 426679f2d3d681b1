import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { plugin } from '../../docs/examples/review-bonus/plugin.ts';
import { pointsRule } from '../../src/extension/index.ts';
import { ROOT, readSource } from '../architecture/sources.ts';
import { askPlugin } from '../support/plugins.ts';
import { blocksOf } from './guide-blocks.ts';

const PAGE = readSource('plugins/README.md');
const { activity } = pointsRule.example.input;

/** The pages that people read on their way to an example. */
const PAGES = [
  'docs/guides/youzan-points.md',
  'plugins/README.md',
  ...readdirSync(join(ROOT, 'docs/extension-points')).map((name) => `docs/extension-points/${name}`),
  ...['store-multiplier', 'birthday-benefit', 'welcome-note', 'youzan-adapter'].map(
    (id) => `plugins/${id}/README.md`,
  ),
  ...['tea-lovers', 'crm-sync'].map((name) => `docs/examples/${name}/README.md`),
];

describe('how plugins are written', () => {
  it('shows the plugin of docs/examples/review-bonus', () => {
    const [block] = blocksOf(PAGE);
    const source = readSource('docs/examples/review-bonus/plugin.ts');
    expect(block?.text).toBe(source.replace(`'../../../src/`, `'../../src/`));
  });

  it('which gives what is configured, for a review alone', async () => {
    const review = { activity: { ...activity, type: 'review' } };
    const bonus = async (configuration: unknown, input = review) =>
      (await askPlugin(plugin, pointsRule, { input, configuration })).postings;
    expect(await bonus({})).toEqual([{ asset: 'points', amount: '10', reason: 'review' }]);
    expect(await bonus({ bonus: '25' })).toMatchObject([{ amount: '25' }]);
    expect(await bonus({}, { activity })).toEqual([]);
    await expect(bonus({ bonsu: '25' })).rejects.toThrow('bonsu');
  });

  it('names every plugin that there is', () => {
    const entries = readdirSync(join(ROOT, 'plugins'), { withFileTypes: true });
    const ids = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    expect(ids.filter((id) => !PAGE.includes(`](${id}/README.md)`))).toEqual([]);
  });
});

it.each(PAGES)('%s leads to nothing that isn’t there', (page) => {
  const links = [...readSource(page).matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path ?? '');
  expect(links.filter((path) => !existsSync(join(ROOT, page, '..', path)))).toEqual([]);
});
