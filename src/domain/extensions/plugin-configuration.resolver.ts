import { Arg, Ctx, Extensions, Mutation, Query, Resolver } from 'type-graphql';
import { payloadOf } from '../shared/index.ts';
import type { ExtensionContext } from './extension.context.ts';
import { ConfigurePluginInput } from './extension.inputs.ts';
import { ConfigurePluginPayload, InstalledPlugin } from './installed-plugin.types.ts';

@Resolver()
export class PluginConfigurationResolver {
  @Query(() => [InstalledPlugin], {
    description: 'The operator’s plugins, in the order in which they are loaded.',
  })
  @Extensions({ roles: ['STAFF'] })
  async plugins(@Ctx() { request, services }: ExtensionContext): Promise<InstalledPlugin[]> {
    return await services.pluginConfigurations.list(request);
  }

  @Mutation(() => ConfigurePluginPayload, {
    description:
      'Sets what a plugin is configured by, all of it anew. It holds for its fields, listeners and jobs, and for ' +
      'its answers at extension points where the tenant registered nothing of its own.',
  })
  @Extensions({ roles: ['STAFF'] })
  configurePlugin(
    @Arg('input', () => ConfigurePluginInput, { description: 'What is to hold.' })
    input: ConfigurePluginInput,
    @Ctx() { request, services }: ExtensionContext,
  ): Promise<ConfigurePluginPayload> {
    return payloadOf<ConfigurePluginPayload>(request, { plugin: null, userErrors: [] }, async () => ({
      plugin: await services.pluginConfigurations.configure(request, input),
      userErrors: [],
    }));
  }
}
