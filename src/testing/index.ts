export { type AskedPlugin, askPlugin } from './ask-plugin.ts';
export {
  startTestGateway,
  type TestAnswer,
  type TestGateway,
  type TestGatewayOptions,
} from './test-gateway.ts';
