import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema,
  type GraphQLArgument,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';
import { catalogueParts, errorCatalogue } from '../../src/gateway/catalogue.ts';
import { LANGUAGES } from '../../src/kernel/errors.ts';
import { errorDocs } from '../support/error-docs.ts';
import { ROOT, readSource, syntaxNodes, typescriptFiles } from './sources.ts';

const PAGE = 'docs/errors.md';
/** GraphQL's own, with GraphQL's own messages. */
const STANDARD = ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT'];
/** The types that are where a document begins. */
const ROOTS = ['Query', 'Mutation', 'Subscription'];
const CODE = /^[A-Z]+(_[A-Z]+)*$/;
const messages = Object.entries(errorCatalogue);

/** The texts in the code that look like error codes, by file; without the catalogue and what tests say. */
const spoken = typescriptFiles('src')
  .filter((path) => !/[.](spec|errors)[.]ts$/.test(path))
  .flatMap((path) => {
    const source = readSource(path);
    return syntaxNodes(source).flatMap(({ type, value }) =>
      type === 'StringLiteral' && typeof value === 'string' && CODE.test(value) ? [value] : [],
    );
  });

describe('the error catalogue', () => {
  it('has each code in one of its parts', () => {
    const codes = catalogueParts.flatMap((part) => Object.keys(part));
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
    expect([...codes].sort()).toEqual(messages.map(([code]) => code).sort());
    expect(codes.filter((code) => !CODE.test(code))).toEqual([]);
  });

  it.each(LANGUAGES)('has a whole sentence for each code in %s', (language) => {
    const END = language === 'en' ? /[.…]$/ : /。$/;
    const bad = messages.filter(([, template]) => {
      const text: string | undefined = template[language];
      return text === undefined || text.trim() !== text || text.length < 5 || !END.test(text);
    });
    expect(bad).toEqual([]);
  });

  it('has the Chinese in Chinese, and the English without it', () => {
    const HAN = /\p{Script=Han}/u;
    expect(messages.filter(([, template]) => !HAN.test(template['zh-CN']) || HAN.test(template.en))).toEqual(
      [],
    );
  });

  it('has the same details in each language', () => {
    const holes = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g))].sort();
    const unequal = messages.filter(([, template]) => {
      const [first, ...others] = LANGUAGES.map((language) => holes(template[language]).join());
      return others.some((other) => other !== first);
    });
    expect(unequal.map(([code]) => code)).toEqual([]);
  });

  it('has no code that nobody raises', () => {
    expect(messages.map(([code]) => code).filter((code) => !spoken.includes(code))).toEqual([]);
  });

  it('has every code that is raised', () => {
    const raised = typescriptFiles('src')
      .filter((path) => !path.endsWith('.spec.ts'))
      .flatMap((path) => [...readSource(path).matchAll(/(?:refuse|new RequestFault)\(\s*'(\w+)'/g)])
      .map(([, code]) => code ?? '');
    expect(raised.length).toBeGreaterThan(40);
    const known = [...Object.keys(errorCatalogue), ...STANDARD];
    expect([...new Set(raised)].filter((code) => !known.includes(code))).toEqual([]);
  });

  it(`is what ${PAGE} says (UPDATE_DOCS=1 writes it)`, () => {
    if (process.env.UPDATE_DOCS === '1') writeFileSync(join(ROOT, PAGE), errorDocs(errorCatalogue));
    expect(readSource(PAGE)).toBe(errorDocs(errorCatalogue));
    for (const code of STANDARD) expect(readSource(PAGE)).toContain(`\`${code}\``);
  });
});

describe('the schema', () => {
  const schema = buildSchema(readSource('schema/schema.graphql'));
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type),
  );

  interface Described {
    readonly name: string;
    readonly description?: string | null;
  }

  function parts(type: GraphQLNamedType): Described[] {
    const named = (of: readonly Described[]): Described[] =>
      of.map(({ name, description }) => ({ name: `${type.name}.${name}`, description }));
    if (isEnumType(type)) return named(type.getValues());
    if (isInputObjectType(type)) return named(Object.values(type.getFields()));
    if (!isObjectType(type) && !isInterfaceType(type)) return [];
    return Object.values(type.getFields()).flatMap((field) => [
      ...named([field]),
      ...named(
        field.args.map((argument: GraphQLArgument) => ({
          ...argument,
          name: `${field.name}(${argument.name}:)`,
        })),
      ),
    ]);
  }

  it('describes every type, field, argument and enum value', () => {
    const all = types.flatMap((type): Described[] => [
      ...(ROOTS.includes(type.name) ? [] : [type]),
      ...parts(type),
    ]);
    expect(all.length).toBeGreaterThan(300);
    expect(
      all.filter(({ description }) => (description ?? '').trim() === '').map(({ name }) => name),
    ).toEqual([]);
  });

  it('says in each description more than the name', () => {
    const letters = (text: string): string => text.toLowerCase().replace(/[^a-z]/g, '');
    const all = types.flatMap((type): Described[] => [type, ...parts(type)]);
    const idle = all.filter(
      ({ name, description }) => letters(description ?? '') === letters(name.split('.').at(-1) ?? ''),
    );
    // The genders and statuses that are called what they are.
    expect(idle.map(({ name }) => name).filter((name) => !name.startsWith('Gender.'))).toEqual([]);
  });
});
