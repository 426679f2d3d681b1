import {
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
  GraphQLError,
  Kind,
  type ObjectTypeDefinitionNode,
  type ObjectTypeExtensionNode,
  parse,
} from 'graphql';
import { z } from 'zod';
import { EXTENDABLE_ROOTS, EXTENDABLE_TYPES, type Plugin } from '../../extension/index.ts';
import { isTimeZone } from '../../kernel/calendar.ts';
import { problemOfCron } from '../../kernel/cron.ts';
import { PluginFault } from '../plugin-fault.ts';
import { fieldPrefix, tablesSchema, typePrefix } from './part-names.ts';

/** With the app role's name before it, a role's name has to fit into PostgreSQL's 63 bytes. */
const LONGEST_ID_WITH_TABLES = 32;
const ROLES = ['STAFF', 'MEMBER', 'DEVELOPER'];

const LONGEST_JOB_MS = 600_000;

const aName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, { error: 'takes small letters, digits and hyphens' });
const aFunction = z.custom((value) => typeof value === 'function', { error: 'takes a function' });
const roles = z.array(z.enum(ROLES)).min(1).optional();
const objectFields = z.record(z.string(), z.object({ roles, load: aFunction })).optional();
const rootFields = z.record(z.string(), z.object({ roles, resolve: aFunction })).optional();

/** What a plugin brings beside answers. */
export const partShapes = {
  schema: z
    .object({
      sdl: z.string().min(1),
      fields: z.strictObject({
        ...Object.fromEntries(EXTENDABLE_TYPES.map((type) => [type, objectFields])),
        ...Object.fromEntries(EXTENDABLE_ROOTS.map((root) => [root, rootFields])),
      }),
    })
    .optional(),
  tables: z
    .object({
      migrations: z
        .array(
          z.object({
            name: z.string().regex(/^\d{4}_[a-z0-9_]+$/, { error: 'is written as 0001_what_it_does' }),
            sql: z.string().min(1),
          }),
        )
        .min(1),
    })
    .optional(),
  listeners: z
    .array(z.object({ name: aName, types: z.array(z.string()).min(1).optional(), hear: aFunction }))
    .optional(),
  jobs: z
    .array(
      z.object({
        name: aName,
        cron: z.string().superRefine((line, issues) => {
          const problem = problemOfCron(line);
          if (problem !== null) issues.addIssue(`is no cron line: ${problem}`);
        }),
        timeZone: z.string().refine(isTimeZone, { error: 'is no time zone' }).optional(),
        deadlineMs: z.int().min(1).max(LONGEST_JOB_MS).optional(),
        run: aFunction,
      }),
    )
    .optional(),
};

/** @throws PluginFault when there is nothing that it would be loaded for */
export function refuseIdle(where: string, { answers, schema, tables }: Plugin): void {
  if (answers.length > 0 || schema !== undefined || tables !== undefined) return;
  throw new PluginFault(
    `${where} exports a "plugin" that is wrong at "answers": it brings nothing. Answer an extension point.`,
  );
}

/** @throws PluginFault */
export function refuseBadParts(plugin: Plugin): void {
  if (plugin.schema !== undefined) refuseBadSchema(plugin);
  if (plugin.tables !== undefined) refuseBadTables(plugin);
  refuseBadNames(plugin);
}

/** What listeners and jobs came to is kept beside the plugin's tables, by their names. */
function refuseBadNames({ id, tables, ...parts }: Plugin): void {
  for (const kind of ['listeners', 'jobs'] as const) {
    const names = (parts[kind] ?? []).map(({ name }) => name);
    if (names.length > 0 && tables === undefined)
      throw new PluginFault(
        `The plugin "${id}" has ${kind} and no tables, in whose schema it is kept how far they came: give it ` +
          '"tables".',
      );
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined)
      throw new PluginFault(`The plugin "${id}" has two ${kind} "${twice}": rename one.`);
  }
}

function refuseBadTables({ id, tables }: Plugin): void {
  if (id.length > LONGEST_ID_WITH_TABLES) {
    throw new PluginFault(
      `The plugin "${id}" has tables, and a name that is too long for their role: take at most ` +
        `${LONGEST_ID_WITH_TABLES} letters.`,
    );
  }
  for (const [index, { name }] of (tables?.migrations ?? []).entries()) {
    const number = String(index + 1).padStart(4, '0');
    if (!name.startsWith(`${number}_`))
      throw new PluginFault(`The plugin "${id}" has a migration "${name}": its number has to be ${number}.`);
  }
}

/** What it takes for itself, which no other plugin may. */
export function claimsOf(plugin: Plugin): string[] {
  const claims = plugin.tables === undefined ? [] : [`the tables of "${tablesSchema(plugin.id)}"`];
  for (const definition of documentOf(plugin)?.definitions ?? []) {
    if (isExtension(definition)) {
      for (const { name } of definition.fields ?? [])
        claims.push(`the field "${definition.name.value}.${name.value}"`);
    } else if ('name' in definition) claims.push(`the type "${definition.name?.value}"`);
  }
  return claims;
}

/** What it adds to the schema; null where that is nothing. @throws PluginFault when it can't be parsed */
export function documentOf({ id, schema }: Plugin): DocumentNode | null {
  if (schema === undefined) return null;
  try {
    return parse(schema.sdl);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const line = error.locations?.[0]?.line;
    throw new PluginFault(
      `The plugin "${id}" brings a schema that is wrong in line ${line}: ${error.message.replace(/\.$/, '')}.`,
    );
  }
}

function isExtension(definition: DefinitionNode): definition is ObjectTypeExtensionNode {
  return definition.kind === Kind.OBJECT_TYPE_EXTENSION;
}

function refuseBadSchema(plugin: Plugin): void {
  const { id } = plugin;
  const declared = new Set<string>();
  for (const definition of documentOf(plugin)?.definitions ?? []) {
    switch (definition.kind) {
      case Kind.OBJECT_TYPE_EXTENSION:
        for (const field of definition.fields ?? []) {
          declared.add(`${definition.name.value}.${field.name.value}`);
          refuseBadField(plugin, definition, field);
        }
        break;
      case Kind.OBJECT_TYPE_DEFINITION:
      case Kind.INPUT_OBJECT_TYPE_DEFINITION:
      case Kind.ENUM_TYPE_DEFINITION:
        refuseBadType(id, definition);
        break;
      default:
        throw new PluginFault(
          `The plugin "${id}" brings a schema with a ${definition.kind}: it can have types, inputs and enums ` +
            'of its own, and extend types.',
        );
    }
  }
  for (const [type, fields] of Object.entries(plugin.schema?.fields ?? {})) {
    for (const name of Object.keys(fields ?? {})) {
      if (!declared.has(`${type}.${name}`))
        throw new PluginFault(
          `The plugin "${id}" has a function for "${type}.${name}", which its schema doesn't declare: write ` +
            `"extend type ${type}" with it, or remove it.`,
        );
    }
  }
}

function refuseBadType(
  id: string,
  definition: { readonly name: { readonly value: string } } & Pick<
    Partial<ObjectTypeDefinitionNode>,
    'interfaces'
  >,
): void {
  const { value: name } = definition.name;
  const prefix = typePrefix(id);
  if (!name.startsWith(prefix))
    throw new PluginFault(`The plugin "${id}" brings the type "${name}": begin its name with "${prefix}".`);
  if ((definition.interfaces ?? []).length > 0)
    throw new PluginFault(
      `The plugin "${id}" lets the type "${name}" implement an interface: types of plugins have none.`,
    );
}

function refuseBadField(
  { id, schema }: Plugin,
  { name: { value: type } }: ObjectTypeExtensionNode,
  field: FieldDefinitionNode,
): void {
  const name = field.name.value;
  const what = `The plugin "${id}" brings the field "${type}.${name}"`;
  const extendable: readonly string[] = [...EXTENDABLE_TYPES, ...EXTENDABLE_ROOTS];
  if (!extendable.includes(type)) throw new PluginFault(`${what}: it can extend ${extendable.join(', ')}.`);
  const prefix = fieldPrefix(id);
  if (!name.startsWith(prefix)) throw new PluginFault(`${what}: begin its name with "${prefix}".`);
  if (field.type.kind === Kind.NON_NULL_TYPE)
    throw new PluginFault(
      `${what}, which is never null: let it be null, since what fails there must take nothing else with it.`,
    );
  const fields: Readonly<Record<string, unknown>> | undefined =
    schema?.fields[type as keyof typeof schema.fields];
  if (fields?.[name] === undefined)
    throw new PluginFault(`${what} without a function: give it one in "schema.fields.${type}".`);
}
