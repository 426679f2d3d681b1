import { extendSchema, type GraphQLSchema } from 'graphql';
import type { Plugin } from '../../extension/index.ts';
import { PluginFault } from '../plugin-fault.ts';
import { documentOf } from './part-checks.ts';

/** A schema with what plugins add to it; nothing answers their fields yet. @throws PluginFault */
export function withPluginTypes(schema: GraphQLSchema, plugins: readonly Plugin[]): GraphQLSchema {
  return plugins.reduce(withTypesOf, schema);
}

function withTypesOf(schema: GraphQLSchema, plugin: Plugin): GraphQLSchema {
  const document = documentOf(plugin);
  if (document === null) return schema;
  try {
    return extendSchema(schema, document);
  } catch (error) {
    const [why = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new PluginFault(
      `The plugin "${plugin.id}" brings a schema that doesn't fit the product's: ${why.replace(/\.$/, '')}.`,
    );
  }
}
