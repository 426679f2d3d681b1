import { LANGUAGES, type Language } from './errors.ts';

/** A name in one or more languages, as programs write it: `{ "zh-CN": "积分", "en": "Points" }`. */
export type LocalizedText = Readonly<Partial<Record<Language, string>>>;

/** The text in the reader's language, or else in any that there is. */
export function localize(text: LocalizedText, language: Language): string {
  const own = text[language];
  if (own !== undefined) return own;
  for (const other of LANGUAGES) {
    const found = text[other];
    if (found !== undefined) return found;
  }
  return '';
}
