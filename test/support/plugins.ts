export { type AskedPlugin, askPlugin } from '../../src/testing/ask-plugin.ts';
