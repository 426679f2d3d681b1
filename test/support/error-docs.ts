import type { ErrorCatalogue } from '../../src/kernel/errors.ts';

const HEAD = `# Errors

Every code that Membergraph answers with, and its message in both languages; \`{…}\` stands for a detail. The codes
are stable, the messages are not.

An expected refusal of a mutation is data: \`userErrors { code field message }\`, where \`field\` is the path below
\`input\`. A request that can’t be executed is told in GraphQL’s \`errors\`, with the code in \`extensions.code\`.

Three codes are GraphQL’s own, and their messages name the place in the document: \`GRAPHQL_PARSE_FAILED\`,
\`GRAPHQL_VALIDATION_FAILED\` and \`BAD_USER_INPUT\` (a variable or an argument of another type). Plugins may refuse
with messages of their own.

Emitted from the catalogue by \`UPDATE_DOCS=1 npm test test/architecture/errors\`; change that, not this.

| code | English | 中文 |
|---|---|---|
`;

const inCell = (text: string): string => text.replaceAll('|', '\\|');

/** The page `docs/errors.md`: a row for each code, in the order of the codes. */
export function errorDocs(catalogue: ErrorCatalogue): string {
  const rows = Object.entries(catalogue)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { en, 'zh-CN': zh }]) => `| \`${code}\` | ${inCell(en)} | ${inCell(zh)} |\n`);
  return `${HEAD}${rows.join('')}`;
}
