export { extensionErrors, PluginHost } from './host.ts';
export { loadPlugins } from './load.ts';
