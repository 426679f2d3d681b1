import { localize } from './localized.ts';

it.each([
  [{ en: 'Points', 'zh-CN': '积分' }, 'en', 'Points'],
  [{ en: 'Points', 'zh-CN': '积分' }, 'zh-CN', '积分'],
  [{ en: 'Points' }, 'zh-CN', 'Points'],
  [{ 'zh-CN': '积分' }, 'en', '积分'],
  [{ en: undefined, 'zh-CN': '积分' }, 'en', '积分'],
  [{}, 'en', ''],
] as const)('%j is read in %s as "%s"', (text, language, read) => {
  expect(localize(text, language)).toBe(read);
});
