import { z } from 'zod';
import type { Plugin } from '../../extension/index.ts';
import { Refusal, refuse } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { carryOut } from '../tenants/index.ts';
import type { StoredConfiguration } from './extension.entity.ts';
import type { ConfigurePluginInput } from './extension.inputs.ts';
import type { ExtensionParts } from './extension.service.ts';
import type { InstalledPlugin } from './installed-plugin.types.ts';
import {
  findConfiguration,
  findConfigurations,
  insertConfiguration,
} from './plugin-configuration.repository.ts';

type Parts = Pick<ExtensionParts, 'database' | 'registry' | 'workbench' | 'plugins'>;
type Held = Pick<StoredConfiguration, 'version' | 'configuration' | 'madeAt' | 'madeBy'>;

/** What tenants configure of the operator's plugins. */
export class PluginConfigurations {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The operator's plugins, each with what this tenant configured. */
  async list({ tenantKey }: RequestContext): Promise<InstalledPlugin[]> {
    const stored = await findConfigurations(this.#parts.database.read(tenantKey), tenantKey);
    return this.#parts.plugins.map((plugin) =>
      show(plugin, stored.find((one) => one.plugin === plugin.id) ?? null),
    );
  }

  /** @throws Refusal IDEMPOTENCY_CONFLICT, PLUGIN_NOT_LOADED, PLUGIN_CONFIGURATION */
  async configure(ctx: RequestContext, input: ConfigurePluginInput): Promise<InstalledPlugin> {
    const { tenantKey, caller } = ctx;
    const { database, registry, plugins, workbench } = this.#parts;
    const plugin = plugins.find(({ id }) => id === input.plugin);
    if (plugin === undefined) throw refuse('PLUGIN_NOT_LOADED', ['plugin'], { plugin: input.plugin });
    const configuration = input.configuration ?? null;
    let held: StoredConfiguration | null = null;
    const { stored, written } = await carryOut<null, { plugin: string; version: number }>(
      database,
      tenantKey,
      {
        ...{ mutation: 'configurePlugin', input },
        prepare: async () => {
          const fault = workbench.checkConfiguration(plugin.id, configuration);
          if (fault !== null) throw new Refusal([{ ...fault, field: ['configuration'] }]);
          return null;
        },
        commit: async (tx) => {
          const of = { tenantKey, plugin: plugin.id };
          const version = await insertConfiguration(tx, { ...of, configuration, madeBy: caller.subject });
          held = await findConfiguration(tx, { ...of, version });
          return { plugin: plugin.id, version };
        },
      },
    );
    if (written) registry.forget(tenantKey);
    return show(
      plugin,
      held ?? (await findConfiguration(database.read(tenantKey), { tenantKey, ...stored })),
    );
  }
}

function show({ id, version, description, configuration }: Plugin, held: Held | null): InstalledPlugin {
  return {
    ...{ id, version, description },
    configurationSchema: configuration === undefined ? null : z.toJSONSchema(configuration, { io: 'input' }),
    configuration: held?.configuration ?? null,
    configurationVersion: held?.version ?? 0,
    configuredAt: held?.madeAt ?? null,
    configuredBy: held?.madeBy ?? null,
  };
}
