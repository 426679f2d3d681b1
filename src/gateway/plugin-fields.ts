import DataLoader from 'dataloader';
import { type GraphQLField, type GraphQLSchema, isObjectType } from 'graphql';
import type { Benefit } from '../domain/benefits/index.ts';
import type { Ledger } from '../domain/ledgers/index.ts';
import type { Member } from '../domain/members/index.ts';
import type { Tier } from '../domain/tiers/index.ts';
import { EXTENDABLE_TYPES, type FieldContext, type ObjectField, type Plugin } from '../extension/index.ts';
import { toPublicId } from '../kernel/ids.ts';
import { withPluginTypes } from '../plugin-host/index.ts';
import type { GatewayContext } from './context.ts';

type ExtendableType = (typeof EXTENDABLE_TYPES)[number];
type Loader = DataLoader<string, unknown>;

/** Without a word about roles, a field of a plugin is for staff. */
const DEFAULT_ROLES = ['STAFF'];
const MOST_AT_ONCE = 1_000;

/** What plugins know an object by. */
const KEY_OF: Readonly<Record<ExtendableType, (source: never) => string>> = {
  Member: ({ memberKey }: Member) => toPublicId('member', memberKey),
  Ledger: ({ ledgerKey }: Ledger) => toPublicId('ledger', ledgerKey),
  Tier: ({ ladder, code }: Tier) => `${ladder?.code ?? ''}/${code}`,
  Benefit: ({ code }: Benefit) => code,
};

/** The loaders of an operation: those of one field with the same arguments gather. */
const loaders = new WeakMap<GatewayContext, Map<string, Loader>>();

/** The product's schema with what plugins add to it; that without plugins is the same one. */
export function withPluginFields(core: GraphQLSchema, plugins: readonly Plugin[]): GraphQLSchema {
  const schema = withPluginTypes(core, plugins);
  for (const plugin of plugins) {
    for (const [type, fields] of Object.entries(plugin.schema?.fields ?? {})) {
      for (const [name, brought] of Object.entries(fields ?? {})) {
        const field = fieldOf(schema, type, name);
        field.extensions = { ...field.extensions, roles: brought.roles ?? DEFAULT_ROLES };
        if ('load' in brought) answerObjects(field, plugin, type as ExtendableType, brought);
        else
          field.resolve = (_source, args, context) =>
            context.services.pluginParts.field(plugin, `${type}.${name}`, callOf(context), (told) =>
              brought.resolve(args, told),
            );
      }
    }
  }
  return schema;
}

function fieldOf(schema: GraphQLSchema, type: string, name: string): GraphQLField<unknown, GatewayContext> {
  const found = schema.getType(type);
  const field = isObjectType(found) ? found.getFields()[name] : undefined;
  if (field === undefined) throw new Error(`There is no field "${type}.${name}" in the schema.`);
  return field;
}

function answerObjects(
  field: GraphQLField<unknown, GatewayContext>,
  plugin: Plugin,
  type: ExtendableType,
  brought: ObjectField,
): void {
  const what = `${type}.${field.name}`;
  const keyOf = KEY_OF[type] as (source: unknown) => string;
  field.resolve = (source, args, context) => {
    const own = loaders.get(context) ?? new Map<string, Loader>();
    loaders.set(context, own);
    const id = `${what} ${JSON.stringify(args)}`;
    const loader =
      own.get(id) ??
      // Nothing is kept: a subscription's operation outlives what it saw.
      new DataLoader<string, unknown>(
        async (keys) => {
          const answers = await context.services.pluginParts.field(plugin, what, callOf(context), (told) =>
            brought.load([...new Set(keys)], args, told),
          );
          return keys.map((key) => answers.get(key) ?? null);
        },
        { cache: false, maxBatchSize: MOST_AT_ONCE },
      );
    own.set(id, loader);
    return loader.load(keyOf(source));
  };
}

function callOf({ request: { tenantKey, caller } }: GatewayContext): {
  tenantKey: string;
  caller: FieldContext['caller'];
} {
  const { role, memberKey } = caller;
  return {
    tenantKey,
    caller: { role, memberId: memberKey === null ? null : toPublicId('member', memberKey) },
  };
}
