export { type Config, languageEnvironment, loadConfig } from './config.ts';
