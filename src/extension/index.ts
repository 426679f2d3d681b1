export {
  type Answer,
  type Asker,
  type CallContext,
  type CallFacts,
  defineExtensionPoint,
  type ExtensionPoint,
} from './extension-point.ts';
export { type MemberCreateInput, type MemberCreateOutput, memberCreate } from './member-create.ts';
export { type Answerer, answers, definePlugin, type FailurePolicy, type Plugin } from './plugin.ts';
