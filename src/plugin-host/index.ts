export { extensionErrors, type FailureListener, PluginHost } from './host.ts';
export { loadPlugins } from './load.ts';
