import type { RequestContext } from '../../kernel/request-context.ts';
import type { Runtime } from './extension.entity.ts';
import type { ExtensionService } from './extension.service.ts';
import type { RuntimeLimits } from './extension-draft.ts';
import type { ExtensionReads } from './extension-reads.service.ts';
import type { ExtensionTesting } from './extension-testing.service.ts';
import type { PluginConfigurations } from './plugin-configuration.service.ts';

/** What the domain of extensions offers to those who ask from outside. */
export interface ExtensionServices {
  readonly extensions: ExtensionService;
  readonly extensionReads: ExtensionReads;
  readonly extensionTesting: ExtensionTesting;
  readonly pluginConfigurations: PluginConfigurations;
  readonly extensionLimits: Readonly<Record<Runtime, RuntimeLimits>>;
}

/** What the resolvers of extensions need from the request. */
export interface ExtensionContext {
  readonly request: RequestContext;
  readonly services: ExtensionServices;
}
