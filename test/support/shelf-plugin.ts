import { z } from 'zod';
import { definePlugin, type FieldContext, type Plugin } from '../../src/extension/index.ts';

interface Note {
  readonly about: string;
  readonly words: string;
}

const MIGRATION = `
  create table note (
    tenant_id uuid not null, about text not null, words text not null,
    primary key (tenant_id, about)
  )`;

const SDL = `
  "A note."
  type ShelfNotes_Note {
    "About whom or what."
    about: String!
    "What it says."
    words: String!
  }
  "Whom to write about."
  input ShelfNotes_NoteInput { about: String!, words: String! }
  extend type Member { shelfNotes_note(shout: Boolean = false): String, shelfNotes_hello: String }
  extend type Ledger { shelfNotes_note: String }
  extend type Tier { shelfNotes_note: String }
  extend type Benefit { shelfNotes_note: String }
  extend type Query { shelfNotes_notes: [ShelfNotes_Note!], shelfNotes_slow: Int, shelfNotes_throws: Int }
  extend type Mutation { shelfNotes_write(input: ShelfNotes_NoteInput!): ShelfNotes_Note }`;

/** A plugin with all that plugins can add to the schema, and how often it was asked about whom. */
export function shelfPlugin(changes: Partial<Plugin> = {}): { plugin: Plugin; asked: string[][] } {
  const asked: string[][] = [];
  const notesOf = async (keys: readonly string[], context: FieldContext): Promise<Map<string, string>> => {
    asked.push([...keys]);
    const notes = await context.transaction((sql) =>
      sql.run<Note>('select about, words from note where about = any($1)', [keys]),
    );
    return new Map(notes.map(({ about, words }) => [about, words]));
  };
  const note = { load: (keys: readonly string[], _args: unknown, told: FieldContext) => notesOf(keys, told) };
  const plugin = definePlugin({
    id: 'shelf-notes',
    version: 1,
    description: 'Keeps notes.',
    answers: [],
    configuration: z.strictObject({ greeting: z.string().default('hello') }),
    tables: { migrations: [{ name: '0001_note', sql: MIGRATION }] },
    schema: {
      sdl: SDL,
      fields: {
        Member: {
          shelfNotes_note: {
            load: async (keys, { shout }, context) => {
              const notes = await notesOf(keys, context);
              return new Map([...notes].map(([key, words]) => [key, shout ? `${words}!` : words]));
            },
          },
          shelfNotes_hello: {
            roles: ['STAFF', 'MEMBER'],
            load: async (keys, _args, { configuration }: FieldContext<{ greeting: string }>) =>
              new Map(keys.map((key) => [key, configuration.greeting])),
          },
        },
        Ledger: { shelfNotes_note: note },
        Tier: { shelfNotes_note: note },
        Benefit: { shelfNotes_note: note },
        Query: {
          shelfNotes_notes: {
            resolve: (_args, context) =>
              context.transaction((sql) => sql.run<Note>('select about, words from note order by about')),
          },
          shelfNotes_slow: { resolve: () => new Promise(() => undefined) },
          shelfNotes_throws: {
            resolve: () => {
              throw new Error('a secret of the plugin');
            },
          },
        },
        Mutation: {
          shelfNotes_write: {
            resolve: ({ input }, context) =>
              context.transaction(async (sql) => {
                const { about, words } = input as Note;
                const text = `insert into note (tenant_id, about, words) values ($1, $2, $3)
                  on conflict (tenant_id, about) do update set words = excluded.words returning about, words`;
                const [written] = await sql.run<Note>(text, [sql.tenantKey, about, words]);
                return written;
              }),
          },
        },
      },
    },
    ...changes,
  });
  return { plugin, asked };
}
